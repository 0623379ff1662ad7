#include "rows.h"

#include <algorithm>
#include <cctype>

#include "strategies/registry.h"

namespace laconic::tests {

std::vector<Row> rows(int groups) {
  std::vector<Row> result;
  for (const StrategyRow* row : strategies()) {
    std::vector<std::map<std::string, std::string>> variants = {{}};
    if (row->name == "fda") {
      variants.clear();
      for (const char* monitor : {"exact", "naive", "linear", "sketch", "max-norm"}) {
        variants.push_back({{"threshold", "1"}, {"monitor", monitor}});
      }
      for (const char* screen : {"none", "lock-step", "late"}) {
        variants.push_back({{"threshold", "1"}, {"screen", screen}, {"check_every", "3"}});
        if (screen != std::string("late")) {
          variants.push_back({{"threshold", "1"}, {"screen", screen}, {"decide_late", "true"}});
        }
      }
    }
    if (row->name == "fda") variants.push_back({{"budget", "2 kB/10 steps"}});
    if (row->name == "fda_opt") variants = {{{"most_epochs", "2"}}, {{"most_epochs", "3"}, {"monitor", "sketch"}}};
    if (row->name == "dma") {  // Delta = 0: how many balances there are is known
      variants = {{{"threshold", "0"}, {"check_every", "2"}}, {{"threshold", "1"}, {"clock", "asynchronous"}}};
    }
    if (row->name == "sgp") {
      variants.push_back({{"order", "overlap"}});
      variants.push_back({{"order", "asynchronous"}});
    }
    if (row->name == "sparse_push") {
      variants.push_back({{"order", "asynchronous"}});
      variants.push_back({{"compress", "update"}});
      variants.push_back({{"memory", "difference"}});
    }
    if (row->name == "scsp") {
      variants = {{{"every", "7"}, {"finetune", "10"}},
                  {{"merge", "gossip"}, {"merge_rounds", "5"}, {"finetune", "10"}}};
    }
    if (row->name == "fedopt") variants = {{{"server", "average"}, {"period", "3"}}};  // the others move one worker too
    if (row->name == "choco") {
      variants.push_back({{"replicas", "each"}});
      variants.push_back({{"trigger", "0.5"}});
    }
    if (row->name == "fedavg") variants = {{{"period", "3"}, {"fraction", "0.4"}}};
    std::vector<std::string> between = {""};
    if (row->groups != nullptr) {
      variants = {{{"groups", std::to_string(groups)}}};
      between = {"choco", "d_psgd"};
    }
    for (const auto& options : variants) {
      for (const Collective collective : {Collective::kStar, Collective::kRing}) {
        for (const std::string& name : between) {
          result.push_back({std::string(row->name), options, collective, name, ""});
        }
        // Of an operator whose messages have one size.
        if (row->may_compress) result.push_back({std::string(row->name), options, collective, "", "sign"});
      }
    }
  }
  return result;
}

std::string Row::name() const {
  std::string name = strategy + (between.empty() ? "" : "_" + between);
  for (const char* key : {"replicas", "order", "memory", "compress", "merge", "clock", "screen", "trigger", "budget"}) {
    if (options.contains(key)) name += "_" + option(key);
  }
  if (!compressor.empty()) name += "_" + compressor;
  if (options.contains("monitor")) name += "_" + option("monitor");
  if (options.contains("decide_late")) name += "_decide_late";
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name + (collective == Collective::kStar ? "_star" : "_ring");
}

std::string Row::option(const std::string& name) const {
  const auto found = options.find(name);
  return found == options.end() ? std::string() : found->second;
}

bool Row::goes_on() const {
  const StrategyRow& row = find_strategy(strategy);
  return row.tolerates_loss != nullptr && row.tolerates_loss(strategy_options(row.name, options));
}

bool Row::waits_for_nobody() const { return goes_on() || option("clock") == "asynchronous"; }

bool Row::is_screened() const { return options.contains("screen") && option("screen") != "none"; }

void PrintTo(const Row& row, std::ostream* out) { *out << row.strategy; }

}  // namespace laconic::tests
