// Watching the model variance, as the strategies of the FDA family do: each worker's monitor turns its drift from the
// last common model into a small state, and all workers make the same estimate of the mean of their states.
//
//   s_k := state(w_k - w_t0);  S := all-reduce-mean(s_k);  H := estimate(S)         (monitor/monitor.h)
//
// The mean may be weighted. States are linear in sums over workers: S is then the state of the weighted set, and H an
// estimate of its variance, sum_k a_k ||w_k - mean||^2 / sum_k a_k with the weighted mean. An or needs no weights:
// where no ||u_k||^2 exceeds a threshold, no weighted mean of them does.
//
//   w_t0    reference()   the last common model, before the first synchronisation the common start
//   w_prev  the one before
//   s_k, S  state()       a worker's state; once reduced, their mean
//
// Messages: an all-reduce of the state a check; where the state is one bit, an or.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "monitor/monitor.h"
#include "protocol/strategy.h"

namespace laconic {

struct WatchOptions {
  const MonitorRow* monitor = nullptr;
  std::size_t sketch_rows = 5;
  std::size_t sketch_cols = 250;

  bool one_bit() const { return monitor->reduction == Monitor::Reduction::kAny; }
};

// The options `monitor`, `sketch_rows` and `sketch_cols`, and what they say.
std::vector<OptionSpec> watch_options();
WatchOptions read_watch_options(const Options& options);

// One worker's.
class VarianceWatch {
 public:
  VarianceWatch(const MonitorRow& row, std::unique_ptr<Monitor> monitor, SharedVector start,
                SharedVector first_previous);

  // s_k of the model as it is.
  Task<void> observe(Worker& self);
  // s_k becomes S, the same bits on all workers. They call it in the same round.
  Task<void> reduce(Comm& comm, const MeanWeights& weights);
  // The same for an S that was reduced together with something else.
  Task<void> set_reduced(Comm& comm, std::span<const float> state);
  // H of the reduced state, which it reports as "variance_estimate".
  double estimate(Worker& self);
  // The same of an S that somebody else has, unless the state is one bit.
  double estimate_of(std::span<const float> state) const;

  // Of the state observed last, before it is reduced: ||u_k||^2 of a monitor whose state is no bit.
  float own() const { return state_.front(); }
  std::span<float> state() { return state_; }
  std::size_t state_size() const { return state_.size(); }
  const SharedVector& reference() const { return reference_; }

  // Drifts are from `common` on, the same on all workers. Goes over the vectors: to be called where arithmetic is done.
  void synchronised(const SharedVector& common);
  // The same for one that keeps the models and watches nothing, the coordinator's: no arithmetic.
  void follow(const SharedVector& common);

  // The models, not the state: archive_state() where one is kept from round to round.
  void archive(Archive& archive);
  void archive_state(Archive& archive);

 private:
  Monitor::Reduction reduction_;
  std::unique_ptr<Monitor> monitor_;
  std::vector<float> state_;
  double estimate_ = 0.0;  // H of the state reduced last
  SharedVector reference_;
  SharedVector previous_;
};

// Makes one worker's watch after another; holds what those of a process share: the monitor's tables, the common start,
// the first direction.
using WatchFactory = std::function<VarianceWatch()>;
// `threshold`: of the monitor whose state is one bit.
WatchFactory make_watch(const WatchOptions& options, const StrategySetting& setting, double threshold);

// Elements of a state.
std::size_t watch_state_size(const WatchOptions& options, const StrategySetting& setting);
// The payload of one reduction of the state, over all nodes.
std::uint64_t watch_payload(const WatchOptions& options, const StrategySetting& setting);

}  // namespace laconic
