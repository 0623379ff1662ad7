// The IDX format of MNIST and its relatives: an array of bytes or integers, plain or compressed with gzip.
//
//   file   = 0x00 0x00 type rank size*rank element*      all integers big-endian
//   type   = 0x08 (unsigned byte) | 0x0c (signed 32-bit integer)       one byte; the format's other types are refused
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

// Both read the whole file and throw UsageError that names the file, the byte and the remedy unless it is an IDX file
// of the wanted type and rank whose elements are as many as the header says, no fewer and no more. Memory grows with
// what was really read, never with what a header claims, and never beyond `kLargestIdx` bytes.
inline constexpr std::size_t kLargestIdx = std::size_t{1} << 32;
IdxBytes read_idx_bytes(const std::string& path, std::size_t rank);
// A vector of integers, none of them negative.
std::vector<std::uint32_t> read_idx_integers(const std::string& path);

}  // namespace laconic
