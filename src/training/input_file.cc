#include "training/input_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"

namespace laconic {

InputFile::InputFile(const std::string& path) : path_(path), file_(gzopen(path.c_str(), "rb")) {
  if (file_ == nullptr) {
    throw UsageError(path + ": cannot be opened (" + std::strerror(errno) + "); check the data directory");
  }
  gzbuffer(file_.get(), 1U << 17);
}

std::size_t InputFile::read(std::uint8_t* out, std::size_t size) {
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

std::vector<std::uint8_t> InputFile::read_rest(std::size_t most) {
  constexpr std::size_t kChunk = std::size_t{1} << 20;
  std::vector<std::uint8_t> bytes;
  while (true) {
    const std::size_t before = bytes.size();
    bytes.resize(before + kChunk);
    const std::size_t got = read(bytes.data() + before, kChunk);
    bytes.resize(before + got);
    if (bytes.size() > most) fail(most, "the file goes on after " + std::to_string(most) + " bytes");
    if (got < kChunk) return bytes;
  }
}

void InputFile::fail(std::size_t position, const std::string& problem) const {
  throw UsageError(path_ + ": byte " + std::to_string(position) + ": " + problem +
                   "; get the file anew from where it came from");
}

}  // namespace laconic
