// The makers that the table in monitor.cc lists: one a file of this folder.
#pragma once

#include <memory>

#include "monitor/monitor.h"

namespace laconic {

std::unique_ptr<MonitorFactory> make_exact_monitors(const MonitorSetting& setting);
std::unique_ptr<MonitorFactory> make_naive_monitors(const MonitorSetting& setting);
std::unique_ptr<MonitorFactory> make_linear_monitors(const MonitorSetting& setting);
std::unique_ptr<MonitorFactory> make_sketch_monitors(const MonitorSetting& setting);
std::unique_ptr<MonitorFactory> make_max_norm_monitors(const MonitorSetting& setting);

}  // namespace laconic
