// What a strategy needs of sections that are not its own. Each throws UsageError with place and remedy where a job does
// not have it.
#pragma once

#include "job/job.h"

namespace laconic {

// The plain gradient step, of a strategy that brings its own momentum to it; it may be the one between the groups.
void check_momentum(const Job& job, const StrategyRow& strategy, const Demands& demands);

// A network that loses and repeats nothing, of a strategy that waits for every frame.
void check_faults(const Job& job);

// Averages through the coordinator over whoever is present. `place` names the key that asks for it; `alternative`: what
// else is to be done than what the strategy needs, ", or remove ...".
void require_tolerance_of_absence(const Job& job, const std::string& place, const std::string& alternative);
// The same of a job that goes on while workers are absent.
void check_absence(const Job& job);

// Numbers of [compression] that stay as they are, where a node sends compressed messages that does not know the step.
void check_schedules(const Job& job);

}  // namespace laconic
