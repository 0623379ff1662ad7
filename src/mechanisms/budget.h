// A budget of bytes in the place of a threshold: the threshold of fda and dma follows from what a worker may send and
// receive, together, in a span of steps or of time.
//
//   saved     allowed - spent, at a check
//   free      what the budget allows from one check to the next, beyond what a check itself costs
//   c         what a synchronisation costs beside the checks, learnt from those that were
//   n*        c / free, the checks from one synchronisation to the next that use the budget up
//   a         how fast what is watched (the variance, a distance) grows in a check, learnt at each synchronisation as
//             watched / checks since the one before; old and new count alike, by their geometric mean
//
//   goal      n* - saved / (2 free), as it is right after a synchronisation, within [n* / 4, 4 n*]
//   threshold a goal;  once 1.5 goal checks have passed without a synchronisation, (1.5 goal / checks)^2 of it
//
// So a drift, in which what is watched grows fast, is answered by synchronisations ahead of the budget, and paid for
// when it is over. The two are kept together: with c / 2 + 5% of the allowed bytes saved beyond the next
// synchronisation there is one whatever is watched, with c + 5% overdrawn there is none. Until the first there is
// nothing to go by: it takes place when the budget pays for it.
//
// Deterministic, and made of additions, products, quotients and square roots alone, so that nodes that are told the
// same figures have the same threshold to the bit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/archive.h"
#include "base/options.h"
#include "base/units.h"
#include "protocol/strategy.h"

namespace laconic {

// "20 MB/1000 steps", "20 kB/step", "1 MB/min", "200 kB/30 s".
struct BudgetRate {
  double bytes = 0.0;  // sent and received by a worker, framed; positive
  double span = 1.0;   // of steps, or of seconds; positive
  bool of_time = false;
};
// Throws UsageError for any other text.
BudgetRate parse_budget(std::string_view text);

class Budget {
 public:
  // What a check, and a synchronisation beside it, are thought to cost a worker before any was: bytes, framed. And the
  // time from a check to the next: 0 is not known.
  struct Costs {
    double check = 0.0;
    double synchronisation = 0.0;
    double seconds = 0.0;
  };
  Budget(const BudgetRate& rate, std::uint64_t check_every, const Costs& costs);

  // What a worker has sent and received, on average, and how long the run has taken, when check `check` (counted from
  // 1) has begun; from the same node, or agreed upon by all that use the threshold.
  void tally(std::uint64_t check, double spent, double seconds);
  // Whether the tally is of no check yet.
  bool unknown() const { return tally_check_ == 0; }

  // Of check `check`: at least 0, perhaps infinite. Between two tallies checks are taken to cost what they did.
  double threshold(std::uint64_t check) const;
  // There was a synchronisation at that check, with the watched quantity at `watched`. To be told before its tally.
  void synchronised(std::uint64_t check, double watched);

  // What some checks cost more than others, as all know: `bytes` of a worker since the newest tally.
  void spend(double bytes);

  // Spent, as a part of what is allowed, at the newest tally.
  double used() const;

  void archive(Archive& archive);

 private:
  double allowed(double check) const;
  double saved(double check) const;
  double free() const;
  double goal() const;

  BudgetRate rate_;
  double check_every_;
  Costs costs_;
  bool learnt_cost_ = false;
  // The newest tally, and that after the synchronisation before it.
  std::uint64_t tally_check_ = 0;
  double spent_ = 0.0;
  double seconds_ = 0.0;
  double seconds_per_check_ = 0.0;
  double spent_at_last_ = 0.0;
  double more_ = 0.0;             // of spend(), since spent_at_last_
  bool due_ = false;              // a synchronisation whose cost the next tally tells
  std::uint64_t last_check_ = 0;  // of the newest synchronisation
  std::uint64_t cost_from_ = 0;   // the check of spent_at_last_
  double growth_ = 0.0;           // a; 0: not known
};

// The options `threshold` and `budget` of a strategy that takes one or the other; `help`: of the threshold.
OptionSpec threshold_option(std::string_view help);
OptionSpec budget_option();
// Throws UsageError unless just one of them is given, and for a budget that is none.
void check_threshold_or_budget(const Options& options, std::string_view help);
// Whether these options, of a table that has them, hold a budget.
bool holds_budget(const Options& options);
// The same of any strategy's options: those without such options hold none.
bool has_budget(const StrategyRow& row, const Options& options);
// Of options so checked: the budget, where there is one.
std::optional<BudgetRate> read_budget(const Options& options);
// Of options that hold a budget: what the user wrote.
const std::string& budget_text(const Options& options);
// The threshold of any strategy's options, where they have one that nothing steers.
std::optional<double> fixed_threshold(const StrategyRow& row, const Options& options);

// The same options with a threshold in the place of the budget, where there is one: to try a strategy without it.
Options with_threshold(const Options& options, const std::string& threshold);

// What an exchange of all workers by a collective of that payload, over all nodes, costs a worker, headers included.
double exchange_cost(std::uint64_t payload, const StrategySetting& setting);

// What a check and a synchronisation cost a worker by the formula of a run of `checks` checks, headers included, where
// a check follows its steps.
Budget::Costs costs_by(const TrafficFormula& formula, const StrategySetting& setting, std::uint64_t checks);

// Throws UsageError for a run without a check, and, with the smallest budget that works, for a budget that does not pay
// for the checks and one synchronisation of the run.
void require_enough(const Options& options, const BudgetRate& rate, const StrategySetting& setting,
                    std::uint64_t checks, const Budget::Costs& costs);

}  // namespace laconic
