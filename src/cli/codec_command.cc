// `laconic codec`: what the compression operators make of a vector: how much is lost, how many bytes are left, how
// fast.
#include <algorithm>
#include <cmath>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/codec_candidates.h"
#include "cli/codec_measurement.h"
#include "cli/codec_table.h"
#include "cli/codec_vector.h"
#include "cli/commands.h"
#include "report/format.h"

namespace laconic {
namespace {

// A drawn vector for operators of matrices: a matrix as near to a square as it can be, and what is left as a vector.
Layout matrix_layout(std::size_t size) {
  const auto rows = static_cast<std::size_t>(std::sqrt(static_cast<double>(size)));
  const std::size_t cols = size / rows;
  Layout layout;
  layout.size = size;
  layout.tensors.push_back({.name = "matrix",
                            .offset = 0,
                            .shape = {static_cast<std::int64_t>(rows), static_cast<std::int64_t>(cols)},
                            .size = rows * cols});
  if (const std::size_t rest = size - rows * cols; rest > 0) {
    layout.tensors.push_back(
        {.name = "rest", .offset = rows * cols, .shape = {static_cast<std::int64_t>(rest)}, .size = rest});
  }
  return layout;
}

// "top_k: ratio 0.001, values bfloat16, else the defaults"
std::string head_text(const CodecCandidate& candidate) {
  std::string text;
  for (const Options::Resolved& option : candidate.options.resolved()) {
    if (!candidate.options.given(option.spec->name)) continue;
    text += std::string(option.spec->name) + " " + option.text + ", ";
  }
  return std::string(candidate.row->name) + ": " + (text.empty() ? "the defaults" : text + "else the defaults");
}

// Whether a table of several rows stands upright in `width` characters.
bool fits(const Table& table, std::size_t width) {
  constexpr std::size_t kAnyWidth = 1000;
  const std::string text = table.text(kAnyWidth);
  return display_width(std::string_view(text).substr(0, text.find('\n'))) <= width;
}

// "low_rank: the vector as a matrix of 1,000 x 1,000"
std::string matrix_text(const CodecCandidate& candidate, std::size_t size) {
  const Layout layout = matrix_layout(size);
  const TensorLayout& matrix = layout.tensors.front();
  const auto rows = static_cast<std::size_t>(matrix.shape[0]);
  const auto cols = static_cast<std::size_t>(matrix.shape[1]);
  const std::uint64_t rank = candidate.options.integer(candidate.row->rank_option);
  const std::size_t rest = size - matrix.size;
  return std::string(candidate.row->name) + ": the vector as a matrix of " + grouped(rows) + " x " + grouped(cols) +
         (rest > 0 ? " and " + grouped(rest) + " floats beside it" : "") +
         (rank * (rows + cols) < matrix.size
              ? ""
              : ", which factors of rank " + std::to_string(rank) + " make no smaller: sent as float32");
}

}  // namespace

ExitCode codec_command(Console& console, const CodecArguments& arguments) {
  if (!arguments.unknown.empty()) throw UsageError(unknown_text(arguments));
  const CodecNumbers numbers = codec_numbers(arguments);
  std::vector<CodecCandidate> candidates;
  // What needs no vector is checked before one is made.
  if (!arguments.compressor.empty()) candidates.push_back(named_candidate(arguments));
  const CodecVector vector = make_codec_vector(arguments, numbers);
  const bool compared = candidates.empty();
  if (compared) candidates = all_candidates(arguments, vector.values);
  const auto as_matrix = [&](const CodecCandidate& candidate) {
    return arguments.file.empty() && !candidate.row->rank_option.empty();
  };
  for (CodecCandidate& candidate : candidates) {
    const Layout layout = as_matrix(candidate) ? matrix_layout(vector.values.size()) : vector.layout;
    candidate.factory = candidate.row->make(candidate.options, layout);
  }

  console.out << vector.text << "\n" << (compared ? "" : head_text(candidates.front()) + "\n") << std::endl;
  std::vector<CodecFigures> rows;
  for (const CodecCandidate& candidate : candidates) {
    rows.push_back(measure_codec(candidate.factory, candidate.row->skips_by_chance, vector.values,
                                 {numbers.seed, numbers.repetitions}));
  }
  const std::size_t d = vector.values.size();
  Table table = codec_table(candidates, rows, d, true);
  const bool all = !compared || fits(table, console.width);
  if (!all) table = codec_table(candidates, rows, d, false);
  console.out << table.text(console.width) << "\n" << codec_legend(candidates, rows, all, console.width);
  if (compared) {
    for (const CodecCandidate& candidate : candidates) {
      const std::string bounded(candidate.row->magnitude_option);
      if (bounded.empty() || arguments.options.contains(bounded)) continue;
      const std::string bound = significant(candidate.options.number(bounded));
      const std::string line = std::string(candidate.row->name) + ": " + bound + ", the smallest of the " +
                               grouped(compared_count(d)) + " largest magnitudes (1%)";
      console.out << wrapped(line, 0, console.width);
    }
  }
  for (const CodecCandidate& candidate : candidates) {
    if (as_matrix(candidate)) console.out << wrapped(matrix_text(candidate, d), 0, console.width);
  }
  console.out << std::flush;
  return ExitCode::kDone;
}

}  // namespace laconic
