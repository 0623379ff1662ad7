// What each row of the registry demands, against what is written here by hand.
#include "protocol/demands.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "mechanisms/budget.h"
#include "mechanisms/gossip.h"
#include "run.h"
#include "strategies/registry.h"

namespace laconic::tests {
namespace {

// "links and all, compresses, 3 vectors, asynchronous": what is not said is as in a plain Demands.
std::string words(const Demands& demands) {
  std::string text;
  const auto add = [&](bool holds, const std::string& word) {
    if (holds) text += (text.empty() ? "" : ", ") + word;
  };
  add(demands.talks == Talks::kNobody, "nobody");
  add(demands.talks == Talks::kCollectives, "all");
  add(demands.talks == Talks::kCoordinator, "coordinator");
  add(demands.talks == Talks::kGraph, "graph");
  add(demands.talks == Talks::kLinks, "links");
  if (demands.gossip.also_collectives) text += " and all";
  add(demands.compression == Compression::kOptional, "may compress");
  add(demands.compression == Compression::kRequired, "compresses");
  add(demands.local_step == LocalStep::kPlainGradient, "plain gradient");
  add(demands.single_worker, "one worker");
  add(demands.needs_all_steps, "all steps");
  add(demands.gossip.moves_before_step, "moves before its step");
  add(!demands.gossip.mixes_untrained, "mixes training alone");
  add(demands.gossip.stops_at_floor, "floor");
  add(demands.gossip.fixed_links, "fixed links");
  add(demands.memory.vectors > 0, std::to_string(demands.memory.vectors) + " kept");
  add(demands.memory.per_neighbor, "more for each neighbour");
  add(demands.fault_tolerance == FaultTolerance::kPartial, "some losses");
  add(demands.fault_tolerance == FaultTolerance::kFull, "any loss");
  add(demands.timing == Timing::kTimed, "timed");
  add(demands.timing == Timing::kAsynchronous, "asynchronous");
  add(demands.drive == LoopDrive::kGradient, "own loop by halves");
  add(demands.drive == LoopDrive::kNone, "no own loop");
  return text;
}

struct Statement {
  std::string strategy;
  std::map<std::string, std::string> options;
  std::string demands;
};

const std::vector<Statement> kStatements = {
    {"fda", {{"threshold", "1"}}, "all, may compress"},
    {"fda", {{"threshold", "1"}, {"monitor", "sketch"}}, "all, may compress"},
    {"fda", {{"threshold", "1"}, {"screen", "lock-step"}}, "all, may compress"},
    {"fda", {{"threshold", "1"}, {"decide_late", "true"}}, "all, may compress"},
    {"fda", {{"threshold", "1"}, {"screen", "late"}}, "all, may compress, some losses, timed"},
    {"fda", {{"budget", "2 kB/step"}}, "all, may compress, timed"},
    {"fda",
     {{"threshold", "1"}, {"clock", "asynchronous"}},
     "coordinator, may compress, 2 kept, some losses, asynchronous"},
    {"fda_opt", {}, "all, may compress, 4 kept, no own loop"},
    {"dma", {{"threshold", "1"}}, "coordinator, may compress, 1 kept, some losses"},
    {"dma", {{"budget", "2 kB/step"}}, "coordinator, may compress, 1 kept, some losses, timed"},
    {"dma",
     {{"threshold", "1"}, {"clock", "asynchronous"}},
     "coordinator, may compress, 1 kept, some losses, asynchronous"},
    {"synchronous", {}, "all, may compress"},
    {"periodic", {}, "all, may compress"},
    {"fedavg", {}, "coordinator, may compress"},
    {"fedopt", {}, "all, may compress, 3 kept"},
    {"fedopt", {{"server", "adam"}}, "all, may compress, 3 kept"},
    {"all_reduce", {}, "all, own loop by halves"},
    {"d_psgd", {}, "graph"},
    {"d_psgd", {{"order", "adapt-then-combine"}}, "graph"},
    {"d_psgd", {{"finish", "average"}}, "graph and all, all steps"},
    {"qg_dsgdm", {}, "graph, plain gradient, 2 kept, no own loop"},
    {"qg_dsgdm", {{"momentum", "0"}}, "graph, plain gradient, 2 kept, no own loop"},
    {"qg_dsgdm", {{"finish", "average"}}, "graph and all, plain gradient, all steps, 2 kept, no own loop"},
    {"power_gossip", {}, "graph"},
    {"power_gossip", {{"finish", "average"}}, "graph and all, all steps"},
    {"choco", {}, "graph, compresses, moves before its step, 3 kept"},
    {"choco", {{"order", "adapt-then-combine"}}, "graph, compresses, 3 kept"},
    {"choco", {{"replicas", "each"}}, "graph, compresses, moves before its step, 3 kept, more for each neighbour"},
    {"choco", {{"trigger", "0.5"}}, "graph, compresses, moves before its step, floor, 3 kept"},
    {"choco", {{"finish", "average"}}, "graph and all, compresses, all steps, moves before its step, 3 kept"},
    {"dcd_psgd", {}, "graph, compresses, 3 kept"},
    {"dcd_psgd", {{"finish", "average"}}, "graph and all, compresses, all steps, 3 kept"},
    {"ecd_psgd", {}, "graph, compresses, 4 kept"},
    {"ecd_psgd", {{"finish", "average"}}, "graph and all, compresses, all steps, 4 kept"},
    {"deep_squeeze", {}, "graph, compresses, floor, 1 kept"},
    {"deep_squeeze", {{"finish", "average"}}, "graph and all, compresses, all steps, floor, 1 kept"},
    {"sgp", {}, "links, 1 kept"},
    {"sgp", {{"order", "overlap"}}, "links, 1 kept"},
    {"sgp", {{"order", "asynchronous"}}, "links, 1 kept, any loss, asynchronous"},
    {"sgp", {{"finish", "average"}}, "links and all, all steps, 1 kept"},
    {"sparse_push", {}, "links, compresses, floor, 3 kept"},
    {"sparse_push", {{"finish", "average"}}, "links and all, compresses, all steps, floor, 3 kept"},
    {"sparse_push", {{"compress", "update"}}, "links, compresses, mixes training alone, floor, 3 kept"},
    {"sparse_push", {{"memory", "difference"}}, "links, compresses, 3 kept, more for each neighbour"},
    {"sparse_push", {{"order", "asynchronous"}}, "links, compresses, floor, 3 kept, any loss, asynchronous"},
    {"scsp", {}, "links and all, compresses, all steps, floor, 3 kept"},
    {"scsp", {{"every", "5"}}, "links and all, compresses, floor, 3 kept"},
    {"scsp", {{"merge", "gossip"}}, "links, compresses, all steps, floor, 3 kept"},
    {"scsp", {{"merge", "none"}}, "links, compresses, floor, 3 kept"},
    {"scsp",
     {{"merge", "none"}, {"order", "asynchronous"}},
     "links, compresses, floor, 3 kept, any loss, asynchronous"},
    {"scsp", {{"memory", "difference"}}, "links and all, compresses, all steps, 3 kept, more for each neighbour"},
    {"quantized_push_sum", {}, "links, compresses, fixed links, 4 kept, more for each neighbour"},
    {"quantized_push_sum",
     {{"finish", "average"}},
     "links and all, compresses, all steps, fixed links, 4 kept, more for each neighbour"},
    {"relay", {}, "links, may compress, 2 kept"},
    {"hierarchical", {{"groups", "2"}}, "graph, no own loop"},
    {"local", {}, "nobody"},
    {"serial", {}, "nobody, one worker"},
};

TEST(Demands, OfEachRowAreWhatIsStatedHere) {
  for (const Statement& statement : kStatements) {
    const StrategyRow& row = find_strategy(statement.strategy);
    EXPECT_EQ(words(row.demands(strategy_options(row.name, statement.options))), statement.demands) << row.name;
  }
}

TEST(Demands, AreStatedForEachRowAndForWhateverItsVariantsDemand) {
  for (const StrategyRow* row : strategies()) {
    std::set<std::string> stated;
    for (const Statement& statement : kStatements) {
      if (statement.strategy == row->name) stated.insert(statement.demands);
    }
    EXPECT_FALSE(stated.empty()) << row->name;
    for (const Variant& variant : variants_of(*row)) {
      EXPECT_TRUE(stated.contains(words(row->demands(options_of(*row, variant, "test")))))
          << row->name << " " << variant.name;
    }
  }
}

TEST(Demands, OfARowWhoseOptionsAreNotKnownAreThoseOfTheDefaults) {
  EXPECT_EQ(words(default_demands(find_strategy("scsp"))), "links and all, compresses, all steps, floor, 3 kept");
  EXPECT_EQ(words(default_demands(find_strategy("hierarchical"))), "graph, no own loop")
      << "whose groups must be given";
  for (const StrategyRow* row : strategies()) EXPECT_NO_THROW(default_demands(*row)) << row->name;
}

TEST(Variants, HaveNamesOfTheirOwnAndOptionsThatGoTogether) {
  for (const StrategyRow* row : strategies()) {
    std::set<std::string_view> names;
    for (const Variant& variant : variants_of(*row)) {
      EXPECT_TRUE(names.insert(variant.name).second) << row->name << " " << variant.name;
      const Options options = options_of(*row, variant, "test");
      if (row->check == nullptr) continue;
      EXPECT_NO_THROW(row->check(options)) << row->name << " " << variant.name;
    }
  }
}

TEST(Variants, SayByWhichOptionsARowMeetsADemand) {
  const auto text = [](const char* strategy, bool (*holds)(const Demands&)) -> std::string {
    const StrategyRow& row = find_strategy(strategy);
    const Variant* variant = variant_where(row, holds);
    return variant == nullptr ? "never" : text_of(row, *variant, "strategy");
  };
  const auto tolerates = [](const Demands& demands) { return demands.tolerates_faults(); };
  EXPECT_EQ(text("sgp", tolerates), "strategy.order = \"asynchronous\"");
  EXPECT_EQ(text("scsp", tolerates), "strategy.merge = \"none\" and strategy.order = \"asynchronous\"");
  EXPECT_EQ(text("choco", tolerates), "never");
  EXPECT_EQ(text("scsp", [](const Demands& demands) { return !demands.needs_all_steps; }), "strategy.every = 7");
}

TEST(Variants, AnOptionAgainstADemandIsTheOneWhoseDefaultMeetsIt) {
  const auto mixes = [](const Demands& demands) { return demands.gossip.mixes_untrained; };
  const auto against = [&](const std::map<std::string, std::string>& options) -> std::string {
    const StrategyRow& row = find_strategy("sparse_push");
    const OptionSpec* option = option_against(row, strategy_options(row.name, options), mixes);
    return option == nullptr ? "none" : std::string(option->name);
  };
  EXPECT_EQ(against({{"gamma", "0.3"}, {"compress", "update"}}), "compress");
  const auto never = [](const Demands&) { return false; };
  const StrategyRow& row = find_strategy("sparse_push");
  EXPECT_EQ(option_against(row, strategy_options(row.name, {{"compress", "update"}}), never), nullptr);
}

TEST(Demands, ANodeForTheCoordinatorIsThereForWhoTalksWithItAndForTheStar) {
  struct Line {
    Talks talks;
    bool also_collectives;
    bool with_star;
    bool with_ring;
  };
  for (const Line& line : {Line{Talks::kNobody, false, false, false}, Line{Talks::kCollectives, false, true, false},
                           Line{Talks::kCoordinator, false, true, true}, Line{Talks::kGraph, false, false, false},
                           Line{Talks::kGraph, true, true, false}, Line{Talks::kLinks, false, false, false},
                           Line{Talks::kLinks, true, true, false}}) {
    Demands demands{.talks = line.talks};
    demands.gossip.also_collectives = line.also_collectives;
    EXPECT_EQ(needs_coordinator_node(demands, Collective::kStar), line.with_star) << words(demands);
    EXPECT_EQ(needs_coordinator_node(demands, Collective::kRing), line.with_ring) << words(demands);
  }
}

TEST(Gamma, IsAnOptionOfTheseStrategies) {
  std::set<std::string_view> names;
  for (const StrategyRow* row : strategies()) {
    if (has_gamma(*row)) names.insert(row->name);
  }
  EXPECT_EQ(names, (std::set<std::string_view>{"choco", "deep_squeeze", "scsp", "sparse_push"}));
}

TEST(FixedThreshold, IsThatOfTheStrategiesThatHaveOneUnlessABudgetSteersIt) {
  const auto threshold = [](const char* strategy, const std::map<std::string, std::string>& options) {
    return fixed_threshold(find_strategy(strategy), strategy_options(strategy, options));
  };
  EXPECT_EQ(threshold("fda", {{"threshold", "2.5"}}), 2.5);
  EXPECT_EQ(threshold("dma", {{"threshold", "0"}}), 0.0);
  EXPECT_EQ(threshold("fda", {{"budget", "1 MB/min"}}), std::nullopt);
  EXPECT_EQ(threshold("periodic", {}), std::nullopt);
}

}  // namespace
}  // namespace laconic::tests
