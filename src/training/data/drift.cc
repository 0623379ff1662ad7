#include "training/data/drift.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <numeric>
#include <string>

#include "base/error.h"
#include "base/random.h"

namespace laconic {
namespace {

// Permutations are kept for every concept of a run.
constexpr std::size_t kMostDrifts = 100'000;

std::vector<std::uint64_t> parse_steps(const Options& options) {
  const std::string& text = options.text("at");
  const auto fail = [&](const std::string& reason) {
    throw UsageError(options.place("at") + ": " + reason + "; list steps in the order of time, such as [1000, 2000]");
  };
  std::vector<std::uint64_t> steps;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (true) {
    std::uint64_t step = 0;
    while (at != end && *at == ' ') ++at;
    const auto result = std::from_chars(at, end, step);
    at = result.ptr;
    while (at != end && *at == ' ') ++at;
    if (result.ec != std::errc{} || (at != end && *at != ',')) fail("'" + text + "' is not a list of whole numbers");
    if (step == 0) fail("a drift before the first step changes nothing");
    if (!steps.empty() && step <= steps.back()) {
      fail("step " + std::to_string(step) + " does not come after step " + std::to_string(steps.back()));
    }
    steps.push_back(step);
    if (steps.size() > kMostDrifts) fail("more than " + std::to_string(kMostDrifts) + " drifts");
    if (at == end) return steps;
    ++at;
  }
}

// Steps of a run of `steps` at which a drift of that probability comes: the gaps are geometric.
std::vector<std::uint64_t> random_steps(double probability, std::uint64_t steps, std::uint64_t seed) {
  std::vector<std::uint64_t> chosen;
  RandomStream stream(seed, "drift");
  const double log_of_none = std::log1p(-probability);  // of a step
  double next = 0.0;
  while (true) {
    next += 1.0 + std::floor(std::log1p(-stream.uniform()) / log_of_none);
    if (!(next < static_cast<double>(steps))) return chosen;
    chosen.push_back(static_cast<std::uint64_t>(next));
    if (chosen.size() > kMostDrifts) {
      throw UsageError("drift.probability: more than " + std::to_string(kMostDrifts) +
                       " drifts in the run; take a smaller one");
    }
  }
}

// A uniform permutation that moves every label.
std::vector<std::uint16_t> random_derangement(RandomStream& stream, std::uint32_t count) {
  std::vector<std::uint16_t> moved(count);
  while (true) {
    std::iota(moved.begin(), moved.end(), std::uint16_t{0});
    stream.shuffle(std::span(moved));
    bool moves_all = true;
    for (std::size_t label = 0; label < count; ++label) moves_all = moves_all && moved[label] != label;
    if (moves_all) return moved;
  }
}

}  // namespace

std::span<const OptionSpec> drift_options() {
  static const std::array options = {
      OptionSpec{.name = "kind",
                 .type = OptionType::kChoice,
                 .default_value = "none",
                 .choices = {"none", "labels", "rotation", "redraw"},
                 .help = "labels: labels are permuted; rotation: images turn by 90 degrees; redraw: the data set "
                         "graphical_model is redrawn"},
      OptionSpec{.name = "at",
                 .default_value = "",
                 .help = "the steps after which the data change, the same for all workers, such as [1000, 2000]; give "
                         "at or probability"},
      OptionSpec{.name = "probability",
                 .type = OptionType::kNumber,
                 .default_value = "0",
                 .minimum = 0,
                 .maximum = 1,
                 .help = "probability of a change after each step, for all workers at once"},
  };
  return options;
}

DriftOptions read_drift(const Options& options) {
  DriftOptions drift;
  const std::string& kind = options.text("kind");
  const bool listed = !options.text("at").empty();
  drift.probability = options.number("probability");
  if (kind == "none") {
    if (listed || drift.probability > 0.0) {
      throw UsageError(options.place(listed ? "at" : "probability") +
                       ": nothing drifts without a kind; set drift.kind, such as \"labels\"");
    }
    return drift;
  }
  drift.kind = kind == "labels"     ? DriftOptions::Kind::kLabels
               : kind == "rotation" ? DriftOptions::Kind::kRotation
                                    : DriftOptions::Kind::kRedraw;
  if (listed == (drift.probability > 0.0)) {
    throw UsageError(options.place(listed ? "probability" : "kind") + ": " +
                     (listed ? "drift.at is given too; keep one of the two"
                             : "a drift comes at some time; set drift.at, such as [1000, 2000], or drift.probability"));
  }
  if (listed) drift.at = parse_steps(options);
  return drift;
}

Drift::Drift(const DriftOptions& options, const Dataset& data, std::uint64_t steps, std::uint64_t seed)
    : kind_(options.kind) {
  using Kind = DriftOptions::Kind;
  if (kind_ == Kind::kNone) return;
  if (data.input == Input::kText) {
    throw UsageError("drift.kind: " + data.name + " is text, which has neither labels nor images; remove [drift]");
  }
  if (kind_ == Kind::kLabels && data.numbers > 0) {
    throw UsageError("drift.kind: of " + data.name + " numbers are predicted, and there are no labels to permute; " +
                     (data.train.values.empty() ? "take rotation" : "remove [drift]"));
  }
  if (kind_ == Kind::kRedraw && !data.stream) {
    throw UsageError("drift.kind: nothing of " + data.name +
                     " can be drawn anew, only data.dataset = \"graphical_model\"; take labels or rotation");
  }
  if (kind_ == Kind::kRotation && !data.train.values.empty()) {
    throw UsageError("drift.kind: " + data.name + " has no images of bytes, and only those turn; take labels");
  }
  if (kind_ == Kind::kRotation && data.shape.height != data.shape.width) {
    throw UsageError(fmt::format("drift.kind: images of {} have {}x{} pixels, and only square ones turn; take labels",
                                 data.name, data.shape.height, data.shape.width));
  }
  if (!options.at.empty() && options.at.back() >= steps) {
    throw UsageError(fmt::format("drift.at: no step follows on step {} in a run of {}; remove it, or run longer",
                                 options.at.back(), steps));
  }
  steps_ = options.at.empty() ? random_steps(options.probability, steps, seed) : options.at;
  if (kind_ != Kind::kLabels) return;
  LACONIC_CHECK(data.classes >= 2 && data.classes <= kMostClasses, data.classes << " classes");
  std::vector<std::uint16_t> labels(data.classes);
  std::iota(labels.begin(), labels.end(), std::uint16_t{0});
  for (std::uint64_t number = 0; number < steps_.size(); ++number) {
    RandomStream stream(seed, "drift of labels", {number});
    const std::vector<std::uint16_t> moved = random_derangement(stream, data.classes);
    for (std::uint16_t& label : labels) label = moved[label];
    labels_.push_back(labels);
  }
}

Concept Drift::at(Step step) const {
  const auto passed =
      static_cast<std::uint64_t>(std::upper_bound(steps_.begin(), steps_.end(), step.value) - steps_.begin());
  if (passed == 0) return {};
  switch (kind_) {
    case DriftOptions::Kind::kNone:
      return {};
    case DriftOptions::Kind::kLabels:
      return {.labels = labels_[passed - 1]};
    case DriftOptions::Kind::kRotation:
      return {.quarter_turns = static_cast<int>(passed % 4)};
    case DriftOptions::Kind::kRedraw:
      return {.model = passed};
  }
  return {};
}

void rotate_image(const std::uint8_t* from, const ImageShape& shape, int quarter_turns, std::uint8_t* to) {
  const std::int64_t last = shape.width - 1;
  for (std::int64_t channel = 0; channel < shape.channels; ++channel) {
    const std::uint8_t* const plane = from + channel * shape.height * shape.width;
    for (std::int64_t row = 0; row <= last; ++row) {
      for (std::int64_t column = 0; column <= last; ++column) {
        // Where the pixel was: one turn brings the last column to the top row.
        std::int64_t from_row = row;
        std::int64_t from_column = column;
        for (int turn = 0; turn < quarter_turns; ++turn) {
          const std::int64_t before = from_row;
          from_row = from_column;
          from_column = last - before;
        }
        *to++ = plane[from_row * shape.width + from_column];
      }
    }
  }
}

}  // namespace laconic
