// What a job whose workers come and go must come to, recomputed in matrix form from who was named: all workers are rows
// of one matrix, and an average over a named set is a mean of those rows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "faults/membership_world.h"

namespace laconic::faults {

// What does not hold of the run, a line each:
//   U1, U2  the common model is the mean over exactly the set that the coordinator names, of models that are what its
//           members had then, to the bit,
//   U3      (fda) where a check does not synchronise, the variance over that set is at most `threshold`, with the monitor
//           `exact` made smaller for fewer,
//   U4      (dma) a balance of some is the mean of theirs, and leaves a divergence from the common model of at most that,
//   the models that workers say they have after a synchronisation are that mean, and those that they have at the end
//   follow from the last of these,
//   no worker begins below the step or with another model than the common one (where that is no mean: than that of the
//   coordinator); or, where it keeps what it had learnt alone, with the common one and a difference that its own steps
//   made,
//   no step goes backwards.
// On an asynchronous clock other things hold: asynchronous_oracle.h. `threshold`: unset where it does not bound the variance.
std::vector<std::string> objections_to(MembershipWorld& world, const MembershipOptions& options,
                                       std::optional<double> threshold);

}  // namespace laconic::faults
