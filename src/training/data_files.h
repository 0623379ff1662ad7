// Finding the files of a data set.
#pragma once

#include <string>
#include <string_view>

#include "training/dataset.h"

namespace laconic {

// The path of the file `name` in `directory`, or of `name`.gz, which comes first. Throws UsageError with the remedy
// when neither is there.
std::string find_data_file(const DatasetRow& row, const std::string& directory, std::string_view name);

}  // namespace laconic
