// Federated dynamic averaging (Theologitis et al. 2025, algorithm 1), and its checks made cheaper.
//
//   every worker, every step:
//     one local optimiser step
//     every b steps, a check:
//       u_k := w_k - w_t0;  s_k := state(u_k);  S := all-reduce-mean(s_k)
//       if H(S) > Theta:  w := all-reduce-mean(w_k);  w_prev := w_t0;  w_t0 := w;  w_k := w
//
//   w_k     params        worker k's model
//   w_t0    reference_    the model of the last synchronisation, before the first one the common start
//   w_prev  previous_     the one before
//   s_k, S  state_        a worker's state and its mean (monitor/monitor.h)
//   H       estimate      of the model variance
//   Theta   threshold     b  check_every
//
// Assumes that all workers start alike. Invariant (Q3): at a check without a synchronisation the model variance is at
// most Theta (monitors exact, linear, naive, max-norm; sketch with high probability). Optimiser state stays local.
// Messages: an all-reduce of the state every check, and an average of all models at a synchronisation (averaging.h).
//
// The screen. Where every ||u_k||^2 <= Theta the variance is at most Theta, and so is H: it never exceeds their mean. A
// worker for which it is more violates locally.
//   lock-step  At a check each worker says whether it violates, an or of one bit; the states are sent where somebody
//              does. Synchronisations are those of the same run without a screen.
//   late       Nobody waits for anybody while all are quiet, and no byte goes; workers may be at different steps. A
//              worker that violates raises an alarm (strategies/alarm.h), and everyone joins a check after the step
//              that it is in. Two more floats go with the state: whether the worker violates, and whether it has steps
//              left. Where somebody violates and H is not above Theta, nobody is quiet: every worker's next check, b
//              steps on at most, is one of all, without an alarm, until a synchronisation or until no one violates.
//              The last step of a worker is a check of all; who has done its steps joins those of the others until
//              they have, so that Q3 holds of the models as they are at a check, and at the end.
//
// decide_late: S is formed while the next gradient is computed. The state of step t decides after step t + 1 whether
// the models are averaged as they are then; Q3 holds of the models after step t. The state of the last step is not
// sent.
#include <algorithm>

#include "base/error.h"
#include "monitor/monitor.h"
#include "strategies/alarm.h"
#include "strategies/averaging.h"
#include "strategies/rows.h"

namespace laconic {
namespace {

enum class Screen { kNone, kLockStep, kLate };

struct FdaOptions {
  double threshold = 0.0;
  const MonitorRow* monitor = nullptr;
  std::size_t sketch_rows = 5;
  std::size_t sketch_cols = 250;
  std::uint64_t check_every = 1;
  Screen screen = Screen::kNone;
  bool decide_late = false;
};

// What goes with a state in a late check: whether the worker violates, whether it has steps left.
constexpr std::size_t kLateFlags = 2;

class Fda final : public Strategy {
 public:
  Fda(const FdaOptions& options, const StrategySetting& setting, std::unique_ptr<Monitor> monitor, SharedVector start,
      SharedVector first_previous)
      : options_(options),
        steps_(setting.steps),
        averaging_(setting),
        monitor_(std::move(monitor)),
        state_(monitor_->state_size()),
        reference_(std::move(start)),
        previous_(std::move(first_previous)) {
    monitor_->synchronised(reference_, previous_);
  }

  Task<void> round(Worker& self) override {
    if (options_.decide_late) {
      co_await overlapped_round(self);
      co_return;
    }
    co_await self.local_step();
    if (options_.screen == Screen::kLate) {
      co_await late_checks(self);
      co_return;
    }
    if (!check_is_due(self)) co_return;
    co_await observe(self);
    const bool due = co_await exceeds(self);
    if (due) co_await synchronise(self);
  }

  Task<void> coordinate(Comm& comm) override { return averaging_.coordinate(comm); }

  void archive(Archive& archive) override {
    averaging_.archive(archive);
    archive_shared(archive, "fda.reference", reference_, reference_.size());
    archive_shared(archive, "fda.previous", previous_, reference_.size());
    if (archive.loading()) monitor_->synchronised(reference_, previous_);
    if (options_.decide_late) {
      archive.value("fda.undecided", undecided_);
      archive.floats("fda.state", state_);
    }
    if (options_.screen == Screen::kLate) {
      archive.value("fda.checks", checks_);
      archive.value("fda.quiet", quiet_);
    }
  }

 private:
  bool check_is_due(const Worker& self) const { return self.step().value % options_.check_every == 0; }

  // s_k of the model as it is.
  Task<void> observe(Worker& self) {
    co_await self.compute([&] { monitor_->observe(self.params(), reference_, previous_, state_); });
  }

  // Of the state observed last, before it is reduced.
  bool violates() const { return state_[0] > options_.threshold; }

  // Whether H of the states observed last is above Theta: the same on all workers.
  Task<bool> exceeds(Worker& self) {
    if (options_.screen == Screen::kLockStep) {
      const bool anybody = co_await self.comm().all_reduce_any(violates(), Traffic::kControl);
      if (!anybody) co_return false;
    }
    co_await reduce_state(self.comm());
    co_return estimate_exceeds(self);
  }

  bool estimate_exceeds(Worker& self) {
    const double estimate = monitor_->estimate(state_);
    self.measured("variance_estimate", estimate);
    return estimate > options_.threshold;
  }

  // s_k becomes S, the same bits on all workers.
  Task<void> reduce_state(Comm& comm) {
    if (options_.monitor->reduction == Monitor::Reduction::kAny) {
      const bool any = co_await comm.all_reduce_any(state_[0] != 0.0F, Traffic::kState);
      state_[0] = any ? 1.0F : 0.0F;
      co_return;
    }
    const SharedVector mean = co_await comm.all_reduce_mean(state_, Traffic::kState);
    std::copy(mean.values().begin(), mean.values().end(), state_.begin());
  }

  Task<void> synchronise(Worker& self) {
    const SharedVector mean = co_await averaging_.mean(self);
    std::copy(mean.values().begin(), mean.values().end(), self.params().begin());
    previous_ = std::exchange(reference_, mean);
    monitor_->synchronised(reference_, previous_);
    self.synchronised();
  }

  // ---- decide_late

  Task<void> overlapped_round(Worker& self) {
    PendingStep step = self.begin_local_step();
    bool due = false;
    if (std::exchange(undecided_, false)) due = co_await exceeds(self);
    co_await step.done();
    if (due) co_await synchronise(self);
    if (!check_is_due(self) || self.step().value == steps_) co_return;
    co_await observe(self);
    undecided_ = true;
  }

  // ---- the late screen

  Task<void> late_checks(Worker& self) {
    const bool last = self.step().value == steps_;
    const bool alarmed = co_await alarm_raised(self.comm(), checks_);
    if (!alarmed && !last && !check_is_due(self)) co_return;
    co_await observe(self);
    if (quiet_ && !alarmed) {
      if (!last && !violates()) co_return;
      raise_alarm(self.comm(), checks_);
    }
    bool steps_left = co_await late_check(self, !last);
    while (last && steps_left) {
      if (quiet_) co_await await_alarm(self.comm(), checks_);
      co_await observe(self);
      steps_left = co_await late_check(self, false);
    }
  }

  // One check of all workers. Returns whether any of them has steps left.
  Task<bool> late_check(Worker& self, bool steps_left) {
    std::vector<float> sent = state_;
    sent.push_back(violates() ? 1.0F : 0.0F);
    sent.push_back(steps_left ? 1.0F : 0.0F);
    const SharedVector mean = co_await self.comm().all_reduce_mean(sent, Traffic::kState);
    const std::span<const float> values = mean;
    std::copy_n(values.begin(), state_.size(), state_.begin());
    const bool due = estimate_exceeds(self);
    if (due) co_await synchronise(self);
    quiet_ = due || values[state_.size()] == 0.0F;
    ++checks_;
    co_return values[state_.size() + 1] > 0.0F;
  }

  FdaOptions options_;
  std::uint64_t steps_;  // of the run
  Averaging averaging_;
  std::unique_ptr<Monitor> monitor_;
  std::vector<float> state_;
  SharedVector reference_;
  SharedVector previous_;
  bool undecided_ = false;    // decide_late: state_ is to be reduced during the next step
  std::uint64_t checks_ = 0;  // late: taken part in
  bool quiet_ = true;         // late: the next check needs an alarm
};

const MonitorRow* find_monitor(const Options& options) {
  const auto rows = monitors();
  return &*std::find_if(rows.begin(), rows.end(),
                        [&](const MonitorRow& row) { return row.name == options.text("monitor"); });
}

FdaOptions read(const Options& options) {
  const FdaOptions values{.threshold = options.number("threshold"),
                          .monitor = find_monitor(options),
                          .sketch_rows = options.integer("sketch_rows"),
                          .sketch_cols = options.integer("sketch_cols"),
                          .check_every = options.integer("check_every"),
                          .screen = options.text("screen") == "lock-step" ? Screen::kLockStep
                                    : options.text("screen") == "late"    ? Screen::kLate
                                                                          : Screen::kNone,
                          .decide_late = options.flag("decide_late")};
  if (values.screen != Screen::kNone && values.monitor->reduction == Monitor::Reduction::kAny) {
    throw UsageError(options.place("screen") + ": the state of monitor " + std::string(values.monitor->name) +
                     " is the screen's bit itself; leave out the screen, or choose the monitor naive, linear or "
                     "sketch for what follows it");
  }
  if (values.screen == Screen::kLate && values.decide_late) {
    throw UsageError(options.place("decide_late") +
                     ": with screen = \"late\" a check is taken only where a worker waits for it, and no gradient is "
                     "left to overlap with; choose screen = \"lock-step\" or \"none\", or leave out decide_late");
  }
  return values;
}

MonitorSetting monitor_setting(const FdaOptions& options, const StrategySetting& setting) {
  return {.dimension = setting.dimension,
          .seed = setting.seed,
          .threshold = options.threshold,
          .sketch_rows = options.sketch_rows,
          .sketch_cols = options.sketch_cols};
}

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const FdaOptions values = read(options);
  // Shared by the workers of this process: the monitor's tables, the common start, the first direction.
  const std::shared_ptr<const MonitorFactory> factory = values.monitor->make(monitor_setting(values, setting));
  const SharedVector start(setting.start);
  const SharedVector first_previous(factory->first_previous(setting.start));
  return [=] { return std::make_unique<Fda>(values, setting, factory->make(), start, first_previous); };
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  const FdaOptions values = read(options);
  const int workers = setting.world_size;
  const std::size_t state_size = values.monitor->state_size(monitor_setting(values, setting));
  const std::uint64_t bit = any_payload(setting.collective, workers).value;
  const auto of_floats = [&](std::size_t count) {
    return all_reduce_payload(setting.collective, workers, count).value;
  };
  const std::uint64_t state = values.monitor->reduction == Monitor::Reduction::kAny ? bit : of_floats(state_size);
  const std::uint64_t checks = (setting.steps - (values.decide_late ? 1 : 0)) / values.check_every;
  TrafficFormula formula;
  if (values.screen != Screen::kLate) formula.most_syncs = checks;
  add_average(formula, setting);
  switch (values.screen) {
    case Screen::kNone:
      if (checks == setting.steps) {
        formula.step(Traffic::kState) = state;
      } else {
        formula.run(Traffic::kState) = checks * state;
      }
      break;
    case Screen::kLockStep:
      // The bit is sent at every check. The state is at each that leads to a synchronisation; how many more there are
      // the data decide.
      if (checks == setting.steps) {
        formula.step(Traffic::kControl) = bit;
      } else {
        formula.run(Traffic::kControl) = checks * bit;
      }
      formula.sync(Traffic::kState) = state;
      formula.depends_on_values = true;
      break;
    case Screen::kLate:
      // The last check, and each that leads to a synchronisation, after one worker's alarm.
      formula.run(Traffic::kState) = of_floats(state_size + kLateFlags);
      formula.sync(Traffic::kState) = formula.run(Traffic::kState);
      formula.run(Traffic::kControl) = alarm_payload(workers);
      formula.sync(Traffic::kControl) = alarm_payload(workers);
      formula.depends_on_values = true;
      break;
  }
  return formula;
}

std::vector<std::string_view> monitor_names() {
  std::vector<std::string_view> names;
  for (const MonitorRow& row : monitors()) names.push_back(row.name);
  return names;
}

const std::vector<OptionSpec> kOptions = {
    {.name = "threshold",
     .type = OptionType::kNumber,
     .required = true,
     .minimum = 0,
     .help = "Theta: synchronise when the model variance may exceed it (squared L2; about 4e-5 times the number of "
             "parameters is a first guess; inf: never)"},
    {.name = "monitor",
     .type = OptionType::kChoice,
     .default_value = "linear",
     .choices = monitor_names(),
     .help = "how the variance is estimated"},
    {.name = "sketch_rows",
     .type = OptionType::kInteger,
     .default_value = "5",
     .minimum = 1,
     .maximum = 64,
     .only_with = {"monitor", "sketch"},
     .help = "rows of the AMS sketch"},
    {.name = "sketch_cols",
     .type = OptionType::kInteger,
     .default_value = "250",
     .minimum = 1,
     .maximum = 32767,
     .only_with = {"monitor", "sketch"},
     .help = "columns of the AMS sketch"},
    {.name = "check_every",
     .type = OptionType::kInteger,
     .default_value = "1",
     .minimum = 1,
     .maximum = 1e15,
     .help = "local steps from one check of the variance to the next"},
    {.name = "screen",
     .type = OptionType::kChoice,
     .default_value = "none",
     .choices = {"none", "lock-step", "late"},
     .help = "what comes before the states: nothing, one bit a worker a check until a worker's own drift is over the "
             "threshold, or nothing at all until such a worker's alarm"},
    {.name = "decide_late",
     .type = OptionType::kFlag,
     .default_value = "false",
     .help = "send the states while the next gradient is computed; the decision falls one step later"},
};

}  // namespace

const StrategyRow kFda = {.name = "fda",
                          .help = "average the models only when their estimated variance exceeds a threshold",
                          .source = "Theologitis et al. 2025, algorithm 1",
                          .options = kOptions,
                          .may_compress = true,
                          .make = make,
                          .traffic = traffic};

}  // namespace laconic
