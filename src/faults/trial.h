// One run of a plan of faults, and whether it came to what it has to.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "faults/fault_plan.h"

namespace laconic::faults {

// What happened, over one run or several.
struct FaultCounts {
  std::array<std::uint64_t, kFaultKinds> faults{};
  std::uint64_t left = 0;     // workers that were out
  std::uint64_t entered = 0;  // and in again
  std::uint64_t slow = 0;     // runs on a slow network
  std::uint64_t saturated = 0;
  std::uint64_t pulled = 0;    // runs whose vectors are pulled piece by piece
  std::uint64_t given_up = 0;  // runs that ended because too few workers were present for too long, as they have to

  FaultCounts& operator+=(const FaultCounts& other);
};

// Has it happen now, and end after its span.
void strike(const Fault& fault, MembershipWorld& world, FaultCounts& counts);

struct Trial {
  std::vector<std::string> objections;  // what does not hold, a line each; empty: all does
  FaultCounts counts;
  std::string account;           // what happened, a line an event, with its time
  std::uint64_t trace_hash = 0;  // of all that travelled
};

// Runs to the end. All of these hold of a sound run:
//   it ends in all processes, and in none with an error that the others know nothing of,
//   links keep their promise (link_watch.h),
//   with the result that its named sets imply (membership_oracle.h),
//   and with an error only where fewer than the least workers could be present for as long as the run is patient.
Trial try_plan(const FaultPlan& plan);

}  // namespace laconic::faults
