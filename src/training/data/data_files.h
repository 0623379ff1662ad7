// Finding the files of a data set, and what their names and errors are made of.
//
// A directory may differ between workers: in "/site/{rank}/mnist" the worker's rank stands in the place of {rank}.
#pragma once

#include <string>
#include <string_view>

#include "base/ids.h"
#include "training/data/dataset.h"

namespace laconic {

// The path of the file `name` in `directory`, or of `name`.gz, which comes first. Throws UsageError with the remedy
// when neither is there.
std::string find_data_file(const DatasetRow& row, const std::string& directory, std::string_view name);

inline constexpr std::string_view kRankWord = "{rank}";
// Whether `directory` holds {rank}, once or more. Throws UsageError for any other brace, which is a slip of the pen
// sooner than a folder's name.
bool names_rank(std::string_view directory);
// `directory` of the worker `rank`: itself where it names none.
std::string directory_of(std::string_view directory, Rank rank);

// `text` with `value` in the place of each `word`.
std::string filled_in(std::string_view text, std::string_view word, std::string_view value);

}  // namespace laconic
