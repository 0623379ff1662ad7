// An IDX file of any bytes is read as what it says, or refused with a UsageError.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>

#include "base/error.h"
#include "training/idx.h"

namespace {

// The one file of this process, rewritten for every input and removed at the end.
class ScratchFile {
 public:
  ScratchFile() : path_(std::filesystem::temp_directory_path() / ("idx_fuzz." + std::to_string(getpid()))) {}
  ~ScratchFile() { std::remove(path_.c_str()); }
  void write(const std::uint8_t* data, std::size_t size) const {
    std::FILE* file = std::fopen(path_.c_str(), "wb");
    LACONIC_CHECK(file != nullptr, "cannot write " << path_);
    const std::size_t written = std::fwrite(data, 1, size, file);
    LACONIC_CHECK(std::fclose(file) == 0 && written == size, "cannot write " << path_);
  }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const ScratchFile file;
  file.write(data, size);
  for (std::size_t rank = 1; rank <= 3; ++rank) {
    try {
      const laconic::IdxBytes array = laconic::read_idx_bytes(file.path(), rank);
      std::size_t elements = 1;
      for (const std::size_t length : array.sizes) elements *= length;
      LACONIC_CHECK(array.sizes.size() == rank && array.elements.size() == elements, elements << " elements");
    } catch (const laconic::UsageError&) {
    }
  }
  try {
    for (const std::uint32_t value : laconic::read_idx_integers(file.path())) {
      LACONIC_CHECK(value <= INT32_MAX, "integer " << value);
    }
  } catch (const laconic::UsageError&) {
  }
  return 0;
}
