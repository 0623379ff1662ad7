// Reading a file of a data set, or an array in an archive, from its front to its end.
#pragma once

#include <zlib.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace laconic {

// Positions are of the uncompressed bytes. Errors are UsageErrors that name the source, the byte and the remedy.
class InputStream {
 public:
  virtual ~InputStream() = default;
  InputStream(const InputStream&) = delete;
  InputStream& operator=(const InputStream&) = delete;

  // Up to `size` bytes; fewer only at the end. Throws when they cannot be read, are damaged or break off.
  std::size_t read(std::uint8_t* out, std::size_t size) {
    const std::size_t got = read_some(out, size);
    position_ += got;
    return got;
  }

  std::size_t position() const { return position_; }
  // Of bytes that are not what they should be, whose remedy is to get them anew.
  [[noreturn]] void fail(std::size_t position, const std::string& problem) const;
  // Of what is sound and of no use here; `problem` has the remedy.
  [[noreturn]] void refuse(const std::string& problem) const;

 protected:
  // `name`: how errors call it.
  explicit InputStream(std::string name) : name_(std::move(name)) {}

 private:
  // read(), without the count.
  virtual std::size_t read_some(std::uint8_t* out, std::size_t size) = 0;

  std::string name_;
  std::size_t position_ = 0;
};

// A file, plain or compressed with gzip.
class InputFile : public InputStream {
 public:
  // Throws when it cannot be opened.
  explicit InputFile(const std::string& path);

  // All that is left, at most `most` bytes, in memory that grows with what is really read. Throws when there is more.
  std::vector<std::uint8_t> read_rest(std::size_t most);

 private:
  std::size_t read_some(std::uint8_t* out, std::size_t size) override;

  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };
  std::unique_ptr<gzFile_s, Close> file_;
};

// The elements behind a header that says how many bytes they are. Memory grows with what is really read.
class AnnouncedBytes {
 public:
  // From where `stream`, which must outlive this, now is.
  AnnouncedBytes(InputStream& stream, std::size_t size) : stream_(stream), start_(stream.position()), size_(size) {}

  // Appends the next `count` bytes to `out`. Throws, as skip() does, where the stream ends before.
  void append(std::size_t count, std::vector<std::uint8_t>& out);
  // Passes them through a buffer of a megabyte.
  void skip(std::size_t count);
  // Of the next `keep.size()` rows of `row` bytes those that `keep` marks.
  void append_rows(const std::vector<bool>& keep, std::size_t row, std::vector<std::uint8_t>& out);
  // To be called behind the last byte. Throws where more follow.
  void expect_end();

 private:
  void read(std::uint8_t* out, std::size_t wanted);

  InputStream& stream_;
  std::size_t start_;
  std::size_t size_;
  std::vector<std::uint8_t> passing_;
};

// What stands in a file as an error can show it: in one line, and not endless.
std::string shown(std::string_view text);

}  // namespace laconic
