#include "monitor/monitor.h"

#include <array>

namespace laconic {

// Each defined in a file of its own. No header has them, so that a new one compiles no other anew.
std::unique_ptr<MonitorFactory> make_exact_monitors(const MonitorSetting& setting);
std::unique_ptr<MonitorFactory> make_naive_monitors(const MonitorSetting& setting);
std::unique_ptr<MonitorFactory> make_linear_monitors(const MonitorSetting& setting);
std::unique_ptr<MonitorFactory> make_sketch_monitors(const MonitorSetting& setting);
std::unique_ptr<MonitorFactory> make_max_norm_monitors(const MonitorSetting& setting);

namespace {

std::size_t exact_state(const MonitorSetting& setting) { return 1 + setting.dimension; }
std::size_t sketch_state(const MonitorSetting& setting) { return 1 + setting.sketch_rows * setting.sketch_cols; }
std::size_t linear_state(const MonitorSetting&) { return 2; }
std::size_t single_value(const MonitorSetting&) { return 1; }

}  // namespace

std::span<const MonitorRow> monitors() {
  using enum Monitor::Reduction;
  static constexpr std::array kRows = {
      MonitorRow{.name = "exact",
                 .help = "the variance itself: the state is the whole drift, 4 d + 4 bytes; for tests",
                 .reduction = kMean,
                 .state_size = exact_state,
                 .make = make_exact_monitors},
      MonitorRow{.name = "sketch",
                 .help = "drift norm and AMS sketch of the drift, 4 rows cols + 4 bytes; rarely below the variance",
                 .reduction = kMean,
                 .state_size = sketch_state,
                 .make = make_sketch_monitors},
      MonitorRow{.name = "linear",
                 .help = "drift norm and drift along the model's last move, 8 bytes; never below the variance",
                 .reduction = kMean,
                 .state_size = linear_state,
                 .make = make_linear_monitors},
      MonitorRow{.name = "naive",
                 .help = "only the drift norm, 4 bytes; never below the variance",
                 .reduction = kMean,
                 .state_size = single_value,
                 .make = make_naive_monitors},
      MonitorRow{
          .name = "max-norm",
          .help =
              "whether a worker's own drift norm exceeds the threshold, one bit; the variance never exceeds it earlier",
          .reduction = kAny,
          .state_size = single_value,
          .make = make_max_norm_monitors},
  };
  return kRows;
}

}  // namespace laconic
