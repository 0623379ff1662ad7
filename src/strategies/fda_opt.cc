// FDA-Opt (Theologitis, Samoladas and Deligiannakis 2025, arXiv 2505.04535): federated dynamic averaging whose
// threshold follows the variance that rounds end with, and whose common model takes steps of a server optimiser.
//
//   every worker, every step:
//     one local optimiser step
//     except in the first round, a check:  H of the states (variance_watch.h)
//     if H > Theta, or the round is E_max epochs old (the first: one):
//       m := all-reduce-mean(w_k)
//       Var := all-reduce-mean(||w_k - m||^2)
//       w := server step from w towards m;  w_k := w
//       Theta := (E_max / 2) / E * Var
//
//   w      the last common model, before the first round the common start       server step  server_optimizer.h
//   E_max  most_epochs      E  local epochs of the round that ends, to a step   Theta        threshold_
//
// An epoch is a pass over all training samples by all workers together, as in a job's length. Where the variance grows
// with the length of a round, as it does where workers drift by chance, the next round is of E_max / 2 epochs; it is
// shorter where they begin to part faster, and longer, up to E_max, where slower.
//
// Means may be weighted by the workers' training samples (`weights`): H, Var and m are then those of the weighted set.
//
// Var is mean_k ||u_k||^2 - ||mean u||^2, taken from m itself: without a difference of large numbers, and never
// below 0. Where averages are compressed m is not the mean, and Var is more than the model variance by ||m - mean||^2.
// The new Theta is one arithmetic of the same bits on all workers.
//
// Assumes that all workers start alike. Invariant: after a round all workers hold the same bits. Optimiser state of the
// workers stays local. Messages: an all-reduce of the state a check; an average of all models (averaging.h) and an
// all-reduce of one float a round.
#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/averaging.h"
#include "mechanisms/server_optimizer.h"
#include "mechanisms/variance_watch.h"
#include "mechanisms/weights_option.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

struct FdaOptOptions {
  double most_epochs = 10.0;
  WatchOptions watch;
  ServerOptions server;
};

// Lengths of rounds in local steps.
struct RoundLengths {
  std::uint64_t first = 1;
  std::uint64_t most = 1;  // of the others
};

RoundLengths lengths_of(const FdaOptOptions& options, const StrategySetting& setting) {
  LACONIC_CHECK(setting.steps_per_epoch > 0.0, "the length of an epoch is not known");
  const auto steps = [&](double epochs) {
    return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ceil(epochs * setting.steps_per_epoch)));
  };
  return {.first = steps(std::min(1.0, options.most_epochs)), .most = steps(options.most_epochs)};
}

class FdaOpt final : public Strategy {
 public:
  FdaOpt(const FdaOptOptions& options, const StrategySetting& setting, VarianceWatch watch, SharedWeights weights)
      : most_epochs_(options.most_epochs),
        trained_(setting.trained),
        comes_and_goes_(setting.comes_and_goes),
        steps_per_epoch_(setting.steps_per_epoch),
        lengths_(lengths_of(options, setting)),
        weights_(std::move(weights)),
        averaging_(setting, weights_),
        server_(options.server),
        watch_(std::move(watch)) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    const std::uint64_t steps = self.step().value - begun_;
    bool ends = steps >= (first_ ? lengths_.first : lengths_.most);
    if (!first_) {
      co_await watch_.observe(self);
      co_await watch_.reduce(self.comm(), *weights_);
      const bool exceeds = watch_.estimate(self) > threshold_;
      ends = ends || exceeds;
    }
    if (ends) co_await end_round(self, epochs_since(steps));
  }

  // Where workers come and go the coordinator follows what they have in common.
  Task<void> coordinate(Coordinator& self) override {
    return averaging_.coordinate(self, [this, &self](const CollectiveResult& result) { return follow(self, result); });
  }

  void archive_common(Archive& archive) override {
    watch_.archive(archive);
    server_.archive(archive, watch_.reference().size());
    archive.value("fda_opt.first", first_);
    archive.value("fda_opt.begun", begun_);
    archive.value("fda_opt.threshold", threshold_);
    if (archive.loading()) averaging_.refer_to(watch_.reference());
  }
  std::span<const float> common_model() const override { return watch_.reference(); }

  void archive(Archive& archive) override {
    averaging_.archive(archive);
    watch_.archive(archive);
    server_.archive(archive, watch_.reference().size());
    archive.value("fda_opt.first", first_);
    archive.value("fda_opt.begun", begun_);
    archive.value("fda_opt.threshold", threshold_);
    if (comes_and_goes_) archive_ended(archive);
  }

 private:
  void archive_ended(Archive& archive) {
    Ended ended = ended_.value_or(Ended{});
    archive.value("fda_opt.ended", ended.step.value);
    archive_shared(archive, "fda_opt.mean", ended.mean, watch_.reference().size(), /*may_be_empty=*/true);
    if (!archive.loading()) return;
    ended_.reset();
    if (ended.mean.size() > 0) ended_ = ended;
  }

  Task<void> end_round(Worker& self, double epochs) {
    const SharedVector mean = co_await averaging_.mean(self);
    std::array<float, 1> distance = {};
    co_await self.compute([&] { distance[0] = static_cast<float>(kernels::squared_distance(self.params(), mean)); });
    const SharedVector variance = co_await self.comm().all_reduce_mean(distance, *weights_, Traffic::kState);
    co_await self.compute([&] {
      std::vector<float> common(mean.size());
      kernels::copy(watch_.reference(), common);
      server_.step(mean, common, self.trained_size());
      kernels::copy(common, self.params());
      const SharedVector reference(std::move(common));
      watch_.synchronised(reference);
      averaging_.refer_to(reference);
    });
    self.synchronised();
    begin_round(self.step(), epochs, variance);
    self.measured("threshold", threshold_);
  }

  void begin_round(Step step, double epochs, const SharedVector& variance) {
    threshold_ = most_epochs_ / 2.0 / epochs * static_cast<double>(variance.values()[0]);
    first_ = false;
    begun_ = step.value;
  }
  double epochs_since(std::uint64_t steps) const { return static_cast<double>(steps) / steps_per_epoch_; }

  // The coordinator: a round has ended once the variance is known. One that is given up before that is as if its mean
  // had not been.
  Task<bool> follow(Coordinator& self, const CollectiveResult& result) {
    if (result.traffic == Traffic::kModel) {
      ended_ = Ended{.step = result.step, .mean = result.values};
      co_return false;
    }
    const std::optional<Ended> ended = std::exchange(ended_, std::nullopt);
    if (!ended || result.step != ended->step) co_return false;  // a later check
    ServerOptimizer server = server_;
    SharedVector reference;
    co_await self.compute(ended->mean.size(), [&] {
      std::vector<float> common(ended->mean.size());
      kernels::copy(watch_.reference(), common);
      server.step(ended->mean, common, trained_);
      reference = SharedVector(std::move(common));
    });
    server_ = std::move(server);
    watch_.follow(reference);
    averaging_.refer_to(reference);
    begin_round(result.step, epochs_since(result.step.value - begun_), result.values);
    co_return true;
  }

  double most_epochs_;
  std::size_t trained_;
  bool comes_and_goes_;
  double steps_per_epoch_;
  RoundLengths lengths_;
  SharedWeights weights_;
  Averaging averaging_;
  ServerOptimizer server_;
  VarianceWatch watch_;
  bool first_ = true;        // the round under way
  std::uint64_t begun_ = 0;  // steps taken when it began
  double threshold_ = 0.0;   // of the rounds after the first
  // The coordinator's, where workers come and go: a mean whose variance is not known yet.
  struct Ended {
    Step step;
    SharedVector mean;
  };
  std::optional<Ended> ended_;
};

void check(const Options& options) {
  const WatchOptions watch = read_watch_options(options);
  if (!watch.one_bit()) return;
  throw UsageError(options.place("monitor") + ": " + std::string(watch.monitor->name) +
                   " says only whether a threshold of the start is exceeded, but fda_opt moves its threshold after "
                   "each round; choose linear, naive, sketch or exact");
}

FdaOptOptions read(const Options& options) {
  check(options);
  return {.most_epochs = options.number("most_epochs"),
          .watch = read_watch_options(options),
          .server = read_server_options(options)};
}

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const FdaOptOptions values = read(options);
  const WatchFactory watch = make_watch(values.watch, setting, 0.0);
  const SharedWeights weights = read_weights(options, setting);
  return [=] { return std::make_unique<FdaOpt>(values, setting, watch(), weights); };
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  const FdaOptOptions values = read(options);
  const RoundLengths lengths = lengths_of(values, setting);
  const std::uint64_t first = std::min(lengths.first, setting.steps);
  const std::uint64_t checks = setting.steps - first;
  TrafficFormula formula;
  formula.run(Traffic::kState) = checks * watch_payload(values.watch, setting);
  formula.sync(Traffic::kState) = all_reduce_payload(setting.collective, setting.world_size, 1).value;
  add_average(formula, setting);
  const std::uint64_t first_ends = first == lengths.first ? 1 : 0;
  formula.fewest_syncs = first_ends + checks / lengths.most;
  formula.most_syncs = first_ends + checks;
  return formula;
}

std::vector<OptionSpec> make_options() {
  std::vector<OptionSpec> options = {
      {.name = "most_epochs",
       .type = OptionType::kNumber,
       .default_value = "10",
       .minimum = 1e-6,
       .maximum = 1e6,
       .help = "E_max: a round ends after this many local epochs at the latest; the threshold aims at half of it"}};
  for (OptionSpec& option : watch_options()) options.push_back(std::move(option));
  for (OptionSpec& option : server_options("average")) options.push_back(std::move(option));
  options.push_back(weights_option());
  return options;
}
const std::vector<OptionSpec> kOptions = make_options();
const std::vector<Variant> kVariants = {{.options = {{"most_epochs", "2"}}},
                                        {.name = "sketch", .options = {{"most_epochs", "3"}, {"monitor", "sketch"}}},
                                        {.name = "samples", .options = {{"most_epochs", "2"}, {"weights", "samples"}}}};

}  // namespace

extern const StrategyRow kFdaOpt;
const StrategyRow kFdaOpt = {
    .name = "fda_opt",
    .help = "like fda with a threshold that sets itself; the average becomes a step of a server optimizer",
    .source = "Theologitis, Samoladas and Deligiannakis 2025 (FDA-Opt)",
    .options = kOptions,
    .check = check,
    .demands =
        [](const Options&) {
          return Demands{.compression = Compression::kOptional,
                         .memory = {.vectors = 4},
                         .tolerates_absence = true,
                         .drive = LoopDrive::kNone};
        },
    .variants = kVariants,
    .make = make,
    .traffic = traffic};

}  // namespace laconic
