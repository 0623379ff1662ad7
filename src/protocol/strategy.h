// A strategy: an algorithm as its paper writes it, for one worker, and for the coordinator where it has one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/archive.h"
#include "base/options.h"
#include "base/step_schedule.h"
#include "comm/comm.h"
#include "compress/compressor.h"
#include "protocol/coordinator.h"
#include "protocol/worker.h"
#include "topology/mixing.h"
#include "topology/schedule.h"

namespace laconic {

// One object a worker and one for the coordinator. All state lives in members, never in a suspended coroutine, so that
// a run between two rounds is what archive() keeps.
//
// At a checkpoint (StrategySetting::checkpoints) the runtime lets all workers come to the end of that round and no
// frame be on its way before it saves. So a round that ends at such a step, which is never the last of the run, leaves
// nobody waiting for this node: until its next round nothing is asked of it. Frames may stay unread in its mailbox
// until then.
class Strategy {
 public:
  virtual ~Strategy() = default;
  // Exactly one local step of `self` and whatever communication follows it.
  virtual Task<void> round(Worker& self) = 0;
  // The coordinator's side; runs until the runtime ends it. By default it serves the collectives.
  //
  // Where it waits for a first frame, without a deadline (Comm::receive_when_idle, gather_when_idle), it is idle: its
  // members, and the number of rounds of its Comm, are what archive() and Comm::archive() keep, and a new object that
  // loaded them and is started there goes on as this one would have. So what begins a round, and lasts, is done after
  // that wait, or once, remembered in a member; and what ends it, arithmetic included, before the last frame that
  // answers.
  virtual Task<void> coordinate(Coordinator& self);
  virtual void archive(Archive& archive) { static_cast<void>(archive); }
};

struct StrategyRow;

// How a loop that is not ours, with a model and an optimiser of its own, can take a strategy's local steps.
enum class LoopDrive {
  kStep,      // a whole step at a time: the strategy does not look at gradients
  kGradient,  // in two halves: the strategy changes the gradient before the optimiser takes it
  kNone,      // not at all: the strategy has to know the optimiser, or what an epoch is, or takes others' steps
};

// What all nodes of a job know before the first step.
struct StrategySetting {
  std::size_t dimension = 0;  // d
  Layout layout = {};         // of the d elements: the model's tensors
  int world_size = 0;         // K
  std::uint64_t seed = 0;
  std::uint64_t steps = 0;       // local steps of each worker
  double steps_per_epoch = 0.0;  // in which all workers together see every training sample once; 0: not known
  Seconds step_time = {};        // what a step of the slowest worker takes, about; 0: not known
  Seconds exchange_time = {};    // what a small exchange of all workers takes, about
  // Steps after which the runtime drains all nodes, and saves them.
  StepSchedule checkpoints = {};
  Collective collective = Collective::kStar;
  std::vector<float> start = {};            // the common first parameters, d elements
  std::vector<std::uint64_t> samples = {};  // training samples of each worker, K elements
  // The mixing weights of the job's graph, of K nodes, or one for each group; for rows that need a graph.
  std::shared_ptr<const MixingMatrix> mixing = {};
  // The directed links of every round, of K nodes; for rows that need links.
  std::shared_ptr<const LinkSchedule> links = {};
  // Makes operators for vectors of d elements; for rows that compress, or may; else, or where models travel whole,
  // empty.
  CompressorFactory compressor = {};
  // For rows with groups: the row that runs between them, and its options.
  const StrategyRow* between = nullptr;
  Options between_options = {};

  // How many checkpoints there are: the last step is none.
  std::uint64_t drains() const { return steps == 0 ? 0 : checkpoints.count({steps - 1}); }
};

// Makes one node's strategy after another; what nodes of a process can share is made once and held by the factory.
using StrategyFactory = std::function<std::unique_ptr<Strategy>()>;

// The payload bytes of a strategy by its formula, over all nodes, each frame counted once. A run of `steps` steps a
// worker and `syncs` synchronisations sends steps * per_step + syncs * per_sync + per_run of each kind.
struct TrafficFormula {
  std::array<std::uint64_t, kTrafficKinds> per_step{};
  std::array<std::uint64_t, kTrafficKinds> per_sync{};
  std::array<std::uint64_t, kTrafficKinds> per_run{};  // of a whole run of StrategySetting::steps
  // Steps from one synchronisation to the next; 0 when the data decide or there are none.
  std::uint64_t steps_per_sync = 0;
  // Where the data decide: the fewest and the most synchronisations that a run can have; most unset: one a step.
  std::uint64_t fewest_syncs = 0;
  std::optional<std::uint64_t> most_syncs = {};
  std::uint64_t steps_per_check = 0;  // of a worker, from one look at the data to the next; 0: as most_syncs says
  // Whether the size of messages depends on what is in them, or their number on the round: the formula is then that of
  // Gaussian vectors and of the mean round.
  bool depends_on_values = false;

  std::uint64_t& step(Traffic traffic) { return per_step[static_cast<std::size_t>(traffic)]; }
  std::uint64_t& sync(Traffic traffic) { return per_sync[static_cast<std::size_t>(traffic)]; }
  std::uint64_t& run(Traffic traffic) { return per_run[static_cast<std::size_t>(traffic)]; }
};

// One row of the registry. The command line, the help, the docs and the conformance tests follow from it.
struct StrategyRow {
  std::string_view name;
  std::string_view help;
  std::string_view source;  // paper and algorithm
  std::span<const OptionSpec> options = {};
  // Throws UsageError for options that do not go together; unset: all do.
  void (*check)(const Options& options) = nullptr;
  // Needs the coordinator also where collectives do not.
  bool needs_coordinator = false;
  // Has no meaning with more than one worker.
  bool single_worker = false;
  // Never sends anything.
  bool silent = false;
  // Talks with the neighbours on an undirected graph, whose mixing weights it needs, and through no collective.
  bool needs_graph = false;
  // Sends over directed links, which may change from round to round: StrategySetting::links.
  bool needs_links = false;
  // Has a momentum of its own, made of what the plain gradient step (sgd without momentum) does to the model.
  bool brings_momentum = false;
  // Sends what a compression operator makes of a vector.
  bool compresses = false;
  // Sends whole models, or compressed differences where the job has a compressor.
  bool may_compress = false;
  // The number of groups of workers that StrategySetting::between sees as its nodes; unset: the row needs none. Throws
  // UsageError when so many workers do not make them.
  std::uint32_t (*groups)(const Options& options, std::uint32_t workers) = nullptr;
  // Whether a round changes the model before its local step begins; unset: never.
  bool (*moves_first)(const Options& options) = nullptr;
  // Of one that gossips: whether it also uses collectives; unset: never.
  bool (*also_reduces)(const Options& options) = nullptr;
  // Of one that does more than gossip: the row, of the same options, that is its gossip alone.
  const StrategyRow* gossip_alone = nullptr;
  // Whether it goes on, without waiting for ever, where the network loses frames or brings them twice; unset: never.
  bool (*tolerates_loss)(const Options& options) = nullptr;
  // Whether its gossip brings models together where nobody trains; unset: yes.
  bool (*gossip_moves_alone)(const Options& options) = nullptr;
  // Whether gossip with a lossy operator comes as near to the average as its gamma is small, and no nearer; unset: no.
  bool (*stops_at_floor)(const Options& options) = nullptr;
  // Whether what counts comes at the end of all steps, so that a run must not end before; unset: no.
  bool (*ends_with_a_merge)(const Options& options) = nullptr;
  // Of one over directed links: whether these have to be the same in each round.
  bool links_stay = false;
  // Vectors of d float32 that a worker keeps from round to round beside its model.
  int vectors = 0;
  // Whether it keeps one more for each neighbour on the graph (two for each link); unset: no.
  bool (*one_for_each_neighbor)(const Options& options) = nullptr;
  // Whether it talks with neighbours, on a graph or over links.
  bool gossips() const { return needs_graph || needs_links; }
  bool moves_alone(const Options& options) const {
    return gossip_moves_alone == nullptr || gossip_moves_alone(options);
  }
  // Whether it uses the job's collectives.
  bool reduces(const Options& options) const {
    return gossips() ? also_reduces != nullptr && also_reduces(options) : !silent;
  }
  LoopDrive drive = LoopDrive::kStep;
  StrategyFactory (*make)(const Options& options, const StrategySetting& setting);
  TrafficFormula (*traffic)(const Options& options, const StrategySetting& setting);
};

}  // namespace laconic
