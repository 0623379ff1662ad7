// A scenario of the simulator, as a job whose workers come and go.
#pragma once

#include "faults/tiny_job.h"
#include "run.h"

namespace laconic::tests {

faults::TinyJob job_of(const Scenario& scenario);

}  // namespace laconic::tests
