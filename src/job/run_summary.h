// What a run came to, as its summary says it.
#pragma once

#include <cstdint>
#include <exception>
#include <optional>
#include <string>

#include "base/units.h"
#include "job/checkpoints.h"
#include "job/job.h"
#include "job/wiring.h"
#include "report/summary.h"

namespace laconic {

Summary summarise(const Job& job, const JobSetup& setup, const RunResult& result, RuntimeKind runtime);

// What is known of it before its first step.
Summary summary_at_start(const Job& job, const JobSetup& setup, RuntimeKind runtime);

// The line of an error, whatever it is.
std::string error_text(const std::exception_ptr& error);

// What a run of so many bytes, headers in, and steps a worker takes, by the job's [energy]; unset where that has none.
std::optional<double> joules_of(const Job& job, Bytes sent, std::uint64_t steps);

// The bytes of a run as Theologitis et al. 2025 count them, in units of 1e9: rounds * 8 d K + state * steps * K, where
// rounds is syncs + 1 for fda (the first is the start's) and steps for synchronous (StrategyRow::paper_bytes). Unset for
// strategies whose papers have no such formula, and where models do not travel whole.
std::optional<double> paper_gb(const Job& job, const StrategySetting& setting, std::uint64_t steps,
                               std::uint64_t syncs);

}  // namespace laconic
