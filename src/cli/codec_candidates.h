// The operators that `laconic codec` measures, with their options.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "cli/commands.h"
#include "compress/compressor.h"

namespace laconic {

// One operator with its options resolved.
struct CodecCandidate {
  const CompressorRow* row = nullptr;
  Options options;
  CompressorFactory factory;  // made once there is a vector
};

// Nothing where the operator has no such option.
const OptionSpec* find_option(const CompressorRow& row, std::string_view name);

// The operator that the arguments name, with their options. Throws UsageError for an unknown one.
CodecCandidate named_candidate(const CodecArguments& arguments);

// All operators, each with those of the options that it takes; `threshold` is set to keep compared_count() of `values`
// where it is not given. Throws UsageError for an option that none takes.
std::vector<CodecCandidate> all_candidates(const CodecArguments& arguments, std::span<const float> values);
std::size_t compared_count(std::size_t size);

// What is said of a word of the command line that means nothing.
std::string unknown_text(const CodecArguments& arguments);

}  // namespace laconic
