// The NPY format of numpy.save: one array of numbers (NumPy's module numpy.lib.format describes it).
//
//   file    = 0x93 "NUMPY" major minor size header element*
//   major   = 1 | 2 | 3, minor = 0     one byte each
//   size    = bytes of the header, little-endian: two bytes in version 1, four after it
//   header  = {'descr': 'TYPE', 'fortran_order': ORDER, 'shape': (N, ...), }     a Python dict, its keys in any order,
//                                                                                then blanks and a newline
//   TYPE    = the order of an element's bytes (< little, > big, | there is one), its kind, their number: <f4
//   kind    = b (boolean: one byte) | u, i (integers: 1, 2, 4 or 8 bytes) | f (floats: 2, 4 or 8 bytes)
//           | U (text: that many characters of 4 bytes, zeros behind it) | S (text: that many bytes, likewise)
//
//   93 'N' 'U' 'M' 'P' 'Y' 01 00 76 00 {'descr': '|u1', 'fortran_order': False, 'shape': (3,), } ... \n 07 00 02
//   is the vector of bytes (7, 0, 2)
//
// ORDER is False where the last index is the fastest, and True where the first one is (Fortran's). Types other than these
// are refused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "training/formats/input_file.h"

namespace laconic {

enum class NpyKind { kBoolean, kUnsigned, kSigned, kFloat, kCharacters, kText };

struct NpyHeader {
  std::string type;  // as in the file: "<f4"
  NpyKind kind = NpyKind::kUnsigned;
  std::size_t element_size = 1;  // bytes
  bool big_endian = false;
  bool fortran_order = false;
  std::vector<std::size_t> shape;  // slowest index first, none of them 0; empty for a single number

  // Unsigned bytes, which are taken as they are.
  bool is_bytes() const { return kind == NpyKind::kUnsigned && element_size == 1; }
  std::size_t elements() const;
};

// "60000 x 28 x 28".
std::string shape_text(const std::vector<std::size_t>& shape);

// All throw UsageError that names the stream, the byte or the sample, and the remedy, for what is not as above,
// elements that are more or fewer than the header says, and arrays of more than `kLargestNpy` bytes. Memory grows with
// what was really read, never with what a header claims; of an array in Fortran's order all is in memory at once.
inline constexpr std::size_t kLargestNpy = std::size_t{1} << 34;
// From the first byte of a stream to its first element. Text is refused unless it `may_be_text`.
NpyHeader read_npy_header(InputStream& stream, bool may_be_text = false);

// The elements, from the first one to the end of the stream. A sample is what one value of the first index has: of
// `keep.size()`, which is shape[0], those that `keep` marks, the order kept, each with the last index fastest.
std::vector<std::uint8_t> read_npy_bytes(InputStream& stream, const NpyHeader& header, const std::vector<bool>& keep);
// Booleans as 0 and 1; all others rounded to float. Refuses a number of a marked sample that is not finite, or outside
// the range of float.
std::vector<float> read_npy_floats(InputStream& stream, const NpyHeader& header, const std::vector<bool>& keep);
// Of all samples. Refuses floats, and numbers outside 0 to 65535.
std::vector<std::uint16_t> read_npy_labels(InputStream& stream, const NpyHeader& header);
// Of all samples: text as UTF-8 (of S as its bytes are), integers in decimal. Refuses floats, and what is no character.
std::vector<std::string> read_npy_names(InputStream& stream, const NpyHeader& header);

}  // namespace laconic
