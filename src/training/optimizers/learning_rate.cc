#include "training/optimizers/learning_rate.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <sstream>

#include "base/error.h"

namespace laconic {
namespace {

// Calls `read`; an error gets the key's place and name.
template <typename Read>
auto at_key(const Options& options, std::string_view key, Read&& read) {
  try {
    return read();
  } catch (const UsageError& error) {
    throw UsageError(options.place(key) + ": " + error.what());
  }
}

std::vector<TrainingLength> parse_milestones(const Options& options) {
  return at_key(options, "milestones", [&] {
    std::vector<TrainingLength> lengths;
    std::istringstream list(options.text("milestones"));
    for (std::string part; std::getline(list, part, ',');) {
      const std::size_t first = std::min(part.find_first_not_of(' '), part.size());
      lengths.push_back(parse_length(std::string_view(part).substr(first)));
    }
    if (lengths.empty()) {
      throw UsageError("the schedule \"milestones\" needs some, such as [\"150 epochs\", \"225 epochs\"]");
    }
    return lengths;
  });
}

}  // namespace

double LearningRate::at(std::uint64_t step) const {
  double rate = base;
  if (step < warmup) rate *= static_cast<double>(step + 1) / static_cast<double>(warmup);
  switch (kind) {
    case Kind::kConstant:
      return rate;
    case Kind::kMilestones: {
      const auto passed = std::upper_bound(milestones.begin(), milestones.end(), step) - milestones.begin();
      return rate * std::pow(decay, static_cast<double>(passed));
    }
    case Kind::kCosine: {
      if (step < warmup) return rate;
      const double share = static_cast<double>(step - warmup) / static_cast<double>(steps - warmup);
      return rate * 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(1.0, share)));
    }
  }
  return rate;
}

std::span<const OptionSpec> schedule_options() {
  static const std::array options = {
      OptionSpec{.name = "schedule",
                 .type = OptionType::kChoice,
                 .default_value = "constant",
                 .choices = {"constant", "milestones", "cosine"},
                 .help = "constant: learning_rate; milestones: times decay at each milestone; cosine: down to 0 along "
                         "half a cosine"},
      OptionSpec{.name = "warmup",
                 .default_value = "",
                 .help = "linear warm-up: the rate rises to learning_rate over this length, such as \"5 epochs\" or "
                         "\"100 steps\""},
      OptionSpec{.name = "milestones",
                 .default_value = "",
                 .only_with = {"schedule", "milestones"},
                 .help = "list of times, such as [\"150 epochs\", \"225 epochs\"]"},
      OptionSpec{.name = "decay",
                 .type = OptionType::kNumber,
                 .default_value = "0.1",
                 .minimum = 0.0,
                 .maximum = 1.0,
                 .only_with = {"schedule", "milestones"},
                 .help = "factor at each milestone"},
  };
  return options;
}

void check_schedule(const Options& options) {
  const std::string& warmup = options.text("warmup");
  if (!warmup.empty()) at_key(options, "warmup", [&] { return parse_length(warmup); });
  if (options.text("schedule") == "milestones") parse_milestones(options);
}

LearningRate make_learning_rate(const Options& options, const RunLength& run) {
  check_schedule(options);
  const auto in_steps = [&](const TrainingLength& length) {
    return length.in_steps(run.samples, run.samples_per_step).rounded_up();
  };
  LearningRate rate;
  rate.base = options.number("learning_rate");
  rate.steps = run.steps;
  if (!options.text("warmup").empty()) rate.warmup = in_steps(parse_length(options.text("warmup")));
  const std::string& schedule = options.text("schedule");
  if (schedule == "milestones") {
    rate.kind = LearningRate::Kind::kMilestones;
    rate.decay = options.number("decay");
    for (const TrainingLength& length : parse_milestones(options)) {
      const std::uint64_t step = in_steps(length);
      if (!rate.milestones.empty() && step <= rate.milestones.back()) {
        throw UsageError(options.place("milestones") + ": step " + std::to_string(step) + " does not come after step " +
                         std::to_string(rate.milestones.back()) + "; list them in the order of time");
      }
      rate.milestones.push_back(step);
    }
  } else if (schedule == "cosine") {
    rate.kind = LearningRate::Kind::kCosine;
    if (rate.warmup >= run.steps) {
      throw UsageError(options.place("warmup") + ": its " + std::to_string(rate.warmup) +
                       " steps leave nothing of the run's " + std::to_string(run.steps) +
                       " for the cosine; shorten it");
    }
  }
  return rate;
}

}  // namespace laconic
