// The text of a job file, and what a file is that is none.
#pragma once

#include <string>

namespace laconic {

// Throws UsageError, one line with the path and the remedy, for what is not there (with the nearest name beside it), a
// folder (with the job files in it), what cannot be read, what is too large, and what is a model by its name.
std::string read_job_file(const std::string& path);

}  // namespace laconic
