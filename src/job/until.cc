#include "job/until.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/options.h"
#include "base/units.h"

namespace laconic {
namespace {

using Metric = Until::Metric;
using Comparison = Until::Comparison;

struct MetricRow {
  std::string_view name;
  Metric metric;
};
constexpr std::array kMetrics = {
    MetricRow{"accuracy", Metric::kAccuracy},
    MetricRow{"r2", Metric::kR2},
    MetricRow{"mae", Metric::kMae},
    MetricRow{"loss", Metric::kLoss},
    MetricRow{"validation_accuracy", Metric::kValidationAccuracy},
    MetricRow{"validation_r2", Metric::kValidationR2},
    MetricRow{"validation_mae", Metric::kValidationMae},
    MetricRow{"validation_loss", Metric::kValidationLoss},
    MetricRow{"bytes", Metric::kBytes},
    MetricRow{"time", Metric::kTime},
    MetricRow{"step", Metric::kStep},
};

struct ComparisonRow {
  std::string_view sign;
  Comparison comparison;
};
// The longer of two that begin alike comes first.
constexpr std::array kComparisons = {
    ComparisonRow{">=", Comparison::kAtLeast},
    ComparisonRow{"<=", Comparison::kAtMost},
    ComparisonRow{">", Comparison::kAbove},
    ComparisonRow{"<", Comparison::kBelow},
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

[[noreturn]] void refuse(std::string_view text, const std::string& problem) {
  throw UsageError("'" + std::string(text) + "': " + problem);
}

Metric parse_metric(std::string_view whole, std::string_view name) {
  std::vector<std::string_view> names;
  std::string known;
  for (const MetricRow& row : kMetrics) {
    if (row.name == name) return row.metric;
    names.push_back(row.name);
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  }
  const std::string_view near = nearest(name, names);
  refuse(whole, "'" + std::string(name) + "' is not one of " + known +
                    (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
}

double parse_value(std::string_view whole, Metric metric, std::string_view text) {
  if (metric == Metric::kBytes || metric == Metric::kTime) {
    try {
      return metric == Metric::kBytes ? static_cast<double>(parse_bytes(text).value) : parse_seconds(text).value;
    } catch (const UsageError& error) {
      refuse(whole, error.what());
    }
  }
  double value = 0.0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc{} || result.ptr != text.data() + text.size() || !std::isfinite(value)) {
    refuse(whole, "'" + std::string(text) + "' is not a number");
  }
  const bool fraction = metric == Metric::kAccuracy || metric == Metric::kValidationAccuracy;
  if (fraction && !(value >= 0.0 && value <= 1.0)) {
    refuse(whole, "an accuracy is a fraction from 0 to 1, such as 0.98");
  }
  if ((metric == Metric::kR2 || metric == Metric::kValidationR2) && value > 1.0) {
    refuse(whole, "an R2 is at most 1, such as 0.9");
  }
  if (value < 0.0) refuse(whole, "'" + std::string(text) + "' is below 0");
  return value;
}

// Not a number where there is none.
double mae_of(const Evaluation& evaluation) {
  return evaluation.regression ? evaluation.regression->mean_absolute_error : std::nan("");
}

double quantity(Metric metric, const Measurement& measurement) {
  switch (metric) {
    case Metric::kAccuracy:
    case Metric::kR2:
      return measurement.test.score();
    case Metric::kMae:
      return mae_of(measurement.test);
    case Metric::kLoss:
      return measurement.test.loss;
    case Metric::kValidationAccuracy:
    case Metric::kValidationR2:
      return measurement.validation.score();
    case Metric::kValidationMae:
      return mae_of(measurement.validation);
    case Metric::kValidationLoss:
      return measurement.validation.loss;
    case Metric::kBytes:
      return static_cast<double>(measurement.total().framed.value);
    case Metric::kTime:
      return measurement.time.value;
    case Metric::kStep:
      return static_cast<double>(measurement.step.value);
  }
  return std::nan("");
}

}  // namespace

bool Until::needs_validation() const {
  switch (metric) {
    case Metric::kValidationAccuracy:
    case Metric::kValidationR2:
    case Metric::kValidationMae:
    case Metric::kValidationLoss:
      return true;
    default:
      return false;
  }
}

bool Until::needs_numbers() const {
  switch (metric) {
    case Metric::kR2:
    case Metric::kMae:
    case Metric::kValidationR2:
    case Metric::kValidationMae:
      return true;
    default:
      return false;
  }
}

bool Until::met(const Measurement& measurement) const {
  const double measured = quantity(metric, measurement);
  switch (comparison) {
    case Comparison::kAtLeast:
      return measured >= value;
    case Comparison::kAbove:
      return measured > value;
    case Comparison::kAtMost:
      return measured <= value;
    case Comparison::kBelow:
      return measured < value;
  }
  return false;
}

Until parse_until(std::string_view text) {
  for (const ComparisonRow& row : kComparisons) {
    const std::size_t at = text.find(row.sign);
    if (at == std::string_view::npos) continue;
    Until until;
    until.metric = parse_metric(text, trim(text.substr(0, at)));
    until.comparison = row.comparison;
    until.value = parse_value(text, until.metric, trim(text.substr(at + row.sign.size())));
    return until;
  }
  refuse(text, "no comparison (>=, >, <=, <); write it as in \"accuracy >= 0.98\"");
}

}  // namespace laconic
