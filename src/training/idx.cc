#include "training/idx.h"

#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <memory>
#include <span>

#include "base/error.h"

namespace laconic {
namespace {

constexpr std::uint8_t kTypeByte = 0x08;
constexpr std::uint8_t kTypeInteger = 0x0c;
constexpr std::size_t kChunk = std::size_t{1} << 20;

// A file that may be compressed; positions are of the uncompressed bytes.
class IdxFile {
 public:
  explicit IdxFile(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
    if (file_ == nullptr) {
      throw UsageError(path + ": cannot be opened (" + std::strerror(errno) + "); check the data directory");
    }
    gzbuffer(file_.get(), 1U << 17);
  }

  // Up to `size` bytes; fewer only at the end of the file.
  std::size_t read(std::uint8_t* out, std::size_t size) {
    const int got = gzread(file_.get(), out, static_cast<unsigned>(size));
    int code = Z_OK;
    const char* text = gzerror(file_.get(), &code);
    // zlib reports a compressed stream that breaks off as a buffer error, after handing out what there was.
    if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) {
      if (code == Z_BUF_ERROR) fail(position_ + static_cast<std::size_t>(std::max(got, 0)), "the file breaks off");
      fail(position_, code == Z_ERRNO ? std::string("it cannot be read (") + std::strerror(errno) + ")"
                                      : std::string("the compressed data are damaged (") + text + ")");
    }
    position_ += static_cast<std::size_t>(got);
    return static_cast<std::size_t>(got);
  }

  std::uint32_t big_endian() {
    std::uint8_t bytes[4];
    if (read(bytes, sizeof bytes) != sizeof bytes) fail(position_, "the file breaks off within its header");
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
  }

  [[noreturn]] void fail(std::size_t position, const std::string& problem) const {
    throw UsageError(path_ + ": byte " + std::to_string(position) + ": " + problem +
                     "; get the file anew from where it came from");
  }

  std::size_t position() const { return position_; }

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };
  std::string path_;
  std::unique_ptr<gzFile_s, Close> file_;
  std::size_t position_ = 0;
};

const char* type_text(std::uint32_t type) {
  return type == kTypeByte ? "unsigned bytes" : type == kTypeInteger ? "32-bit integers" : "a type not supported here";
}

IdxBytes read_idx(const std::string& path, std::uint8_t type, std::size_t element_size, std::size_t rank) {
  IdxFile file(path);
  const std::uint32_t magic = file.big_endian();
  if (magic >> 16 != 0 || (magic & 0xff) == 0) file.fail(0, "this is not an IDX file");
  if ((magic >> 8 & 0xff) != type) {
    file.fail(2, std::string("the elements are ") + type_text(magic >> 8 & 0xff) + ", expected " + type_text(type));
  }
  if ((magic & 0xff) != rank) {
    file.fail(3, "the array has " + std::to_string(magic & 0xff) + " dimensions, expected " + std::to_string(rank));
  }
  IdxBytes array;
  std::size_t expected = element_size;
  for (std::size_t dimension = 0; dimension < rank; ++dimension) {
    const std::size_t at = file.position();
    const std::uint32_t size = file.big_endian();
    if (size == 0) file.fail(at, "dimension " + std::to_string(dimension) + " is empty");
    if (size > kLargestIdx / expected)
      file.fail(at, "the header claims more than " + std::to_string(kLargestIdx) + " bytes");
    expected *= size;
    array.sizes.push_back(size);
  }
  while (array.elements.size() < expected) {
    const std::size_t before = array.elements.size();
    const std::size_t wanted = std::min(kChunk, expected - before);
    array.elements.resize(before + wanted);
    const std::size_t got = file.read(array.elements.data() + before, wanted);
    if (got < wanted) {
      file.fail(file.position(), "the file ends after " + std::to_string(before + got) + " of " +
                                     std::to_string(expected) + " bytes that its header announces");
    }
  }
  std::uint8_t beyond = 0;
  // This read also makes zlib verify the checksum of the stream.
  if (file.read(&beyond, 1) != 0) {
    file.fail(file.position() - 1,
              "the file goes on after the " + std::to_string(expected) + " bytes its header announces");
  }
  return array;
}

}  // namespace

IdxBytes read_idx_bytes(const std::string& path, std::size_t rank) { return read_idx(path, kTypeByte, 1, rank); }

std::vector<std::uint32_t> read_idx_integers(const std::string& path) {
  const IdxBytes array = read_idx(path, kTypeInteger, 4, 1);
  std::vector<std::uint32_t> values(array.sizes[0]);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint8_t* bytes = array.elements.data() + 4 * i;
    values[i] = std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
    if (values[i] > static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max())) {
      throw UsageError(path + ": element " + std::to_string(i) +
                       " is negative; users are numbered from 0: correct the file");
    }
  }
  return values;
}

}  // namespace laconic
