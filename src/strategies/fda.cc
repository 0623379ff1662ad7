// Federated dynamic averaging (Theologitis et al. 2025, algorithm 1), and its checks made cheaper.
//
//   every worker, every step:
//     one local optimiser step
//     every b steps, a check:
//       u_k := w_k - w_t0;  s_k := state(u_k);  S := all-reduce-mean(s_k)
//       if H(S) > Theta:  w := all-reduce-mean(w_k);  w_prev := w_t0;  w_t0 := w;  w_k := w
//
//   w_k     params        worker k's model
//   w_t0    the model of the last synchronisation, before the first one the common start;  w_prev  the one before
//   s_k, S  a worker's state and their mean, and
//   H       the estimate of the model variance: variance_watch.h
//   Theta   threshold     b  check_every
//
// weights: means count workers alike, or by their training samples n_k, those of states as well as of models. The
// variance is then the weighted one, sum_k n_k ||w_k - mean||^2 / sum_k n_k with the weighted mean: states are added up,
// so that what holds of their mean holds of a weighted one (variance_watch.h).
//
// Assumes that all workers start alike. Invariant (Q3): at a check without a synchronisation the model variance is at
// most Theta (monitors exact, linear, naive, max-norm; sketch with high probability). Optimiser state stays local.
// Messages: an all-reduce of the state every check, and an average of all models at a synchronisation (averaging.h).
//
// The screen. Where every ||u_k||^2 <= Theta the variance is at most Theta, and so is H: it never exceeds their mean,
// weighted or not. A worker for which it is more violates locally.
//   lock-step  At a check each worker says whether it violates, an or of one bit; the states are sent where somebody
//              does. Synchronisations are those of the same run without a screen.
//   late       Nobody waits for anybody while all are quiet, and no byte goes; workers may be at different steps. A
//              worker that violates raises an alarm (mechanisms/alarm.h), and everyone joins a check after the step
//              that it is in. Two more floats go with the state: whether the worker violates, and whether it has steps
//              left. Where somebody violates and H is not above Theta, nobody is quiet: every worker's next check, b
//              steps on at most, is one of all, without an alarm, until a synchronisation or until no one violates.
//              A worker's step at a checkpoint, and its last one, is a check of all; who has come there joins those of
//              the others until they have, so that Q3 holds of the models as they are at a check, at a checkpoint and
//              at the end.
//
// budget: Theta is steered by what workers send and receive (steered_threshold.h): on average, whatever the weights.
//
// decide_late: S is formed while the next gradient is computed. The state of step t decides after step t + 1 whether
// the models are averaged as they are then; Q3 holds of the models after step t. The state of the last step is not
// sent.
//
// clock: all this is round-synchronous; fda_asynchronous.h has the other clock.
//
// Where workers come and go a check is one of those who are present, A, and all that is said of K holds of |A|. Of drifts
// of one law the variance over A is on average (1 - 1/|A|) of what it is over many, so with the monitor `exact` a fixed
// threshold is taken as Theta (1 - 1/|A|) / (1 - 1/K): fewer synchronise as often. What the other monitors estimate does
// not shrink with |A|, and their threshold stays. A single worker checks nothing. U3: at a check without a
// synchronisation the variance over A is at most the threshold so used. A budget is a mean over those present.
#include <algorithm>
#include <limits>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/alarm.h"
#include "mechanisms/averaging.h"
#include "mechanisms/fda_asynchronous.h"
#include "mechanisms/fda_options.h"
#include "mechanisms/steered_threshold.h"
#include "mechanisms/variance_watch.h"
#include "mechanisms/weights_option.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

// What goes with a state in a late check: whether the worker violates, whether it has steps left before the next
// checkpoint or the end. Every worker has samples: whatever the weights, a mean of 0 says that nobody does.
constexpr std::size_t kLateFlags = 2;

class Fda final : public Strategy {
 public:
  Fda(const FdaOptions& options, const StrategySetting& setting, VarianceWatch watch, SharedWeights weights,
      const SteeredThreshold::Options& threshold)
      : options_(options),
        steps_(setting.steps),
        checkpoints_(setting.checkpoints),
        comes_and_goes_(setting.comes_and_goes),
        weights_(std::move(weights)),
        averaging_(setting, weights_),
        threshold_(threshold, comes_and_goes_),
        watch_(std::move(watch)),
        is_new_(comes_and_goes_) {}

  Task<void> round(Worker& self) override {
    if (options_.decide_late) {
      co_await overlapped_round(self);
      co_return;
    }
    co_await self.local_step();
    if (options_.screen == FdaScreen::kLate) {
      co_await late_checks(self);
      co_return;
    }
    if (!check_is_due(self)) co_return;
    co_await watch_.observe(self);
    co_await decide(self);
  }

  // Where workers come and go the coordinator follows what they have in common.
  Task<void> coordinate(Coordinator& self) override {
    return averaging_.coordinate(self, [this](const CollectiveResult& result) { return follow(result); });
  }
  void archive_common(Archive& archive) override {
    watch_.archive(archive);
    threshold_.archive_common(archive);
    if (archive.loading()) averaging_.refer_to(watch_.reference());
  }
  std::span<const float> common_model() const override { return watch_.reference(); }

  void archive(Archive& archive) override {
    averaging_.archive(archive);
    watch_.archive(archive);
    if (options_.decide_late) {
      archive.value("fda.undecided", undecided_);
      watch_.archive_state(archive);
    }
    threshold_.archive(archive);
    if (options_.screen == FdaScreen::kLate) {
      archive.value("fda.checks", checks_);
      archive.value("fda.quiet", quiet_);
    }
    if (archive.loading()) is_new_ = false;
  }

 private:
  bool check_is_due(const Worker& self) const { return self.step().value % options_.check_every == 0; }

  // A check of the states observed last, and what follows from it.
  Task<void> decide(Worker& self) {
    co_await threshold_.begin_check(self);
    const bool due = co_await exceeds(self);
    if (due) co_await synchronise(self);
    co_await threshold_.end_check(self, due, std::exchange(states_sent_, false), estimate_);
  }

  // Of those present, where `present` are.
  double threshold_of(std::size_t present) const {
    return scales() ? threshold_for(options_.watch, threshold_.value(), present, weights_->of_worker().size())
                    : threshold_.value();
  }
  bool scales() const { return comes_and_goes_ && options_.watch.monitor->name == "exact" && !threshold_.is_steered(); }

  // Of the state observed last, before it is reduced.
  bool violates(Worker& self) const { return watch_.own() > threshold_of(present(self)); }
  std::size_t present(Worker& self) const {
    return comes_and_goes_ ? self.comm().present().size() : weights_->of_worker().size();
  }

  // Whether H of the states observed last is above Theta: the same on all workers.
  Task<bool> exceeds(Worker& self) {
    if (options_.screen == FdaScreen::kLockStep) {
      const std::size_t before = present(self);
      const bool anybody = co_await self.comm().all_reduce_any(violates(self), Traffic::kControl);
      // Where somebody left meanwhile the others have looked for more than they should.
      if (!anybody && !(scales() && present(self) < before)) co_return false;
      states_sent_ = true;
    }
    co_await watch_.reduce(self.comm(), *weights_);
    co_return estimate_exceeds(self);
  }

  bool estimate_exceeds(Worker& self) {
    estimate_ = watch_.estimate(self);
    if (!comes_and_goes_) return estimate_ > threshold_.value();
    self.measured("present", static_cast<double>(present(self)));
    return present(self) > 1 && estimate_ > threshold_of(present(self));
  }

  Task<void> synchronise(Worker& self) {
    const SharedVector mean = co_await averaging_.mean(self);
    co_await self.comm().compute(mean.size(), [&] {
      kernels::copy(mean, self.params());
      watch_.synchronised(mean);
    });
    self.synchronised();
  }

  // ---- the coordinator, where workers come and go

  Task<bool> follow(const CollectiveResult& result) {
    // A late decision falls in the round after the step that it is of.
    const Step step{result.step.value - (options_.decide_late ? 1 : 0)};
    if (result.traffic == Traffic::kModel) {
      watch_.follow(result.values);
      averaging_.refer_to(result.values);
      co_return true;
    }
    // A vote has no values, and what is left of control is a tally.
    if (result.traffic != Traffic::kControl || result.values.size() == 0) co_return false;
    threshold_.follow_tally(step, result.values);
    co_return true;
  }

  // ---- decide_late

  Task<void> overlapped_round(Worker& self) {
    // Who has just joined takes part in the decision that the others have before them.
    if (std::exchange(is_new_, false) && self.step().value > 0 && check_is_due(self)) {
      co_await watch_.observe(self);
      undecided_ = true;
    }
    PendingStep step = self.begin_local_step();
    const bool decides = std::exchange(undecided_, false);
    bool due = false;
    if (decides) {
      co_await threshold_.begin_check(self);
      due = co_await exceeds(self);
    }
    co_await step.done();
    if (due) co_await synchronise(self);
    if (decides) co_await threshold_.end_check(self, due, std::exchange(states_sent_, false), estimate_);
    if (!check_is_due(self) || self.step().value == steps_) co_return;
    co_await watch_.observe(self);
    undecided_ = true;
  }

  // ---- the late screen

  Task<void> late_checks(Worker& self) {
    const bool last = self.step().value == steps_ || checkpoints_.due(self.step());
    const bool alarmed = co_await alarm_raised(self.comm(), checks_);
    if (!alarmed && !last && !check_is_due(self)) co_return;
    co_await watch_.observe(self);
    if (quiet_ && !alarmed) {
      if (!last && !violates(self)) co_return;
      raise_alarm(self.comm(), checks_);
    }
    bool steps_left = co_await late_check(self, !last);
    while (last && steps_left) {
      if (quiet_) co_await await_alarm(self.comm(), checks_);
      co_await watch_.observe(self);
      steps_left = co_await late_check(self, false);
    }
  }

  // One check of all workers. Returns whether any of them has steps left before the next checkpoint or the end.
  Task<bool> late_check(Worker& self, bool steps_left) {
    const std::span<float> state = watch_.state();
    std::vector<float> sent;
    co_await self.comm().compute(state.size(), [&] {
      sent.resize(state.size() + kLateFlags);
      kernels::copy(state, std::span(sent).first(state.size()));
    });
    sent[state.size()] = violates(self) ? 1.0F : 0.0F;
    sent[state.size() + 1] = steps_left ? 1.0F : 0.0F;
    const SharedVector mean = co_await self.comm().all_reduce_mean(sent, *weights_, Traffic::kState);
    const std::span<const float> values = mean;
    co_await watch_.set_reduced(self.comm(), values.first(state.size()));
    const bool due = estimate_exceeds(self);
    if (due) co_await synchronise(self);
    quiet_ = due || values[state.size()] == 0.0F;
    ++checks_;
    co_return values[state.size() + 1] > 0.0F;
  }

  FdaOptions options_;
  std::uint64_t steps_;  // of the run
  StepSchedule checkpoints_;
  bool comes_and_goes_;
  SharedWeights weights_;
  Averaging averaging_;
  SteeredThreshold threshold_;  // of the newest check
  double estimate_ = 0.0;       // its H
  bool states_sent_ = false;    // at the newest check, behind a screen
  VarianceWatch watch_;
  bool is_new_;               // where workers come and go: it has begun no round
  bool undecided_ = false;    // decide_late: the state is to be reduced during the next step
  std::uint64_t checks_ = 0;  // late: taken part in
  bool quiet_ = true;         // late: the next check needs an alarm
};

std::uint64_t checks_of(const FdaOptions& options, const StrategySetting& setting) {
  return (setting.steps - (options.decide_late ? 1 : 0)) / options.check_every;
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  const FdaOptions values = read_fda_options(options);
  if (values.asynchronous) return asynchronous_fda_traffic(values, setting);
  const int workers = setting.world_size;
  const std::uint64_t bit = any_payload(setting.collective, workers).value;
  const auto of_floats = [&](std::size_t count) {
    return all_reduce_payload(setting.collective, workers, count).value;
  };
  const std::uint64_t state = watch_payload(values.watch, setting);
  const std::uint64_t checks = checks_of(values, setting);
  TrafficFormula formula;
  // A state that is observed right after a synchronisation decides nothing.
  const bool every_other = values.decide_late && values.check_every == 1;
  formula.steps_per_check = values.check_every;
  formula.most_syncs = every_other ? (checks + 1) / 2 : checks;
  const std::uint64_t ends = setting.drains() + 1;
  if (values.screen ==
      FdaScreen::kLate) {  // workers' checks are apart, and there is one at each checkpoint and the end
    formula.most_syncs = std::min(setting.steps, static_cast<std::uint64_t>(workers) * checks + ends);
  }
  if (values.threshold == std::numeric_limits<double>::infinity()) formula.most_syncs = 0;
  add_average(formula, setting);
  switch (values.screen) {
    case FdaScreen::kNone:
      if (checks == setting.steps) {
        formula.step(Traffic::kState) = state;
      } else {
        formula.run(Traffic::kState) = checks * state;
      }
      break;
    case FdaScreen::kLockStep:
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
    case FdaScreen::kLate:
      // The checks at checkpoints and the end, and each that leads to a synchronisation, after one worker's alarm.
      formula.sync(Traffic::kState) = of_floats(watch_state_size(values.watch, setting) + kLateFlags);
      formula.run(Traffic::kState) = ends * formula.sync(Traffic::kState);
      formula.sync(Traffic::kControl) = alarm_payload(workers);
      formula.run(Traffic::kControl) = ends * formula.sync(Traffic::kControl);
      formula.depends_on_values = true;
      break;
  }
  if (values.budget) {  // a tally at the first check, and after each synchronisation
    formula.run(Traffic::kControl) += tally_payload(setting);
    formula.sync(Traffic::kControl) += tally_payload(setting);
  }
  return formula;
}

const std::vector<OptionSpec> kOptions = fda_options();
const std::vector<Variant> kVariants = {
    {.name = "exact", .options = {{"threshold", "1"}, {"monitor", "exact"}}},
    {.name = "naive", .options = {{"threshold", "1"}, {"monitor", "naive"}}},
    {.name = "linear", .options = {{"threshold", "1"}, {"monitor", "linear"}}},
    {.name = "sketch", .options = {{"threshold", "1"}, {"monitor", "sketch"}}},
    {.name = "max_norm", .options = {{"threshold", "1"}, {"monitor", "max-norm"}}},
    {.name = "every_3", .options = {{"threshold", "1"}, {"check_every", "3"}}},
    {.name = "decide_late", .options = {{"threshold", "1"}, {"decide_late", "true"}}},
    {.name = "lock_step",
     .options = {{"threshold", "1"}, {"screen", "lock-step"}, {"check_every", "3"}},
     .payload = Variant::Payload::kModels},
    {.name = "lock_step_decide_late",
     .options = {{"threshold", "1"}, {"screen", "lock-step"}, {"decide_late", "true"}},
     .payload = Variant::Payload::kModels},
    {.name = "late",
     .options = {{"threshold", "1"}, {"screen", "late"}, {"check_every", "3"}},
     .payload = Variant::Payload::kModels},
    {.name = "asynchronous",
     .options = {{"threshold", "1"}, {"clock", "asynchronous"}},
     .payload = Variant::Payload::kNoneOf},
    {.name = "budget", .options = {{"budget", "2 kB/10 steps"}}},
    {.name = "samples", .options = {{"threshold", "1"}, {"weights", "samples"}}}};

// The bytes of the states of all checks, one way, and of the models of all synchronisations and the start, both ways.
std::optional<double> paper_bytes(const Options& options, const StrategySetting& setting, std::uint64_t steps,
                                  std::uint64_t syncs) {
  const FdaOptions values = read_fda_options(options);
  if (values.asynchronous) return std::nullopt;                // how many states are sent time decides
  if (values.screen != FdaScreen::kNone) return std::nullopt;  // how often states are sent is not in the formula
  const double workers = setting.world_size;
  const std::uint64_t undecided = values.decide_late && steps > 0 ? 1 : 0;
  const std::uint64_t checks = (steps - undecided) / values.check_every;
  const double state =
      values.watch.one_bit() ? 0.125 : static_cast<double>(watch_state_size(values.watch, setting) * sizeof(float));
  const double model = 8.0 * static_cast<double>(setting.dimension) * workers;
  return static_cast<double>(syncs + 1) * model + state * static_cast<double>(checks) * workers;
}

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const FdaOptions values = read_fda_options(options);
  const WatchFactory watch = make_watch(values.watch, setting, values.threshold);
  if (values.asynchronous) {
    const SharedWeights weights = read_weights(options, setting);
    return [=] { return make_asynchronous_fda({.options = values, .setting = setting, .weights = weights}, watch()); };
  }
  Budget::Costs costs;
  if (values.budget) {
    const std::uint64_t checks = checks_of(values, setting);
    costs = costs_by(traffic(options, setting), setting, checks);
    // What is sent while a gradient is computed takes no time of its own, unless it takes longer.
    if (values.decide_late) {
      costs.seconds = std::max(costs.seconds - setting.exchange_time.value, setting.exchange_time.value);
    }
    require_enough(options, *values.budget, setting, checks, costs);
  }
  const SteeredThreshold::Options threshold{.threshold = values.threshold,
                                            .budget = values.budget,
                                            .check_every = values.check_every,
                                            .costs = costs,
                                            .state_cost = exchange_cost(watch_payload(values.watch, setting), setting)};
  const SharedWeights weights = read_weights(options, setting);
  return [=] { return std::make_unique<Fda>(values, setting, watch(), weights, threshold); };
}

}  // namespace

extern const StrategyRow kFda;
const StrategyRow kFda = {.name = "fda",
                          .help = "average the models only when their estimated variance exceeds a threshold",
                          .source = "Theologitis et al. 2025, algorithm 1",
                          .options = kOptions,
                          .check = check_fda_options,
                          .demands = fda_demands,
                          .variants = kVariants,
                          .paper_bytes = paper_bytes,
                          .make = make,
                          .traffic = traffic};

}  // namespace laconic
