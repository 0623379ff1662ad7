#include "mechanisms/variance_watch.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/model_codec.h"

namespace laconic {
namespace {

std::vector<std::string_view> monitor_names() {
  std::vector<std::string_view> names;
  for (const MonitorRow& row : monitors()) names.push_back(row.name);
  return names;
}

MonitorSetting monitor_setting(const WatchOptions& options, const StrategySetting& setting, double threshold) {
  return {.dimension = setting.dimension,
          .seed = setting.seed,
          .threshold = threshold,
          .sketch_rows = options.sketch_rows,
          .sketch_cols = options.sketch_cols};
}

}  // namespace

std::vector<OptionSpec> watch_options() {
  return {
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
}

WatchOptions read_watch_options(const Options& options) {
  const auto rows = monitors();
  const auto row = std::find_if(rows.begin(), rows.end(),
                                [&](const MonitorRow& monitor) { return monitor.name == options.text("monitor"); });
  return {
      .monitor = &*row, .sketch_rows = options.integer("sketch_rows"), .sketch_cols = options.integer("sketch_cols")};
}

VarianceWatch::VarianceWatch(const MonitorRow& row, std::unique_ptr<Monitor> monitor, SharedVector start,
                             SharedVector first_previous)
    : reduction_(row.reduction),
      monitor_(std::move(monitor)),
      state_(monitor_->state_size()),
      reference_(std::move(start)),
      previous_(std::move(first_previous)) {
  monitor_->synchronised(reference_, previous_);
}

Task<void> VarianceWatch::observe(Worker& self) {
  co_await self.compute([&] { monitor_->observe(self.params(), reference_, previous_, state_); });
}

Task<void> VarianceWatch::reduce(Comm& comm, const MeanWeights& weights) {
  if (reduction_ == Monitor::Reduction::kAny) {
    const bool any = co_await comm.all_reduce_any(state_[0] != 0.0F, Traffic::kState);
    state_[0] = any ? 1.0F : 0.0F;
    estimate_ = monitor_->estimate(state_);
    co_return;
  }
  const SharedVector mean = co_await comm.all_reduce_mean(state_, weights, Traffic::kState);
  co_await set_reduced(comm, mean);
}

Task<void> VarianceWatch::set_reduced(Comm& comm, std::span<const float> state) {
  return comm.compute(state_.size(), [this, state] {
    kernels::copy(state, state_);
    estimate_ = monitor_->estimate(state_);
  });
}

double VarianceWatch::estimate(Worker& self) {
  self.measured("variance_estimate", estimate_);
  return estimate_;
}

double VarianceWatch::estimate_of(std::span<const float> state) const {
  if (state.size() != state_.size()) {
    throw DecodeError("a state of " + std::to_string(state.size()) + " numbers, and not of " +
                      std::to_string(state_.size()));
  }
  return monitor_->estimate(state);
}

void VarianceWatch::follow(const SharedVector& common) { previous_ = std::exchange(reference_, common); }

void VarianceWatch::synchronised(const SharedVector& common) {
  follow(common);
  monitor_->synchronised(reference_, previous_);
}

void VarianceWatch::archive(Archive& archive) {
  archive_shared(archive, "watch.reference", reference_, reference_.size());
  archive_shared(archive, "watch.previous", previous_, reference_.size(),
                 /*may_be_empty=*/true);  // before the first synchronisation
  if (archive.loading()) monitor_->synchronised(reference_, previous_);
}

void VarianceWatch::archive_state(Archive& archive) { archive.floats("watch.state", state_); }

WatchFactory make_watch(const WatchOptions& options, const StrategySetting& setting, double threshold) {
  const MonitorRow& row = *options.monitor;
  const std::shared_ptr<const MonitorFactory> factory = row.make(monitor_setting(options, setting, threshold));
  const SharedVector start(setting.start);
  const SharedVector first_previous(factory->first_previous(setting.start));
  return [=, &row] { return VarianceWatch(row, factory->make(), start, first_previous); };
}

std::size_t watch_state_size(const WatchOptions& options, const StrategySetting& setting) {
  return options.monitor->state_size(monitor_setting(options, setting, 0.0));
}

std::uint64_t watch_payload(const WatchOptions& options, const StrategySetting& setting) {
  if (options.one_bit()) return any_payload(setting.collective, setting.world_size).value;
  return all_reduce_payload(setting.collective, setting.world_size, watch_state_size(options, setting)).value;
}

}  // namespace laconic
