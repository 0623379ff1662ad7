#include "laconic/loop_run.h"

namespace laconic {

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
