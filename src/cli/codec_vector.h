// The vector that `laconic codec` measures operators on: drawn, or the model of a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/layout.h"
#include "cli/commands.h"

namespace laconic {

// The numbers of the arguments.
struct CodecNumbers {
  std::optional<std::uint64_t> random;
  std::uint64_t seed = 0;
  std::optional<std::uint64_t> repetitions;
};

// Throws UsageError for what is no whole number in its range.
CodecNumbers codec_numbers(const CodecArguments& arguments);

struct CodecVector {
  Layout layout;
  std::vector<float> values;
  std::string text;  // "1,000,000 normal floats, seed 1"
};

// Finite values, at least one. Throws UsageError for arguments that have no meaning beside each other, for a vector
// that this machine has no room for, and for a file that is no such model.
CodecVector make_codec_vector(const CodecArguments& arguments, const CodecNumbers& numbers);

}  // namespace laconic
