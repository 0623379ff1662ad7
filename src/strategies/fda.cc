// Federated dynamic averaging (Theologitis et al. 2025, algorithm 1).
//
//   every worker, every step:
//     one local optimiser step
//     u_k := w_k - w_t0;  s_k := state(u_k);  S := all-reduce-mean(s_k)
//     if H(S) > Theta:  w := all-reduce-mean(w_k);  w_prev := w_t0;  w_t0 := w;  w_k := w
//
//   w_k     params        worker k's model
//   w_t0    reference_    the model of the last synchronisation, before the first one the common start
//   w_prev  previous_     the one before
//   s_k, S  state_        a worker's state and its mean (monitor/monitor.h)
//   H       estimate      of the model variance
//   Theta   threshold
//
// Assumes that all workers start alike. Invariant (Q3): while no synchronisation takes place the model variance is at
// most Theta (monitors exact, linear, naive, max-norm; sketch with high probability). Optimiser state stays local.
// Messages: an all-reduce of the state every step, and one of d floats at a synchronisation.
#include <algorithm>

#include "monitor/monitor.h"
#include "strategies/rows.h"

namespace laconic {
namespace {

struct FdaOptions {
  double threshold = 0.0;
  const MonitorRow* monitor = nullptr;
  std::size_t sketch_rows = 5;
  std::size_t sketch_cols = 250;
};

class Fda final : public Strategy {
 public:
  Fda(const FdaOptions& options, std::unique_ptr<Monitor> monitor, SharedVector start, SharedVector first_previous)
      : threshold_(options.threshold),
        reduction_(options.monitor->reduction),
        monitor_(std::move(monitor)),
        state_(monitor_->state_size()),
        reference_(std::move(start)),
        previous_(std::move(first_previous)) {
    monitor_->synchronised(reference_, previous_);
  }

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    co_await self.compute([&] { monitor_->observe(self.params(), reference_, previous_, state_); });
    co_await reduce_state(self.comm());
    const double estimate = monitor_->estimate(state_);
    self.measured("variance_estimate", estimate);
    if (!(estimate > threshold_)) co_return;

    const SharedVector mean = co_await self.comm().all_reduce_mean(self.params(), Traffic::kModel);
    std::copy(mean.values().begin(), mean.values().end(), self.params().begin());
    previous_ = std::exchange(reference_, mean);
    monitor_->synchronised(reference_, previous_);
    self.synchronised();
  }

  void archive(Archive& archive) override {
    archive_vector(archive, "fda.reference", reference_);
    archive_vector(archive, "fda.previous", previous_);
    if (archive.loading()) monitor_->synchronised(reference_, previous_);
  }

 private:
  // s_k becomes S, the same bits on all workers.
  Task<void> reduce_state(Comm& comm) {
    if (reduction_ == Monitor::Reduction::kAny) {
      const bool any = co_await comm.all_reduce_any(state_[0] != 0.0F, Traffic::kState);
      state_[0] = any ? 1.0F : 0.0F;
      co_return;
    }
    const SharedVector mean = co_await comm.all_reduce_mean(state_, Traffic::kState);
    std::copy(mean.values().begin(), mean.values().end(), state_.begin());
  }

  void archive_vector(Archive& archive, std::string_view name, SharedVector& vector) const {
    std::vector<float> values(vector.values().begin(), vector.values().end());
    archive.vector(name, values, reference_.size());
    if (archive.loading()) vector = SharedVector(std::move(values));
  }

  double threshold_;
  Monitor::Reduction reduction_;
  std::unique_ptr<Monitor> monitor_;
  std::vector<float> state_;
  SharedVector reference_;
  SharedVector previous_;
};

const MonitorRow* find_monitor(const Options& options) {
  const auto rows = monitors();
  return &*std::find_if(rows.begin(), rows.end(),
                        [&](const MonitorRow& row) { return row.name == options.text("monitor"); });
}

FdaOptions read(const Options& options) {
  return {.threshold = options.number("threshold"),
          .monitor = find_monitor(options),
          .sketch_rows = options.integer("sketch_rows"),
          .sketch_cols = options.integer("sketch_cols")};
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
  return [=] { return std::make_unique<Fda>(values, factory->make(), start, first_previous); };
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  const FdaOptions values = read(options);
  const int workers = setting.world_size;
  TrafficFormula formula;
  formula.step(Traffic::kState) = values.monitor->reduction == Monitor::Reduction::kAny
                                      ? any_payload(setting.collective, workers).value
                                      : all_reduce_payload(setting.collective, workers,
                                                           values.monitor->state_size(monitor_setting(values, setting)))
                                            .value;
  formula.sync(Traffic::kModel) = all_reduce_payload(setting.collective, workers, setting.dimension).value;
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
};

}  // namespace

const StrategyRow kFda = {.name = "fda",
                          .help = "average the models only when their estimated variance exceeds a threshold",
                          .source = "Theologitis et al. 2025, algorithm 1",
                          .options = kOptions,
                          .make = make,
                          .traffic = traffic};

}  // namespace laconic
