#include "laconic/loop_run.h"

#include <algorithm>

namespace laconic {

Seconds patience_of(const Job& job) {
  constexpr double kLongest = 1e8;
  return {std::min(job.section("network").seconds("deadline").value, kLongest)};
}

RunSummary summary_of(const RunResult& result) {
  const Tally sent = result.outcome.ledger.total();
  return {.steps = result.steps_done.value,
          .syncs = result.outcome.syncs,
          .frames = sent.frames,
          .bytes = sent.framed.value,
          .seconds = result.outcome.time.value,
          .trace_hash = result.outcome.trace_hash};
}

}  // namespace laconic
