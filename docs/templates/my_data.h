// My data: grey images in files of records (Author YEAR).
//
//   file   = record*
//   record = label pixels        1 + side * side bytes
//   label  = one byte, 0 to 9
//   pixels = rows from the top, a byte each
//
// The training split is train.bin, the test split test.bin.
#pragma once

#include <span>
#include <string>

#include "training/data/dataset.h"

namespace laconic {

inline constexpr std::uint32_t kMyClasses = 10;
inline constexpr std::size_t kLargestMyFile = std::size_t{1} << 30;

// Keys of [data] that the data set adds: "side".
std::span<const OptionSpec> my_data_options();

// Appends the records of a file, plain or compressed with gzip, to `samples`. Throws UsageError that names the file, the
// byte and the remedy for an empty file, one that ends within a record, a label of 10 or more, and more than
// kLargestMyFile bytes; `samples` is then unchanged.
void read_my_file(const std::string& path, std::size_t side, Samples& samples);

// DatasetRow::open.
Dataset open_my_data(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits);

}  // namespace laconic
