// What a job whose workers come and go must come to, recomputed in matrix form from who was named: all workers are rows
// of one matrix, and an average over a named set is a mean of those rows.
#pragma once

#include <string>
#include <vector>

#include "membership_world.h"

namespace laconic::tests {

// What does not hold of the run, a line each:
//   U1, U2  the common model is the mean over exactly the set that the coordinator names, of models that are what its
//           members had then, to the bit,
//   U3      (fda) where a check does not synchronise, the variance over that set is at most `threshold`,
//   and the models that the workers have at the end follow from the last of these.
// `threshold`: unset where every check synchronises.
std::vector<std::string> objections_to(MembershipWorld& world, const MembershipOptions& options,
                                       std::optional<double> threshold);

}  // namespace laconic::tests
