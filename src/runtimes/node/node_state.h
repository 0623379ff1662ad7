// What a checkpoint keeps of one node, between two rounds.
#pragma once

#include <exception>

#include "base/archive.h"
#include "base/error.h"
#include "comm/comm.h"
#include "comm/ledger.h"
#include "comm/mailbox.h"
#include "protocol/learner.h"
#include "protocol/measurement.h"
#include "protocol/strategy.h"
#include "protocol/worker.h"

namespace laconic {

// A worker: its step and losses, model, what its learner and its strategy keep, its place in the sequence of exchanges,
// and frames that it has not asked for yet.
void archive_worker(Archive& archive, Worker& worker, Learner& learner, Strategy& strategy, Comm& comm,
                    Mailbox& mailbox);

// The coordinator: the same but for what it has no learner for.
void archive_coordinator(Archive& archive, Strategy& strategy, Comm& comm, Mailbox& mailbox);

// The part "model". `params` and `buffers` have the size that they shall have; `now`: on the run's clock.
void archive_model(Archive& archive, Step& step, Seconds& now, std::span<float> params, std::span<float> buffers);

// The latest values of what a strategy watches.
void archive_watched(Archive& archive, std::map<std::string, double>& watched);

void archive_prequential(Archive& archive, Prequential& prequential);

// All that was measured so far.
void archive_measurements(Archive& archive, std::vector<Measurement>& measurements);

// The error of a run whose models are not finite after its last step. `broken`: a worker whose model is not; below 0:
// none, but the model that was measured.
RunError divergence(std::int32_t broken, Step step);
// Whether an error is of a run that diverged, here or as another process told it.
bool is_divergence(const std::exception_ptr& error);

}  // namespace laconic
