#include "job/until.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/error.h"
#include "base/spelling.h"
#include "base/units.h"
#include "base/utf8.h"

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

// What other programs call them.
struct MetricAlias {
  std::string_view name;
  std::string_view metric;
};
constexpr std::array kAliases = {
    MetricAlias{"acc", "accuracy"},
    MetricAlias{"test_accuracy", "accuracy"},
    MetricAlias{"test_acc", "accuracy"},
    MetricAlias{"test_loss", "loss"},
    MetricAlias{"val_accuracy", "validation_accuracy"},
    MetricAlias{"val_acc", "validation_accuracy"},
    MetricAlias{"val_loss", "validation_loss"},
    MetricAlias{"val_r2", "validation_r2"},
    MetricAlias{"val_mae", "validation_mae"},
    MetricAlias{"steps", "step"},
};

struct ComparisonRow {
  std::string_view sign;
  Comparison comparison;
};
// The longer of two that begin alike comes first; last what is no comparison but meant as one.
constexpr std::array kComparisons = {
    ComparisonRow{">=", Comparison::kAtLeast},     ComparisonRow{"<=", Comparison::kAtMost},
    ComparisonRow{">", Comparison::kAbove},        ComparisonRow{"<", Comparison::kBelow},
    ComparisonRow{"\u2265", Comparison::kAtLeast}, ComparisonRow{"\u2264", Comparison::kAtMost},
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

[[noreturn]] void refuse(std::string_view text, const std::string& problem) {
  throw UsageError("'" + printable(text) + "': " + problem);
}

Metric parse_metric(std::string_view whole, std::string_view name) {
  std::vector<std::string_view> names;
  for (const MetricRow& row : kMetrics) names.push_back(row.name);
  const std::string_view same = same_word(name, names);
  for (const MetricRow& row : kMetrics) {
    if (row.name == same) return row.metric;
  }
  for (const MetricAlias& alias : kAliases) {
    if (folded(alias.name) == folded(name.substr(0, 100))) {
      std::string mended(whole);
      mended.replace(whole.find(name), name.size(), alias.metric);
      refuse(whole, "'" + printable(name) + "' is " + std::string(alias.metric) + " here; write \"" +
                        printable(mended) + "\"");
    }
  }
  refuse(whole, "'" + printable(name) + "' is not one of " + listed(names) + did_you_mean(name, names));
}

double parse_value(std::string_view whole, Metric metric, std::string_view text) {
  if (metric == Metric::kBytes || metric == Metric::kTime) {
    try {
      return metric == Metric::kBytes ? static_cast<double>(parse_bytes(text).value) : parse_seconds(text).value;
    } catch (const UsageError& error) {
      refuse(whole, error.what());
    }
  }
  const bool fraction = metric == Metric::kAccuracy || metric == Metric::kValidationAccuracy;
  const bool percent = text.ends_with('%') && (fraction || metric == Metric::kR2 || metric == Metric::kValidationR2);
  if (percent) text = trim(text.substr(0, text.size() - 1));
  double value = 0.0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || result.ec != std::errc{} || result.ptr != text.data() + text.size() || !std::isfinite(value)) {
    refuse(whole, "'" + printable(text) + "' is not a number, such as 0.9" + (fraction ? " or 90%" : ""));
  }
  if (percent) value /= 100.0;
  if (fraction && !(value >= 0.0 && value <= 1.0)) {
    const bool is_percentage = value > 1.0 && value <= 100.0;
    refuse(whole, "an accuracy is a fraction from 0 to 1, such as 0.98" +
                      (is_percentage ? ", or a percentage: " + printable(text) + "%" : std::string()));
  }
  if ((metric == Metric::kR2 || metric == Metric::kValidationR2) && value > 1.0) {
    refuse(whole, "an R2 is at most 1, such as 0.9");
  }
  if (value < 0.0) refuse(whole, "'" + std::string(text) + "' is below 0; give at least 0");
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
  for (const std::string_view both : {" and ", " or ", "&&", "||", ","}) {
    if (text.find(both) != std::string_view::npos) {
      refuse(text, "one comparison ends a run, not several; keep one of them, such as \"accuracy >= 0.9\"");
    }
  }
  if (const std::size_t arrow = text.find("=>"); arrow != std::string_view::npos) {
    std::string mended(text);
    refuse(text, "write \"" + printable(mended.replace(arrow, 2, ">=")) + "\"");
  }
  for (const ComparisonRow& row : kComparisons) {
    const std::size_t at = text.find(row.sign);
    if (at == std::string_view::npos) continue;
    Until until;
    until.metric = parse_metric(text, trim(text.substr(0, at)));
    until.comparison = row.comparison;
    until.value = parse_value(text, until.metric, trim(text.substr(at + row.sign.size())));
    return until;
  }
  if (const std::size_t equals = text.find('='); equals != std::string_view::npos) {
    const std::string_view left = trim(text.substr(0, equals));
    const std::string_view right = text.substr(std::min(text.find_first_not_of("= ", equals), text.size()));
    refuse(text, "an equals sign is no comparison; write \"" + printable(left) + " >= " + printable(right) +
                     "\", or <= in the place of >=");
  }
  refuse(text, "no comparison (>=, >, <=, <); write it as in \"accuracy >= 0.98\"");
}

}  // namespace laconic
