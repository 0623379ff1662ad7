// The text of a job file, which has a folder of its own.
#pragma once

#include "job/text/job_text.h"
