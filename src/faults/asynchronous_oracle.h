// As membership_oracle.h, for jobs on an asynchronous clock: workers are rows of a matrix at steps of their own, and what
// is recomputed is each row, from the steps that its worker took and the means that it was in.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "faults/membership_world.h"

namespace laconic::faults {

// What does not hold of the run, a line each. With m_k the model that worker k gave last, S a named set and
// g := sum_{k in S} n_k m_k / sum_{k in S} n_k:
//   U1  each member of S adds g - m_k to its model, to the bit, between two local steps, and does nothing else to it; so
//       the mean of all models is moved by local steps alone. What workers have in common is the newest g that changes it.
//   U2  only who is present and has given a model is in S.
//   U4  (dma) who has strayed by more than `threshold` at a check gives its model.
//   No worker begins below the step that the coordinator says, nor with another model than the common one; or, where it
//   keeps what it had learnt alone, with that one and the difference that its own steps made.
// Of models that travel compressed, what they became at the other end is not known here: then U2 and the steps.
std::vector<std::string> asynchronous_objections_to(MembershipWorld& world, const MembershipOptions& options,
                                                    std::optional<double> threshold);

}  // namespace laconic::faults
