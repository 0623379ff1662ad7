#include "consensus/rate.h"

#include <algorithm>
#include <cmath>

namespace laconic {

std::optional<RateFit> fit_rate(std::span<const ConsensusRecord> records) {
  const auto by_error = [](const ConsensusRecord& a, const ConsensusRecord& b) { return a.error < b.error; };
  const auto positive = [](const ConsensusRecord& record) { return record.error > 0.0; };
  // Exact agreement has no logarithm: it ends the line.
  const auto end = std::find_if_not(records.begin(), records.end(), positive);
  if (end == records.begin()) return std::nullopt;
  const double floor = kFloor * std::min_element(records.begin(), end, by_error)->error;
  const auto lowest =
      std::find_if(records.begin(), end, [&](const ConsensusRecord& record) { return record.error <= floor; });
  if (!(lowest->error < records.front().error)) return std::nullopt;
  const double half = std::sqrt(lowest->error * records.front().error);
  const auto first =
      std::find_if(records.begin(), lowest, [&](const ConsensusRecord& record) { return record.error <= half; });
  const std::span<const ConsensusRecord> part(first, lowest + 1);
  if (part.size() < 3) return std::nullopt;

  const auto count = static_cast<double>(part.size());
  double mean_x = 0.0;
  double mean_y = 0.0;
  for (const ConsensusRecord& record : part) {
    mean_x += static_cast<double>(record.round) / count;
    mean_y += std::log(record.error) / count;
  }
  double xx = 0.0;
  double xy = 0.0;
  double yy = 0.0;
  for (const ConsensusRecord& record : part) {
    const double x = static_cast<double>(record.round) - mean_x;
    const double y = std::log(record.error) - mean_y;
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  const double slope = xy / xx;
  RateFit fit{.factor = std::exp(slope),
              .r_squared = yy > 0.0 ? xy * xy / (xx * yy) : 1.0,
              .first_round = part.front().round,
              .last_round = part.back().round,
              .points = part.size()};
  for (const ConsensusRecord& record : part) {
    const double line = mean_y + slope * (static_cast<double>(record.round) - mean_x);
    fit.largest_decades = std::max(fit.largest_decades, std::abs(std::log(record.error) - line) / std::log(10.0));
  }
  return fit;
}

std::optional<Cost> cost_of(std::span<const ConsensusRecord> records, double error) {
  const auto reached = std::find_if(records.begin(), records.end(),
                                    [&](const ConsensusRecord& record) { return record.error <= error; });
  if (reached == records.end()) return std::nullopt;
  if (reached == records.begin()) return Cost{};
  const ConsensusRecord& before = *(reached - 1);
  const ConsensusRecord& after = *reached;
  const double part = after.error > 0.0 ? std::log(before.error / error) / std::log(before.error / after.error) : 1.0;
  const auto between = [&](double a, double b) { return a + part * (b - a); };
  const auto bytes = [&](Bytes a, Bytes b) {
    return between(static_cast<double>(a.value), static_cast<double>(b.value));
  };
  return Cost{.rounds = between(static_cast<double>(before.round), static_cast<double>(after.round)),
              .payload = bytes(before.payload, after.payload),
              .framed = bytes(before.framed, after.framed),
              .seconds = between(before.time.value, after.time.value)};
}

}  // namespace laconic
