// exact: the state is (||u||^2, u), so that H = mean ||u||^2 - ||mean u||^2 is the variance itself. As dear as sending
// the model: for tests, and to see what the estimates lose.
#include "base/error.h"
#include "kernels/vector_ops.h"
#include "monitor/monitor.h"

namespace laconic {
namespace {

class ExactMonitor final : public Monitor {
 public:
  explicit ExactMonitor(std::size_t dimension) : dimension_(dimension) {}

  std::size_t state_size() const override { return 1 + dimension_; }

  void observe(std::span<const float> params, std::span<const float> reference, std::span<const float>,
               std::span<float> state) const override {
    LACONIC_CHECK(params.size() == dimension_ && state.size() == state_size(),
                  "dimension " << dimension_ << ", " << params.size() << " parameters, state of " << state.size());
    state[0] = static_cast<float>(kernels::squared_distance(params, reference));
    kernels::subtract(params, reference, state.subspan(1));
  }

  double estimate(std::span<const float> mean_state) const override {
    LACONIC_CHECK(mean_state.size() == state_size(), "a state of " << mean_state.size());
    return static_cast<double>(mean_state[0]) - kernels::squared_norm(mean_state.subspan(1));
  }

  void synchronised(std::span<const float>, std::span<const float>) override {}

 private:
  std::size_t dimension_;
};

class ExactMonitors final : public MonitorFactory {
 public:
  explicit ExactMonitors(std::size_t dimension) : dimension_(dimension) {}
  std::unique_ptr<Monitor> make() const override { return std::make_unique<ExactMonitor>(dimension_); }
  std::vector<float> first_previous(std::span<const float>) const override { return {}; }

 private:
  std::size_t dimension_;
};

}  // namespace

std::unique_ptr<MonitorFactory> make_exact_monitors(const MonitorSetting& setting) {
  return std::make_unique<ExactMonitors>(setting.dimension);
}

}  // namespace laconic
