// What a seed has happen to a run whose workers come and go.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "faults/membership_world.h"

namespace laconic::faults {

enum class FaultKind : std::uint8_t {
  kCrash,             // a worker's process ends, its streams break, and it is started again
  kSilentCrash,       // the same, as by a machine that loses its power: no stream breaks
  kReset,             // the streams between a worker and the coordinator break
  kHalfOpen,          // they lose what is written to them, and neither end is told
  kPartition,         // one or several workers and the coordinator cannot reach each other for a while
  kStall,             // a worker's process stands still for a while
  kCoordinatorStall,  // the coordinator's does
  kDamage,            // a byte is changed on its way
  kCoordinatorCrash,  // the coordinator's process ends, and is started again
  kDeathAtWrite,      // it dies in the middle of one of the next writes of its log
};
inline constexpr std::size_t kFaultKinds = 10;
// "crash", "crash without a word", ...
std::string_view to_text(FaultKind kind);

struct Fault {
  FaultKind kind = FaultKind::kCrash;
  Seconds when;
  Seconds span;                 // until the process is there again, or the network
  std::vector<int> workers;     // whom it is done to; of a partition one or several
  bool to_coordinator = false;  // the way of a damaged byte
  std::uint64_t write = 1;      // of the coordinator's next ones, at which it dies
};

// What a job says of its workers; the rest of a plan is drawn.
struct FaultJob {
  const StrategyRow* strategy = nullptr;
  Options options = {};
  int workers = 4;
  int least = 1;
  double patience = 15.0;  // in deadlines; less than 1 is taken as 1, which a worker may need to be back
  process::Returning returning = process::Returning::kDrop;
  process::Alone alone = process::Alone::kWait;
  std::uint64_t alone_steps = 0;
  std::function<CompressorFactory(const Layout& layout)> compressor = {};  // empty: the job has none
};

struct FaultPlan {
  std::uint64_t seed = 0;
  MembershipOptions options;        // its learners are tiny (tiny_learner.h), and come apart as far as a threshold asks
  std::optional<double> threshold;  // that bounds the variance at a check; unset: none does
  std::vector<Fault> faults;        // in the order in which they were drawn
  bool is_slow = false;             // the network
  bool is_saturated = false;        // it takes longer for the messages of a step than the step
  bool is_pulled = false;           // vectors are pulled piece by piece, as only large ones are else
};

// The same for the same seed and job. `job`: of a strategy that tolerates absence (Demands).
FaultPlan plan_of(std::uint64_t seed, const FaultJob& job);

}  // namespace laconic::faults
