// The report page of several runs: a summary table that sorts and filters, and charts with a line for each group of runs
// and a band over its seeds. Like a run's page it needs nothing else (report/page.h).
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "report/charts.h"
#include "report/comparison.h"

namespace laconic {

// Graphs and labels of workers are drawn for at most so many groups.
inline constexpr std::size_t kMostDrawnWorkers = 6;

// `groups` are those of `comparison`, in its order, with texts of their runs that check_page_run takes.
std::string comparison_page(const Comparison& comparison, std::span<const RunGroup> groups);

}  // namespace laconic
