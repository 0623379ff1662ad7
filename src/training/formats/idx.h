// The IDX format of MNIST and its relatives: an array of bytes or integers, plain or compressed with gzip.
//
//   file   = 0x00 0x00 type rank size*rank element*      all integers big-endian
//   type   = 0x08 (unsigned byte) | 0x09 (signed byte) | 0x0b (signed 16-bit integer) | 0x0c (signed 32-bit integer)
//          | 0x0d (float) | 0x0e (double)       one byte
//   rank   = one byte; size = 4 bytes each, slowest dimension first
//
//   00 00 08 01  00 00 00 03  07 00 02    is the vector of bytes (7, 0, 2)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace laconic {

struct IdxBytes {
  std::vector<std::size_t> sizes;      // of each dimension
  std::vector<std::uint8_t> elements;  // product of the sizes
};

// All read the whole file, but where they say otherwise, and throw UsageError that names the file, the byte and the
// remedy unless it is an IDX file of the wanted type and rank whose elements are as many as the header says, no fewer
// and no more. Memory grows with what was really read, never with what a header claims, and never beyond `kLargestIdx`
// bytes.
inline constexpr std::size_t kLargestIdx = std::size_t{1} << 32;
IdxBytes read_idx_bytes(const std::string& path, std::size_t rank);
// Of an array of `keep.size()` entries along its slowest dimension those that `keep` marks, the order kept: `sizes[0]`
// counts them. The others pass through a buffer of a megabyte, but all of the file is checked.
IdxBytes read_idx_rows(const std::string& path, std::size_t rank, const std::vector<bool>& keep);
// The header alone: what it says of bytes that nobody has read yet.
std::vector<std::size_t> read_idx_sizes(const std::string& path, std::size_t rank);
// A vector of classes, N or N x 1, numbers of any type of which all are whole, none negative or above 65535.
std::vector<std::uint16_t> read_idx_labels(const std::string& path);
// A vector of 32-bit integers, none of them negative.
std::vector<std::uint32_t> read_idx_integers(const std::string& path);

}  // namespace laconic
