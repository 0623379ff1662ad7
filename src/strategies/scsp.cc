// Skew-Compensated Sparse-Push: Sparse-Push whose models are merged, for data that differ between nodes (Aketi, Singh,
// Rabaey 2021; reconstructed, as two independent texts tell it: sparse training, then a global merge).
//
//   every `every` steps, and before the last `finetune` steps:
//     merge = "all_reduce"   x_i := mean of all x,  y_i := 1
//     merge = "gossip"       `merge_rounds` rounds of push-sum of whole models, without gradients
//
// After a merge nothing is left to tell: e = 0, or, after all_reduce, every copy is the mean. Training goes on as
// before. Invariants: those of Sparse-Push, merges included. Messages: those of Sparse-Push, and those of the merges.
#include "base/error.h"
#include "mechanisms/sparse_push.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

enum class Merge { kNone, kAllReduce, kGossip };

struct ScspOptions {
  SparsePushOptions sparse;
  Merge merge = Merge::kNone;
  std::uint64_t merge_rounds = 0;
  std::uint64_t every = 0;
  std::uint64_t finetune = 0;
  std::uint64_t steps = 0;

  bool merges_after(std::uint64_t steps_taken) const {
    if (merge == Merge::kNone || steps_taken > steps - finetune) return false;
    return steps_taken == steps - finetune || (every > 0 && steps_taken % every == 0);
  }
  std::uint64_t merges() const {
    if (merge == Merge::kNone) return 0;
    const std::uint64_t last = steps - finetune;
    return every == 0 ? 1 : last / every + (last % every == 0 ? 0 : 1);
  }
};

class Scsp final : public Strategy {
 public:
  Scsp(const ScspOptions& options, const StrategySetting& setting)
      : options_(options), sparse_(options.sparse.rounds, setting.links, make_sparse_memory(options.sparse, setting)) {}

  Task<void> round(Worker& self) override {
    co_await sparse_.round(self);
    if (!options_.merges_after(self.step().value)) co_return;
    if (options_.merge == Merge::kAllReduce) {
      co_await sparse_.average(self);
    } else {
      co_await gossip(self);
    }
  }

  Task<void> coordinate(Coordinator& self) override { return sparse_.coordinate(self); }
  void archive(Archive& archive) override { sparse_.archive(archive); }

 private:
  Task<void> gossip(Worker& self) {
    const std::unique_ptr<LinkMemory> whole = make_exact_memory();
    PushSum& sum = sparse_.sum();
    RandomStream random = self.rng("merge");  // of which whole models take nothing
    for (std::uint64_t round = 0; round < options_.merge_rounds; ++round) {
      const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = {round}};
      const std::shared_ptr<const LinkMatrix> links = sparse_.links().at(round);
      const auto receivers = links->receivers(self.rank());
      std::vector<Frame> own;
      if (!receivers.empty()) {
        own = whole->encode(sum.numerators(), {}, 1.0, receivers, random,
                            [&](std::size_t size, const auto& write) { return sum.frame(header, size, write); });
      }
      const std::vector<NeighborFrame> received = co_await exchange_over_links(self.comm(), *links, own, header);
      co_await self.compute([&] { combine_over_links(self, *links, 1.0, own, received, *whole, sum); });
    }
    co_await self.compute([&] {
      sparse_.memory().sent_uncompressed();
      sum.set_model(self, self.step().value - 1);
    });
  }

  ScspOptions options_;
  PushSumStrategy sparse_;
};

const std::vector<OptionSpec> kOptions = {gamma_option("0.01"),
                                          link_order_option(),
                                          memory_option(),
                                          compress_option(),
                                          guard_option(),
                                          account_option(),
                                          {.name = "merge",
                                           .type = OptionType::kChoice,
                                           .default_value = "all_reduce",
                                           .choices = {"none", "all_reduce", "gossip"},
                                           .help = "how the models are merged; all_reduce: exactly, by the job's "
                                                   "collective; gossip: by merge_rounds rounds of push-sum"},
                                          {.name = "merge_rounds",
                                           .type = OptionType::kInteger,
                                           .default_value = "51",
                                           .minimum = 1,
                                           .maximum = 100000,
                                           .help = "with merge = \"gossip\": rounds per merge"},
                                          {.name = "every",
                                           .type = OptionType::kInteger,
                                           .default_value = "0",
                                           .minimum = 0,
                                           .maximum = 1e15,
                                           .help = "steps between two merges; 0: one merge, at the end"},
                                          {.name = "finetune",
                                           .type = OptionType::kInteger,
                                           .default_value = "0",
                                           .minimum = 0,
                                           .maximum = 1e15,
                                           .help = "steps of training after the last merge"}};

constexpr std::uint64_t kDefaultMergeRounds = 51;

ScspOptions read(const Options& options, const StrategySetting& setting) {
  ScspOptions result;
  result.sparse = read_sparse_push_options(options);
  const std::string merge(options.text("merge"));
  result.merge = merge == "none" ? Merge::kNone : merge == "gossip" ? Merge::kGossip : Merge::kAllReduce;
  result.merge_rounds = options.integer("merge_rounds");
  result.every = options.integer("every");
  result.finetune = options.integer("finetune");
  result.steps = setting.steps;
  if (result.sparse.rounds.order == LinkOrder::kAsynchronous && result.merge != Merge::kNone) {
    throw UsageError(options.place(options.given("merge") ? "merge" : "order") +
                     ": a merge waits for everybody, which order = \"asynchronous\" does not; set merge = \"none\", or "
                     "another order");
  }
  if (result.merge == Merge::kNone) {
    for (const char* key : {"every", "finetune"}) {
      if (options.integer(key) != 0)
        throw UsageError(options.place(key) + ": means nothing with merge = \"none\"; remove it");
    }
  }
  if (result.merge != Merge::kGossip && result.merge_rounds != kDefaultMergeRounds) {
    throw UsageError(options.place("merge_rounds") + ": means something with merge = \"gossip\" only; remove it");
  }
  if (result.every > result.steps - std::min(result.steps, result.finetune) && result.every > 0) {
    throw UsageError(options.place("every") + ": the run's " + std::to_string(result.steps) +
                     " steps, less finetune, are over before the first " + std::to_string(result.every) +
                     "; make it smaller, or 0 for one merge at the end");
  }
  if (result.finetune >= result.steps && result.finetune > 0) {
    throw UsageError(options.place("finetune") + ": " + std::to_string(result.finetune) + " of the run's " +
                     std::to_string(result.steps) + " steps; leave some before the merge");
  }
  return result;
}

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const ScspOptions scsp = read(options, setting);
  require_links_for_updates(options, *setting.links);
  const auto shared = std::make_shared<const StrategySetting>(setting);
  return [=] { return std::make_unique<Scsp>(scsp, *shared); };
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  const ScspOptions scsp = read(options, setting);
  TrafficFormula formula = sparse_push_traffic(scsp.sparse, setting);
  if (scsp.merge == Merge::kAllReduce) {
    formula.run(Traffic::kModel) =
        scsp.merges() * all_reduce_payload(setting.collective, setting.world_size, setting.dimension).value;
  } else if (scsp.merge == Merge::kGossip) {
    std::uint64_t links = 0;
    for (std::uint64_t round = 0; round < scsp.merge_rounds; ++round) links += setting.links->at(round)->links();
    formula.run(Traffic::kModel) =
        scsp.merges() * links * (PushSum::kPayloadOverhead + setting.dimension * sizeof(float));
  }
  return formula;
}

Demands demands(const Options& options) {
  Demands demands = sparse_push_demands(options);
  demands.gossip.also_collectives = options.text("merge") == "all_reduce";
  demands.needs_all_steps = options.text("merge") != "none" && options.integer("every") == 0;
  return demands;
}

const std::vector<Variant> kVariants = {
    {.name = "every_7", .options = {{"every", "7"}}},
    {.name = "finetune", .options = {{"every", "7"}, {"finetune", "10"}}},
    {.name = "gossip", .options = {{"merge", "gossip"}, {"merge_rounds", "5"}, {"finetune", "10"}}},
    {.name = "difference", .options = {{"memory", "difference"}, {"finetune", "10"}}},
    {.name = "asynchronous",
     .options = {{"merge", "none"}, {"order", "asynchronous"}},
     .payload = Variant::Payload::kNoneOf}};

}  // namespace

extern const StrategyRow kScsp, kSparsePush;
const StrategyRow kScsp = {.name = "scsp",
                           .help = "Sparse-Push with merges of the models, for data that differ between workers",
                           .source = "Aketi et al. 2021 (Skew-Compensated Sparse-Push), reconstructed",
                           .options = kOptions,
                           .demands = demands,
                           .variants = kVariants,
                           .gossip_alone = &kSparsePush,
                           .make = make,
                           .traffic = traffic};

}  // namespace laconic
