#include "job/exit_code.h"

#include "base/error.h"

namespace laconic {

ExitCode exit_code_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const UsageError&) {
    return ExitCode::kBadUsage;
  } catch (const PeerLost&) {
    return ExitCode::kPeerLost;
  } catch (const Interrupted&) {
    return ExitCode::kInterrupted;
  } catch (...) {
    return ExitCode::kFailed;
  }
}

ExitCode exit_code_of(const Outcome& outcome) {
  switch (outcome.end) {
    case Outcome::End::kSteps:
    case Outcome::End::kUntil:
    case Outcome::End::kPatience:
      return ExitCode::kDone;
    case Outcome::End::kInterrupted:
      return ExitCode::kInterrupted;
    case Outcome::End::kFailed:
      return exit_code_of(outcome.error);
  }
  return ExitCode::kFailed;
}

}  // namespace laconic
