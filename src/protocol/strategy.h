// A strategy: an algorithm as its paper writes it, for one worker, and for the coordinator where it has one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/archive.h"
#include "base/options.h"
#include "base/step_schedule.h"
#include "comm/comm.h"
#include "compress/compressor.h"
#include "protocol/coordinator.h"
#include "protocol/demands.h"
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

  // For strategies whose workers may come and go (Demands::tolerates_absence), where the job says that they do
  // (StrategySetting::comes_and_goes): what all who are present have in common between two rounds, saved of the
  // coordinator's object and loaded into that of a worker that joins; and the model in it, d elements, that a worker
  // begins with.
  virtual void archive_common(Archive& archive);
  virtual std::span<const float> common_model() const;
};

struct Spectrum;
struct StrategyRow;

// What all nodes of a job know before the first step.
struct StrategySetting {
  std::size_t dimension = 0;  // d
  Layout layout = {};         // of the d elements: the model's tensors
  std::size_t trained = 0;    // of them, the first that steps train: Learner::trained_size(), the same of all
  int world_size = 0;         // K
  std::uint64_t seed = 0;
  std::uint64_t steps = 0;       // local steps of each worker
  double steps_per_epoch = 0.0;  // in which all workers together see every training sample once; 0: not known
  Seconds step_time = {};        // what a step of the slowest worker takes, about; 0: not known
  Seconds exchange_time = {};    // what a small exchange of all workers takes, about
  // Steps after which the runtime drains all nodes, and saves them.
  StepSchedule checkpoints = {};
  Collective collective = Collective::kStar;
  bool comes_and_goes = false;              // workers may be absent for a while
  std::vector<float> start = {};            // the common first parameters, d elements
  std::vector<std::uint64_t> samples = {};  // training samples of each worker, K elements
  // The mixing weights of the job's graph, of K nodes, or one for each group; for Talks::kGraph.
  std::shared_ptr<const MixingMatrix> mixing = {};
  // The directed links of every round, of K nodes; for Talks::kLinks.
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

// The text of one option, as a job file has it.
struct OptionText {
  std::string_view name;
  std::string_view text;
};

// One way to set a strategy's options. A row declares those that differ in what travels, in who waits for whom or in
// what they demand: the conformance tests run each, and help and docs learn from them what options can bring about.
struct Variant {
  // How much of what a run sends its TrafficFormula tells; all but kAll only of a formula that depends_on_values.
  enum class Payload {
    kAll,     // every byte, given the number of synchronisations
    kModels,  // every byte of models; how often states and votes travel the data decide
    kAtMost,  // no more than when a synchronisation follows every step: a worker may stay silent
    kNoneOf,  // time decides
  };
  // What the strategy makes of a single worker.
  enum class Alone {
    kSerial,        // plain training, to the bit
    kNearlySerial,  // plain training, but for rounding
    kOther,
  };
  std::string_view name = {};  // letters, digits and underscores; empty: the plain one
  std::vector<OptionText> options = {};
  Payload payload = Payload::kAll;
  Alone alone = Alone::kSerial;
};

// An option of gossip alone, where nobody trains (consensus/): what it is there, or what a job says where its gamma is
// tuned.
struct GossipAloneOption {
  std::string_view name;
  std::string_view text;
  bool job_decides = false;
};

// What a paper proves of gossip alone: the step size, and the factor by which the squared error falls each round.
struct GossipProof {
  double gamma = 0.0;
  double factor = 1.0;
};

// One row of the registry. The command line, the help, the docs and the conformance tests follow from it.
struct StrategyRow {
  std::string_view name;
  std::string_view help;
  std::string_view source;     // paper and algorithm
  std::string_view file = {};  // in src/strategies, where it is not NAME.cc
  std::span<const OptionSpec> options = {};
  // Throws UsageError for options that do not go together; unset: all do.
  void (*check)(const Options& options) = nullptr;
  // A pure function of the options, which need not go together. Options that must be given decide nothing.
  Demands (*demands)(const Options& options);
  // Unset: there is only the plain one, of the defaults.
  std::span<const Variant> variants = {};
  // The number of groups of workers that StrategySetting::between sees as its nodes; unset: the row needs none. Throws
  // UsageError when so many workers do not make them.
  std::uint32_t (*groups)(const Options& options, std::uint32_t workers) = nullptr;
  // Of one that does more than gossip: the row that is its gossip alone, which has its options of the same names.
  const StrategyRow* gossip_alone = nullptr;
  // Of one that gossips: its options where nobody trains.
  std::span<const GossipAloneOption> alone_options = {};
  // Of one that gossips, where something is proved: on a graph of that spectrum, with an operator of quality omega.
  GossipProof (*proof)(const Spectrum& spectrum, double omega) = nullptr;
  // The bytes of a run of whole models by its paper's own formula; unset, or nothing: the paper has none for this.
  std::optional<double> (*paper_bytes)(const Options& options, const StrategySetting& setting, std::uint64_t steps,
                                       std::uint64_t syncs) = nullptr;
  StrategyFactory (*make)(const Options& options, const StrategySetting& setting);
  TrafficFormula (*traffic)(const Options& options, const StrategySetting& setting);
};

// The demands of a row whose options are not known: each has its default.
Demands default_demands(const StrategyRow& row);

// The options of a variant, the others at their defaults. `where` names them in errors.
Options options_of(const StrategyRow& row, const Variant& variant, std::string_view where);

// All variants of a row: the plain one where it declares none.
std::span<const Variant> variants_of(const StrategyRow& row);

// The first variant whose demands satisfy `holds`; null where none does. So one asks whether a row can meet a demand,
// and by which options.
const Variant* variant_where(const StrategyRow& row, bool (*holds)(const Demands& demands));
// What a person writes to have it: `strategy.order = "asynchronous"`.
std::string text_of(const StrategyRow& row, const Variant& variant, std::string_view section);

// An option that was given and keeps `holds` from being true: with its default it is. Null where no single one does.
const OptionSpec* option_against(const StrategyRow& row, const Options& options, bool (*holds)(const Demands& demands));

}  // namespace laconic
