// Reading a file of a data set that may be compressed with gzip.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace laconic {

// Positions are of the uncompressed bytes. Errors are UsageErrors that name the file, the byte and the remedy.
class InputFile {
 public:
  // Throws when it cannot be opened.
  explicit InputFile(const std::string& path);

  // Up to `size` bytes; fewer only at the end of the file. Throws when it cannot be read or its compressed data are
  // damaged or break off.
  std::size_t read(std::uint8_t* out, std::size_t size);
  // All that is left, at most `most` bytes, in memory that grows with what is really read. Throws
  // when there is more.
  std::vector<std::uint8_t> read_rest(std::size_t most);

  std::size_t position() const { return position_; }
  [[noreturn]] void fail(std::size_t position, const std::string& problem) const;

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };
  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
  std::size_t position_ = 0;
};

}  // namespace laconic
