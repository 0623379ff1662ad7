#include "training/formats/input_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "base/supervision.h"

namespace laconic {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 20;

}  // namespace

void InputStream::fail(std::size_t position, const std::string& problem) const {
  refuse("byte " + std::to_string(position) + ": " + problem + "; download or copy the file again");
}

void InputStream::refuse(const std::string& problem) const { throw UsageError(name_ + ": " + problem); }

InputFile::InputFile(const std::string& path) : InputStream(path), file_(gzopen(path.c_str(), "rb")) {
  if (file_ == nullptr) {
    refuse(std::string("cannot be opened (") + std::strerror(errno) + "); check the data directory");
  }
  gzbuffer(file_.get(), 1U << 17);
}

std::size_t InputFile::read_some(std::uint8_t* out, std::size_t size) {
  const int got = gzread(file_.get(), out, static_cast<unsigned>(size));
  int code = Z_OK;
  const char* text = gzerror(file_.get(), &code);
  // zlib reports a compressed stream that breaks off as a buffer error, after handing out what there was.
  if (got < 0 || (code != Z_OK && code != Z_STREAM_END)) {
    if (code == Z_BUF_ERROR) fail(position() + static_cast<std::size_t>(std::max(got, 0)), "the file breaks off");
    fail(position(), code == Z_ERRNO ? std::string("it cannot be read (") + std::strerror(errno) + ")"
                                     : std::string("the compressed data are damaged (") + text + ")");
  }
  return static_cast<std::size_t>(got);
}

std::vector<std::uint8_t> InputFile::read_rest(std::size_t most) {
  std::vector<std::uint8_t> bytes;
  while (true) {
    report_progress("reading files of data");
    const std::size_t before = bytes.size();
    bytes.resize(before + kChunk);
    const std::size_t got = read(bytes.data() + before, kChunk);
    bytes.resize(before + got);
    if (bytes.size() > most) fail(most, "the file continues after " + std::to_string(most) + " bytes");
    if (got < kChunk) return bytes;
  }
}

void AnnouncedBytes::append(std::size_t count, std::vector<std::uint8_t>& out) {
  while (count > 0) {
    const std::size_t before = out.size();
    const std::size_t wanted = std::min(kChunk, count);
    out.resize(before + wanted);
    read(out.data() + before, wanted);
    count -= wanted;
  }
}

void AnnouncedBytes::skip(std::size_t count) {
  while (count > 0) {
    const std::size_t wanted = std::min(kChunk, count);
    passing_.resize(wanted);
    read(passing_.data(), wanted);
    count -= wanted;
  }
}

void AnnouncedBytes::append_rows(const std::vector<bool>& keep, std::size_t row, std::vector<std::uint8_t>& out) {
  for (auto run = keep.begin(); run != keep.end();) {
    const auto end = std::find(run, keep.end(), !*run);
    const std::size_t bytes = static_cast<std::size_t>(end - run) * row;
    if (*run) {
      append(bytes, out);
    } else {
      skip(bytes);
    }
    run = end;
  }
}

void AnnouncedBytes::expect_end() {
  std::uint8_t beyond = 0;
  // This read also makes zlib verify the checksum of the stream.
  if (stream_.read(&beyond, 1) != 0) {
    stream_.fail(stream_.position() - 1,
                 "the file continues after the " + std::to_string(size_) + " bytes its header announces");
  }
}

void AnnouncedBytes::read(std::uint8_t* out, std::size_t wanted) {
  report_progress("reading files of data");
  if (stream_.read(out, wanted) == wanted) return;
  stream_.fail(stream_.position(), "the file ends after " + std::to_string(stream_.position() - start_) + " of " +
                                       std::to_string(size_) + " bytes that its header announces");
}

std::string shown(std::string_view text) {
  constexpr std::size_t kMost = 40;
  std::string line(text.substr(0, kMost));
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  }
  return "'" + line + (text.size() > kMost ? "...'" : "'");
}

}  // namespace laconic
