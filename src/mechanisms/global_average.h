// An average of all models, by the job's collective, for strategies that gossip else: a merge, or the end.
//
// Whoever collects for others gives up before those who wait for it, since it knows who is missing (Comm). Here it does
// not: a worker that is late may itself be waiting for a neighbour's message, and knows who is lost. So whoever collects
// these averages waits for a quarter longer than a neighbour does, and those who wait for it for twice as long.
#pragma once

#include "protocol/strategy.h"

namespace laconic {

// The mean of all workers' `values`, which stay as they are until the returned task is done. `round` is its number: how
// many came before it. Throws as Comm::all_reduce_mean.
Task<SharedVector> global_average(Comm& comm, Round round, std::span<const float> values);

// The coordinator's side, for Strategy::coordinate; runs until the runtime ends it.
Task<void> serve_global_averages(Coordinator& self);

}  // namespace laconic
