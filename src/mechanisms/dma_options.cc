#include "mechanisms/dma_options.h"

#include <limits>
#include <string>
#include <string_view>

#include "base/error.h"
#include "mechanisms/weights_option.h"

namespace laconic {
namespace {

constexpr std::string_view kThresholdHelp =
    "Delta: a worker whose squared L2 distance from the reference exceeds it sends its model to be averaged (inf: "
    "never)";

}  // namespace

std::vector<OptionSpec> dma_options() {
  return {
      threshold_option(kThresholdHelp),
      budget_option(),
      {.name = "check_every",
       .type = OptionType::kInteger,
       .default_value = "1",
       .minimum = 1,
       .maximum = 1e15,
       .help = "b: local steps between two checks"},
      augmentation_option(),
      {.name = "clock",
       .type = OptionType::kChoice,
       .default_value = "round-synchronous",
       .choices = {"round-synchronous", "asynchronous"},
       .help = "round-synchronous: every check is a barrier, with one control frame up and down; asynchronous: no "
               "worker waits, and nothing is sent without a violation"},
      weights_option(),
  };
}

void check_dma_options(const Options& options) {
  check_threshold_or_budget(options, kThresholdHelp);
  if (read_budget(options) && options.text("clock") == "asynchronous") {
    throw UsageError(options.place("budget") +
                     ": with clock = \"asynchronous\" nobody speaks while all are quiet, so that no threshold can be "
                     "told; give a threshold, or choose clock = \"round-synchronous\"");
  }
}

DmaOptions read_dma_options(const Options& options) {
  check_dma_options(options);
  const std::optional<BudgetRate> budget = read_budget(options);
  return {.threshold = budget ? std::numeric_limits<double>::infinity() : options.number("threshold"),
          .budget = budget,
          .check_every = options.integer("check_every"),
          .augmentation = read_augmentation(options),
          .asynchronous = options.text("clock") == "asynchronous"};
}

Demands dma_demands(const Options& options) {
  return {.talks = Talks::kCoordinator,
          .compression = Compression::kOptional,
          .memory = {.vectors = 1},
          .fault_tolerance = FaultTolerance::kPartial,  // the coordinator does without a report
          .tolerates_absence = true,
          .common_is_mean = true,
          .kept = Kept::kModel,
          .timing = options.text("clock") == "asynchronous" ? Timing::kAsynchronous
                    : holds_budget(options)                 ? Timing::kTimed
                                                            : Timing::kLockStep};
}

}  // namespace laconic
