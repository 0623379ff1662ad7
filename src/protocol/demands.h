// What a strategy needs: of the job, of the runtime that drives it, of the network, and what may be expected of it.
//
// Demands follow from a strategy's options alone (StrategyRow::demands), before there is a model, a graph or a node. All
// that has to know something about a strategy asks for them: which sections its job has, whether there is a node for
// the coordinator, how much memory a plan counts, what the docs say, and which tests hold for it.
#pragma once

#include "comm/comm.h"

namespace laconic {

// With whom a worker talks.
enum class Talks {
  kNobody,       // it never sends anything
  kCollectives,  // with all workers, by the job's collective: through the coordinator, or along a ring
  kCoordinator,  // with the coordinator, whatever the job's collective
  kGraph,        // with its neighbours on an undirected graph, by mixing weights (StrategySetting::mixing)
  kLinks,        // over directed links, which may change from round to round (StrategySetting::links)
};

// Whether it sends what a compression operator makes of a vector (StrategySetting::compressor).
enum class Compression {
  kNever,
  kOptional,  // compressed changes where the job has an operator, whole models where it has none
  kRequired,
};

// What its local step may be.
enum class LocalStep {
  kAnyOptimizer,
  kPlainGradient,  // sgd without momentum: the strategy makes a momentum of its own from what that step does
};

// What frames that the network loses, or brings twice, do to a run.
enum class FaultTolerance {
  kNone,     // somebody waits for each frame, and gives up with an error that names who did not send it
  kPartial,  // the same, but what is told again later, or done without, is waited for by nobody
  kFull,     // nobody waits for ever, whatever is lost or repeated
};

// What a worker keeps that was away: what it has learnt beside the common model that it left with, r_old, added to the
// common one now, r; or its model as it is.
enum class Kept {
  kDrift,  // w := r + (w - r_old)
  kModel,  // w := w
};

// Where what all who are present have in common is from round to round.
enum class CommonPlace {
  kCoordinator,  // it follows what workers do (Strategy::archive_common)
  kMembers,  // each has it in its learner, optimiser state included, and a worker that joins gets it from one of them
};

// What a run depends on, beside its options, its data and its seed.
enum class Timing {
  kLockStep,      // on nothing: whoever needs a frame waits for it, and time decides nothing
  kTimed,         // on time too: workers wait for each other, but when they exchange follows from clocks or arrivals
  kAsynchronous,  // on time too: nobody waits for others, and frames may be on their way when the run ends
};

// How a loop that is not ours, with a model and an optimiser of its own, can take its local steps.
enum class LoopDrive {
  kStep,      // a whole step at a time: the strategy does not look at gradients
  kGradient,  // in two halves: the strategy changes the gradient before the optimiser takes it
  kNone,      // not at all: the strategy has to know the optimiser, or what an epoch is, or takes others' steps
};

// Of a strategy that talks with neighbours, on a graph or over links.
struct GossipTraits {
  bool also_collectives = false;   // now and then it uses the job's collective too
  bool moves_before_step = false;  // a round changes the model before its local step begins
  bool mixes_untrained = true;     // it brings models together where nobody trains
  bool stops_at_floor = false;     // with a lossy operator it comes as near to the average as its gamma is small
  bool fixed_links = false;        // over directed links: these have to be the same in each round
};

// What a worker keeps from round to round beside its model.
struct StrategyMemory {
  int vectors = 0;            // of the model's size
  bool per_neighbor = false;  // and one more for each neighbour on the graph, or two for each link
};

struct Demands {
  Talks talks = Talks::kCollectives;
  Compression compression = Compression::kNever;
  LocalStep local_step = LocalStep::kAnyOptimizer;
  bool single_worker = false;    // it means nothing with more than one worker
  bool needs_all_steps = false;  // what counts comes after the last step, so a run must not end before it
  GossipTraits gossip = {};
  StrategyMemory memory = {};
  FaultTolerance fault_tolerance = FaultTolerance::kNone;
  // Whether a run goes on while workers are absent, through the coordinator (StrategySetting::comes_and_goes).
  bool tolerates_absence = false;
  // Of one that does: whether what all have in common after an average is the mean itself, to the bit; and what a worker
  // that was away keeps, where the job says that it keeps something.
  bool common_is_mean = false;
  Kept kept = Kept::kDrift;
  CommonPlace common_at = CommonPlace::kCoordinator;
  Timing timing = Timing::kLockStep;
  LoopDrive drive = LoopDrive::kStep;

  bool sends() const { return talks != Talks::kNobody; }
  bool gossips() const { return talks == Talks::kGraph || talks == Talks::kLinks; }
  // Whether the coordinator, which takes no steps, sends compressed messages too where the job compresses.
  bool coordinator_compresses() const {
    return compression != Compression::kNever && (talks == Talks::kCollectives || talks == Talks::kCoordinator);
  }
  // Whether it uses the job's collective.
  bool uses_collectives() const { return talks == Talks::kCollectives || gossip.also_collectives; }
  // Whether a run goes on over a network that loses and repeats frames.
  bool tolerates_faults() const { return !sends() || fault_tolerance == FaultTolerance::kFull; }
};

// Whether a job of such a strategy has a node for the coordinator: where the strategy talks with it, and where the
// collective that it uses goes through it.
bool needs_coordinator_node(const Demands& demands, Collective collective);

}  // namespace laconic
