#include "cli/codec_table.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <vector>

namespace laconic {
namespace {

// A standard error below this part of the mean is not shown.
constexpr double kShownError = 0.01;

std::string optional_text(const std::optional<double>& number) { return number ? significant(*number) : "-"; }

// "0.0940±0.0047"; the error only where it is large.
std::string omega_text(const CodecFigures& figures) {
  if (!figures.omega) return "-";
  const double error = figures.omega_error;
  if (std::isnan(error)) return significant(*figures.omega) + "±?";
  const bool shown = error > kShownError * std::fabs(*figures.omega);
  return significant(*figures.omega) + (shown ? "±" + significant(error, 2) : "");
}

std::string speed_text(const std::optional<double>& seconds, double size) {
  return seconds ? significant(4e-9 * size / *seconds) : "-";
}

}  // namespace

Table codec_table(std::span<const CodecCandidate> candidates, std::span<const CodecFigures> rows, std::size_t size,
                  bool all) {
  std::vector<Table::Column> columns = {{"operator", Table::Align::kLeft}, {"omega"}, {"proven"}};
  if (all) columns.insert(columns.end(), {{"unbiased"}, {"bytes"}});
  columns.insert(columns.end(), {{"smaller"}, {"bits"}});
  if (all) columns.push_back({"est."});
  columns.insert(columns.end(), {{"/est."}, {"encode"}, {"decode"}});
  Table table(columns);
  const auto d = static_cast<double>(size);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const CodecFigures& figures = rows[i];
    std::vector<std::string> cells = {std::string(candidates[i].row->name), omega_text(figures),
                                      optional_text(figures.proven)};
    if (all) {
      cells.emplace_back(figures.unbiased ? "yes" : "no");
      cells.push_back(grouped(static_cast<std::uint64_t>(std::llround(figures.bytes))));
    }
    cells.push_back(significant(4.0 * d / figures.bytes) + "x");
    cells.push_back(significant(8.0 * figures.bytes / d));
    if (all) cells.push_back(significant(figures.entropy_bits / d));
    cells.push_back(figures.entropy_bits > 0.0 ? significant(8.0 * figures.bytes / figures.entropy_bits) : "-");
    cells.push_back(speed_text(figures.encode_seconds, d));
    cells.push_back(speed_text(figures.decode_seconds, d));
    table.add_row(cells);
  }
  return table;
}

std::string codec_legend(std::span<const CodecCandidate> candidates, std::span<const CodecFigures> rows, bool all,
                         std::size_t width) {
  std::string text;
  const auto add = [&](const std::string& line) { text += wrapped(line, 0, width); };
  add("omega, proven: 1 - |C(v) - v|^2 / |v|^2, mean over the messages (± its standard error, where that is above " +
      significant(100.0 * kShownError, 1) + "%), and a bound of its expectation");
  const auto lacks_error = [](const CodecFigures& figures) { return figures.omega && std::isnan(figures.omega_error); };
  if (std::any_of(rows.begin(), rows.end(), lacks_error)) {
    add("±?: too few messages carried something; give more --repetitions");
  }
  if (!all) {
    std::string names;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (rows[i].unbiased) names += (names.empty() ? "" : ", ") + std::string(candidates[i].row->name);
    }
    add("unbiased: " + (names.empty() ? "none of them" : names));
  }
  add("bits, est.: a coordinate, of the message and as an entropy estimate: log2 of the number of sets of so many "
      "indices, and the entropy of the values, each taken for itself; where they cluster a message is shorter, and "
      "/est. below 1");
  add("encode, decode: GB of float32 a second, on one thread, of messages that carry something");
  return text;
}

}  // namespace laconic
