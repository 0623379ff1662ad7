// naive: the state is ||u||^2 and H = mean ||u||^2, which is over the variance by ||mean u||^2.
#include "base/error.h"
#include "kernels/vector_ops.h"
#include "monitor/monitor.h"

namespace laconic {
namespace {

class NaiveMonitor final : public Monitor {
 public:
  std::size_t state_size() const override { return 1; }

  void observe(std::span<const float> params, std::span<const float> reference, std::span<const float>,
               std::span<float> state) const override {
    LACONIC_CHECK(state.size() == 1, "a state of " << state.size());
    state[0] = static_cast<float>(kernels::squared_distance(params, reference));
  }

  double estimate(std::span<const float> mean_state) const override {
    LACONIC_CHECK(mean_state.size() == 1, "a state of " << mean_state.size());
    return static_cast<double>(mean_state[0]);
  }

  void synchronised(std::span<const float>, std::span<const float>) override {}
};

class NaiveMonitors final : public MonitorFactory {
 public:
  std::unique_ptr<Monitor> make() const override { return std::make_unique<NaiveMonitor>(); }
  std::vector<float> first_previous(std::span<const float>) const override { return {}; }
};

}  // namespace

std::unique_ptr<MonitorFactory> make_naive_monitors(const MonitorSetting&) { return std::make_unique<NaiveMonitors>(); }

}  // namespace laconic
