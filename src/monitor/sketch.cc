// sketch (Theologitis et al. 2025, sec. 3.1): the state is (||u||^2, AMS sketch of u), and
//   H = S1 - M2(mean sketch) / (1 + eps),  eps = 1 / sqrt(cols).
// Sketches are linear: the mean of the workers' sketches is the sketch of the mean drift, whose squared norm M2
// estimates to within a factor 1 +- eps with high probability. H is under the variance only where
// M2 > (1 + eps) ||mean u||^2: about 9% of the hash functions for a dense drift at 5 x 250.
#include "kernels/sketch.h"

#include <cmath>

#include "base/error.h"
#include "monitor/monitor.h"

namespace laconic {
namespace {

class SketchMonitor final : public Monitor {
 public:
  explicit SketchMonitor(std::shared_ptr<const kernels::SketchTable> table) : table_(std::move(table)) {}

  std::size_t state_size() const override { return 1 + table_->rows() * table_->cols(); }

  void observe(std::span<const float> params, std::span<const float> reference, std::span<const float>,
               std::span<float> state) const override {
    LACONIC_CHECK(state.size() == state_size(), "a state of " << state.size());
    state[0] = static_cast<float>(kernels::sketch_drift(*table_, params, reference, state.subspan(1)));
  }

  double estimate(std::span<const float> mean_state) const override {
    LACONIC_CHECK(mean_state.size() == state_size(), "a state of " << mean_state.size());
    const double eps = 1.0 / std::sqrt(static_cast<double>(table_->cols()));
    return static_cast<double>(mean_state[0]) -
           kernels::sketch_squared_norm(mean_state.subspan(1), table_->rows()) / (1.0 + eps);
  }

  void synchronised(std::span<const float>, std::span<const float>) override {}

 private:
  std::shared_ptr<const kernels::SketchTable> table_;
};

class SketchMonitors final : public MonitorFactory {
 public:
  explicit SketchMonitors(const MonitorSetting& setting)
      : table_(std::make_shared<const kernels::SketchTable>(setting.seed, setting.sketch_rows, setting.sketch_cols,
                                                            setting.dimension)) {}
  std::unique_ptr<Monitor> make() const override { return std::make_unique<SketchMonitor>(table_); }
  std::vector<float> first_previous(std::span<const float>) const override { return {}; }

 private:
  std::shared_ptr<const kernels::SketchTable> table_;
};

}  // namespace

std::unique_ptr<MonitorFactory> make_sketch_monitors(const MonitorSetting& setting) {
  return std::make_unique<SketchMonitors>(setting);
}

}  // namespace laconic
