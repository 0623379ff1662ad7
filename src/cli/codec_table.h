// The figures of `laconic codec` as a table, and what its heads mean.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "cli/codec_candidates.h"
#include "cli/codec_measurement.h"
#include "report/format.h"

namespace laconic {

// A row for each candidate, of a vector of `size` elements; with `all` also the columns that can be done without.
Table codec_table(std::span<const CodecCandidate> candidates, std::span<const CodecFigures> rows, std::size_t size,
                  bool all);

// What the heads mean, and what they leave out, in lines of `width` characters.
std::string codec_legend(std::span<const CodecCandidate> candidates, std::span<const CodecFigures> rows, bool all,
                         std::size_t width);

}  // namespace laconic
