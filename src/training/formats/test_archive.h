// Arrays and archives made by hand, byte by byte, which the tests of their readers share.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace laconic {

inline std::string little_endian(std::uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i, value >>= 8) text += static_cast<char>(value & 0xff);
  return text;
}

// An NPY file with this header, padded as numpy.save pads it: elements start at a multiple of 64 bytes.
inline std::string npy_of_header(std::string header, const std::string& elements, int version = 1) {
  const std::size_t before = version == 1 ? 10 : 12;
  header += std::string(63 - (before + header.size()) % 64, ' ') + "\n";
  return "\x93NUMPY" + std::string{static_cast<char>(version), '\0'} +
         little_endian(header.size(), version == 1 ? 2 : 4) + header + elements;
}

// `shape` as Python writes it: "(3,)", "(3, 4)".
inline std::string npy(const std::string& type, const std::string& shape, const std::string& elements,
                       int version = 1) {
  return npy_of_header("{'descr': '" + type + "', 'fortran_order': False, 'shape': " + shape + ", }", elements,
                       version);
}

// The bytes of numbers as this machine has them, in the order of an array's elements.
template <typename Number>
std::string bytes_of_numbers(const std::vector<Number>& numbers) {
  std::string bytes(numbers.size() * sizeof(Number), '\0');
  if (!numbers.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

// A file in a ZIP archive, and what the archive says of it; what is not set here is true.
struct ZipEntry {
  std::string name;
  std::string content;
  bool deflated = false;
  std::uint16_t flags = 0;
  std::uint16_t method = 0;          // in the place of stored or deflated
  std::uint32_t claimed_size = 0;    // unpacked
  std::uint32_t claimed_packed = 0;  // in the archive
};

inline std::string deflate_raw(const std::string& content) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK) throw std::runtime_error("zlib");
  std::string packed(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const int result = deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("zlib");
  return packed;
}

// PKWARE's APPNOTE: each file behind a header, then the central directory, which repeats them, then its end.
inline std::string zip_archive(const std::vector<ZipEntry>& entries) {
  std::string files, directory;
  for (const ZipEntry& entry : entries) {
    const std::string packed = entry.deflated ? deflate_raw(entry.content) : entry.content;
    const auto checksum =
        crc32(0, reinterpret_cast<const Bytef*>(entry.content.data()), static_cast<uInt>(entry.content.size()));
    const std::string common = little_endian(20, 2) + little_endian(entry.flags, 2) +
                               little_endian(entry.method != 0 ? entry.method
                                             : entry.deflated  ? 8
                                                               : 0,
                                             2) +
                               little_endian(0, 2) + little_endian(33, 2) +  // midnight of 1 January 1980
                               little_endian(checksum, 4) +
                               little_endian(entry.claimed_packed != 0 ? entry.claimed_packed : packed.size(), 4) +
                               little_endian(entry.claimed_size != 0 ? entry.claimed_size : entry.content.size(), 4) +
                               little_endian(entry.name.size(), 2) + little_endian(0, 2);
    directory +=
        "PK\1\2" + little_endian(20, 2) + common + little_endian(0, 10) + little_endian(files.size(), 4) + entry.name;
    files += "PK\3\4" + common + entry.name + packed;
  }
  return files + directory + "PK\5\6" + little_endian(0, 4) + little_endian(entries.size(), 2) +
         little_endian(entries.size(), 2) + little_endian(directory.size(), 4) + little_endian(files.size(), 4) +
         little_endian(0, 2);
}

}  // namespace laconic
