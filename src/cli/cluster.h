// `laconic run` in a process that a launcher has started as one of several: worker r of the job in process r.
#pragma once

#include "cli/commands.h"
#include "cli/console.h"
#include "links/connection.h"

namespace laconic {

// Runs this process' part. Process 0 prints and writes results as `laconic run` alone would; the others print what is
// wrong. Whatever is wrong before the first step is known to all processes and printed by process 0; all exit alike.
// Does not return in a process that has to end without the others, after a loss or a failure: exits with the code.
ExitCode run_on_cluster(Console& console, const RunArguments& arguments, const links::Launch& launch);

}  // namespace laconic
