// The binary version of CIFAR-10 (Krizhevsky 2009): records without a header.
//
//   file   = record*
//   record = label pixels              3,073 bytes
//   label  = one byte, 0 to 9
//   pixels = 1,024 bytes of red, 1,024 of green, 1,024 of blue, each 32 rows of 32 from the top
//
// The published files hold 10,000 records each.
#pragma once

#include <string>

#include "training/data/dataset.h"

namespace laconic {

inline constexpr ImageShape kCifarShape{.channels = 3, .height = 32, .width = 32};
inline constexpr std::uint32_t kCifarClasses = 10;
inline constexpr std::size_t kLargestCifarFile = std::size_t{1} << 30;

// Appends the records of a file, plain or compressed with gzip, to `samples`. Throws UsageError that names the file,
// the byte and the remedy for a file without a record, one that breaks off in a record, a label of 10 or more, and more
// than kLargestCifarFile bytes; `samples` is then unchanged.
void read_cifar10(const std::string& path, Samples& samples);

}  // namespace laconic
