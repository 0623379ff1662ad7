// A file for the fuzz targets of readers that take a path.
#pragma once

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace laconic {

// The one file of this process, rewritten for every input and removed at the end.
class ScratchFile {
 public:
  explicit ScratchFile(const std::string& name)
      : path_(std::filesystem::temp_directory_path() / (name + "." + std::to_string(getpid()))) {}
  ~ScratchFile() { std::remove(path_.c_str()); }
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  void write(const std::uint8_t* data, std::size_t size) const {
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    LACONIC_CHECK(file != nullptr, "cannot write " << path_);
    const std::size_t written = size == 0 ? 0 : std::fwrite(data, 1, size, file);
    LACONIC_CHECK(std::fclose(file) == 0 && written == size, "cannot write " << path_);
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace laconic
