// Federated dynamic averaging whose workers wait for nobody: the asynchronous clock of strategies/fda.cc.
//
//   worker k       every step: a local step, then takes in what came
//                  every b steps, unless an average is under way:  sends s_k := state(w_k - r), n and its step
//                  asked for its model, it sends w_k and n, and trains on; when g comes, w_k += g - (w_k as sent)
//                  r := g, n := n + 1
//   coordinator    keeps the newest state of each worker, of those with its own n;
//                  at each, S := mean of those that count, at least two;  if H(S) > Theta:
//                  asks all for their models;  g := mean of them, to all;  n := n + 1, and forgets all states
//
//   r     the last average, before the first one the common start;  n  its number
//   age   a state counts until the fastest worker has taken so many steps more since it came; 0: until the next average
//   means are weighted by training samples where the job says so
//
// Derived here, published nowhere. What holds: a worker never waits, but at a checkpoint, where all come to rest (rest.h),
// and after its last step for the answer to a model on its way. A synchronisation moves no mean: the sum of all
// g - (w_k as sent) is 0, so the mean of all models moves by local steps alone. What does not hold: the states of a mean
// are of different moments, so the variance may exceed Theta between two looks (no Q3, no U3).
//
// Where the job compresses, models travel as differences from r (model_codec.h) in both directions; w_k as sent is then
// what the coordinator reads.
//
// Where workers come and go a state counts while its sender has been present since, and is of number n; an average is of
// those who are present and give a model, and names them. U1, U2 hold of it, U3 does not.
//
// Messages:
//   up    state      n float32, u64 number, u64 step, as a state
//         model      model  u64 number
//         leaves, rests                                    asynchronous.h
//   down  ask        u64 number, as control
//         average    model  u64 number  view               the view (comm/attendance.h) where workers come and go
//         all rest, void, unwanted                         asynchronous.h
#pragma once

#include <memory>

#include "comm/mean_weights.h"
#include "mechanisms/fda_options.h"
#include "mechanisms/variance_watch.h"

namespace laconic {

// What all nodes of a job know.
struct AsynchronousFdaJob {
  const FdaOptions& options;
  const StrategySetting& setting;
  SharedWeights weights;
};

std::unique_ptr<Strategy> make_asynchronous_fda(const AsynchronousFdaJob& job, VarianceWatch watch);
TrafficFormula asynchronous_fda_traffic(const FdaOptions& options, const StrategySetting& setting);

}  // namespace laconic
