// max-norm: one bit, whether the worker's own ||u||^2 is over the threshold; a synchronisation is due when any worker's
// is. The mean of the ||u_k||^2 is at most their largest, so silence means that the variance is at most the threshold.
#include <cmath>
#include <limits>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "monitor/monitor.h"

namespace laconic {
namespace {

class MaxNormMonitor final : public Monitor {
 public:
  explicit MaxNormMonitor(double threshold) : threshold_(threshold) {}

  std::size_t state_size() const override { return 1; }

  void observe(std::span<const float> params, std::span<const float> reference, std::span<const float>,
               std::span<float> state) const override {
    LACONIC_CHECK(state.size() == 1, "a state of " << state.size());
    state[0] = kernels::squared_distance(params, reference) > threshold_ ? 1.0F : 0.0F;
  }

  double estimate(std::span<const float> mean_state) const override {
    LACONIC_CHECK(mean_state.size() == 1, "a state of " << mean_state.size());
    return mean_state[0] != 0.0F ? std::nextafter(threshold_, std::numeric_limits<double>::infinity()) : threshold_;
  }

  void synchronised(std::span<const float>, std::span<const float>) override {}

 private:
  double threshold_;
};

class MaxNormMonitors final : public MonitorFactory {
 public:
  explicit MaxNormMonitors(double threshold) : threshold_(threshold) {}
  std::unique_ptr<Monitor> make() const override { return std::make_unique<MaxNormMonitor>(threshold_); }
  std::vector<float> first_previous(std::span<const float>) const override { return {}; }

 private:
  double threshold_;
};

}  // namespace

std::unique_ptr<MonitorFactory> make_max_norm_monitors(const MonitorSetting& setting) {
  return std::make_unique<MaxNormMonitors>(setting.threshold);
}

}  // namespace laconic
