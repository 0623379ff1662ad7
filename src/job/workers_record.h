// What workers.json says of a job's workers: who has which data, and who sends to whom.
#pragma once

#include "job/wiring.h"
#include "report/workers.h"

namespace laconic {

// Where only one worker's samples are here, without who has which.
WorkersRecord workers_record(const JobSetup& setup);

}  // namespace laconic
