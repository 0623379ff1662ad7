// How a process that ran a job ends: the one place where kinds of errors become exit codes (docs/errors.md).
#pragma once

#include <exception>

#include "runtimes/node/run.h"

namespace laconic {

enum class ExitCode { kDone = 0, kFailed = 1, kBadUsage = 2, kPeerLost = 3, kInterrupted = 130 };

ExitCode exit_code_of(const std::exception_ptr& error);
ExitCode exit_code_of(const Outcome& outcome);

}  // namespace laconic
