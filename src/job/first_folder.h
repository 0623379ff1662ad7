// The folder in which a run was first started, when the run goes on from its checkpoint: whether its files are still
// there, or a tree that was moved as a whole has them elsewhere.
#pragma once

#include <functional>
#include <string>

#include "job/checkpoints.h"
#include "job/wiring.h"

namespace laconic {

// Has `job`, that of `run`, look for its files where they are now. Where the first folder is gone it is the one that lies
// to the results as the first one did; where that is not known either, relative paths start at the current folder if
// theirs is gone.
void settle_first_folder(const RunToResume& run, Job& job);

// What `set_up` gives; where the first folder is gone a UsageError says also that it is.
JobSetup set_up_resumed(const RunToResume& run, const Job& job, const std::function<JobSetup()>& set_up);

}  // namespace laconic
