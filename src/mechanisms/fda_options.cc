#include "mechanisms/fda_options.h"

#include <string>
#include <string_view>

#include "base/error.h"
#include "mechanisms/weights_option.h"

namespace laconic {
namespace {

constexpr std::string_view kThresholdHelp =
    "Theta: average when the variance of the models may exceed it (squared L2; first guess: 4e-5 times the number of "
    "parameters; inf: never)";

FdaScreen read_screen(const Options& options) {
  const std::string& word = options.text("screen");
  return word == "lock-step" ? FdaScreen::kLockStep : word == "late" ? FdaScreen::kLate : FdaScreen::kNone;
}

bool is_asynchronous(const Options& options) { return options.text("clock") == "asynchronous"; }

void check_asynchronous(const Options& options, FdaScreen screen) {
  const std::string why = ": with clock = \"asynchronous\" no worker waits for a check; ";
  if (screen != FdaScreen::kNone) {
    throw UsageError(options.place("screen") + why + "leave out the screen, or choose clock = \"round-synchronous\"");
  }
  if (options.flag("decide_late")) {
    throw UsageError(options.place("decide_late") + why +
                     "leave out decide_late, or choose clock = \"round-synchronous\"");
  }
  if (read_budget(options)) {
    throw UsageError(options.place("budget") + why + "give a threshold, or choose clock = \"round-synchronous\"");
  }
}

}  // namespace

void check_fda_options(const Options& options) {
  check_threshold_or_budget(options, kThresholdHelp);
  const WatchOptions watch = read_watch_options(options);
  const MonitorRow& monitor = *watch.monitor;
  const FdaScreen screen = read_screen(options);
  const bool one_bit = watch.one_bit();
  if (screen != FdaScreen::kNone && one_bit) {
    throw UsageError(options.place("screen") + ": the state of monitor " + std::string(monitor.name) +
                     " is the screen's bit itself; leave out the screen, or choose the monitor naive, linear or "
                     "sketch for what follows it");
  }
  if (screen == FdaScreen::kLate && options.flag("decide_late")) {
    throw UsageError(options.place("decide_late") +
                     ": with screen = \"late\" a check is taken only where a worker waits for it, and no gradient is "
                     "left to overlap with; choose screen = \"lock-step\" or \"none\", or leave out decide_late");
  }
  if (is_asynchronous(options)) check_asynchronous(options, screen);
  if (!read_budget(options)) return;
  if (one_bit) {
    throw UsageError(options.place("budget") + ": monitor " + std::string(monitor.name) +
                     " says only whether a threshold is exceeded, and nothing to set one by; choose naive or linear");
  }
  if (screen == FdaScreen::kLate) {
    throw UsageError(options.place("budget") +
                     ": with screen = \"late\" workers have no check in common to steer a threshold at; choose screen "
                     "= \"lock-step\" or \"none\"");
  }
}

FdaOptions read_fda_options(const Options& options) {
  check_fda_options(options);
  const std::optional<BudgetRate> budget = read_budget(options);
  return {.threshold = budget ? 0.0 : options.number("threshold"),
          .budget = budget,
          .watch = read_watch_options(options),
          .check_every = options.integer("check_every"),
          .screen = read_screen(options),
          .decide_late = options.flag("decide_late"),
          .asynchronous = is_asynchronous(options),
          .age = is_asynchronous(options) ? options.integer("age") : 0};
}

Demands fda_demands(const Options& options) {
  const bool late = read_screen(options) == FdaScreen::kLate;
  if (is_asynchronous(options)) {
    return {.talks = Talks::kCoordinator,
            .compression = Compression::kOptional,
            .memory = {.vectors = 2},
            .fault_tolerance = FaultTolerance::kPartial,  // a state is told again
            .tolerates_absence = true,
            .common_is_mean = true,
            .timing = Timing::kAsynchronous};
  }
  return {.compression = Compression::kOptional,
          .fault_tolerance = late ? FaultTolerance::kPartial : FaultTolerance::kNone,  // an alarm may be one of several
          .tolerates_absence = !late,  // no step is common to workers that check when somebody raises an alarm
          .common_is_mean = true,
          .timing = late || holds_budget(options) ? Timing::kTimed : Timing::kLockStep};
}

std::vector<OptionSpec> fda_options() {
  std::vector<OptionSpec> options = {threshold_option(kThresholdHelp), budget_option()};
  for (OptionSpec& option : watch_options()) options.push_back(std::move(option));
  const std::vector<OptionSpec> own = {
      {.name = "check_every",
       .type = OptionType::kInteger,
       .default_value = "1",
       .minimum = 1,
       .maximum = 1e15,
       .help = "local steps between two checks of the variance"},
      {.name = "screen",
       .type = OptionType::kChoice,
       .default_value = "none",
       .choices = {"none", "lock-step", "late"},
       .help =
           "sends the states only when some worker's own drift exceeds the threshold; lock-step: each worker sends one "
           "bit per check to find out; late: nothing is sent until such a worker raises an alarm; none: always"},
      {.name = "decide_late",
       .type = OptionType::kFlag,
       .default_value = "false",
       .help = "exchange the states while the next gradient is computed; the decision falls one step later"},
      {.name = "clock",
       .type = OptionType::kChoice,
       .default_value = "round-synchronous",
       .choices = {"round-synchronous", "asynchronous"},
       .help =
           "round-synchronous: every check is a barrier; asynchronous: no worker waits, the coordinator looks at the "
           "states that it has, and an average corrects models when it comes"},
      {.name = "age",
       .type = OptionType::kInteger,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1e15,
       .only_with = {"clock", "asynchronous"},
       .help = "steps of the fastest worker after which a state does not count any more; 0: it counts until the next "
               "average"},
      weights_option(),
  };
  options.insert(options.end(), own.begin(), own.end());
  return options;
}

double threshold_for(const WatchOptions& watch, double threshold, std::size_t present, std::size_t all) {
  if (watch.monitor->name != "exact" || present < 2 || present == all) return threshold;
  const auto part = [](std::size_t count) { return 1.0 - 1.0 / static_cast<double>(count); };
  return threshold * part(present) / part(all);
}

}  // namespace laconic
