// linear (Theologitis et al. 2025, sec. 3.2): the state is (||u||^2, <xi, u>) for a unit vector xi that is the same on
// all workers, and H = S1 - S2^2. Since <xi, mean u>^2 <= ||mean u||^2, H is never under the variance, whatever xi.
//
// xi points along w_t0 - w_prev, the last move of the synchronised model. It is never stored: one pass over the three
// models gives ||u||^2 and <u, w_t0 - w_prev>, and the length of w_t0 - w_prev is computed once a synchronisation.
// Where that is zero (or not finite) xi is taken as 0, and H is naive's.
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/random.h"
#include "kernels/vector_ops.h"
#include "monitor/monitor.h"

namespace laconic {
namespace {

class LinearMonitor final : public Monitor {
 public:
  std::size_t state_size() const override { return 2; }

  void observe(std::span<const float> params, std::span<const float> reference, std::span<const float> previous,
               std::span<float> state) const override {
    LACONIC_CHECK(state.size() == 2, "a state of " << state.size());
    LACONIC_CHECK(length_.has_value(), "observe() before the first synchronised(): the direction has no length yet");
    const kernels::Drift drift = kernels::drift(params, reference, previous);
    state[0] = static_cast<float>(drift.squared_norm);
    state[1] = *length_ > 0.0 ? static_cast<float>(drift.along / *length_) : 0.0F;
  }

  double estimate(std::span<const float> mean_state) const override {
    LACONIC_CHECK(mean_state.size() == 2, "a state of " << mean_state.size());
    const double along = mean_state[1];
    return static_cast<double>(mean_state[0]) - along * along;
  }

  void synchronised(std::span<const float> reference, std::span<const float> previous) override {
    const double length = std::sqrt(kernels::squared_distance(reference, previous));
    length_ = std::isfinite(length) ? length : 0.0;
  }

 private:
  std::optional<double> length_;  // ||w_t0 - w_prev||; 0 stands for xi = 0
};

class LinearMonitors final : public MonitorFactory {
 public:
  explicit LinearMonitors(std::uint64_t seed) : seed_(seed) {}
  std::unique_ptr<Monitor> make() const override { return std::make_unique<LinearMonitor>(); }

  std::vector<float> first_previous(std::span<const float> start) const override {
    RandomStream stream(seed_, "linear monitor's first direction");
    std::vector<float> previous(start.begin(), start.end());
    for (float& value : previous) value = static_cast<float>(static_cast<double>(value) - stream.gaussian());
    return previous;
  }

 private:
  std::uint64_t seed_;
};

}  // namespace

std::unique_ptr<MonitorFactory> make_linear_monitors(const MonitorSetting& setting) {
  return std::make_unique<LinearMonitors>(setting.seed);
}

}  // namespace laconic
