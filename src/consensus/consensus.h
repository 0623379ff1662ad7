// Gossip alone: n nodes, each with a vector of its own, come to the average of all by the messages of a strategy.
//
// The strategy and the simulator are those of training; only the learner differs: it takes no step. The models begin at
// the common start 0, as every job's do, and a worker's first local step takes it to its vector; all later steps leave
// it where it is. With the order adapt-then-combine a round is then one round of CHOCO-GOSSIP from x_i = the vector and
// xhat_i = 0 (Koloskova et al. 2019, algorithm 1). Every frame is real, and its header counts.
//
//   e_t = sum_i ||x_i - xbar||^2    after t rounds, xbar the average of the vectors at the start, in double
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/layout.h"
#include "base/units.h"
#include "compress/compressor.h"
#include "protocol/strategy.h"
#include "runtimes/sim/network_model.h"
#include "topology/mixing.h"
#include "topology/schedule.h"

namespace laconic {

// Who gossips, how, and on which network.
struct ConsensusSetting {
  const StrategyRow* strategy = nullptr;            // one that gossips
  Options options;                                  // of the strategy
  std::shared_ptr<const MixingMatrix> mixing = {};  // for a strategy that needs a graph
  std::shared_ptr<const LinkSchedule> links = {};   // for one that needs links
  CompressorFactory compressor = {};                // for vectors of `layout`; for strategies that compress
  Layout layout;                                    // how a vector is cut into tensors
  std::uint64_t seed = 1;                           // of what the operator draws
  sim::NetworkOptions network = unlimited_network();
  int compute_threads = 0;  // as in sim::SimulationOptions: changes speed only

  Demands demands() const { return strategy->demands(options); }
  std::size_t nodes() const { return mixing != nullptr ? mixing->nodes() : links->nodes(); }
  static sim::NetworkOptions unlimited_network();
};

// One vector a node, of equal sizes.
using NodeVectors = std::vector<std::vector<float>>;
// Standard normal, independent.
NodeVectors normal_vectors(std::size_t nodes, std::size_t dimension, std::uint64_t seed);

struct ConsensusRecord {
  std::uint64_t round = 0;
  double error = 1.0;  // e_t / e_0
  Bytes payload = {};  // sent by all nodes until the last of them ended the round
  Bytes framed = {};   // the same with headers
  Seconds time = {};   // of the simulated clock, then
};

struct ConsensusRun {
  enum class End {
    kTarget,    // the error asked for was reached
    kRounds,    // the rounds allowed were done
    kDiverged,  // e_t > kDiverged e_0, or no number
    kStopped,   // by ConsensusLimits::stop
  };
  static constexpr double kDiverged = 1e6;
  End end = End::kRounds;
  double start_error = 0.0;              // e_0
  std::vector<ConsensusRecord> records;  // ascending, of round 0 first
  std::uint64_t trace_hash = 0;          // of the simulation, unless stopped at a place that depends on nothing else

  const ConsensusRecord& last() const { return records.back(); }
};

struct ConsensusLimits {
  std::uint64_t rounds = 100'000;
  double target = 0.0;  // e_t / e_0 at which to end; 0: none
  // Asked at every record; true ends the run.
  std::function<bool(const ConsensusRun&)> stop = {};
  // Whether the run is to end now, asked often.
  std::function<bool()> interrupted = {};
};

// Errors are recorded after every round up to kEveryRound, then at distances of a kEveryRound-th of the round, so that
// they cost little: log e_t is close to a line in between.
inline constexpr std::uint64_t kEveryRound = 64;

// Throws UsageError for vectors that agree already or are not as many as the graph has nodes, and for a strategy that
// does not gossip; RunError for vectors that the operator cannot send.
ConsensusRun run_consensus(const ConsensusSetting& setting, const NodeVectors& vectors, const ConsensusLimits& limits);

// The options of a strategy for gossip alone: those of its table that `given` leaves out are as the row has them there
// (StrategyRow::alone_options), else the job's defaults. The rows let gossip come after the step and copies begin at 0,
// as the papers on gossip do; hold a copy of each neighbour, since errors far below those of training count; and guard
// nothing, since here divergence is seen.
Options consensus_options(const StrategyRow& row, std::map<std::string, GivenOption> given);

}  // namespace laconic
