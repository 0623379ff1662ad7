// The best gamma of a strategy for an operator on a graph: the one with which gossip alone needs the fewest rounds.
//
// Tried is what counts: a gamma is judged by the rounds in which real gossip with it came to the error asked for. (A
// formula there is only for a gamma that is proved, and it is 100 to 10,000 times too small; and too large a gamma can
// look fine for long before it blows up, so that the error after some rounds says little.) The search
//   1. goes down from 1 by halves until a gamma is worse than the one before it;
//   2. tries both sides of the best, at distances of 2^(1/2), 2^(1/4), ... down to the resolution;
//   3. goes on with the best for kCheckRounds times as many rounds and kMoreRounds: unless it is then at most at a
//      hundredth of the error asked for (or, where there is a floor, still near its lowest), the next smaller one takes
//      its place.
// A candidate is given up as soon as it has taken more rounds than the best, grows, no longer falls, or at the speed of
// its newest rounds will clearly need more.
//
// The work is bounded. Where even few rounds are dear the error asked for is larger: kDearTarget below kCheapRounds
// rounds that the bound allows, kVeryDearTarget below kDearRounds. When the bound is met, or no candidate comes to the
// error, the smallest power of ten is taken that a candidate did come to, and of those that did the one with the fewest
// rounds. The result depends on the setting, the vectors and the options alone.
#pragma once

#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "consensus/consensus.h"

namespace laconic {

struct TuneOptions {
  double target = 1e-6;      // e_t / e_0
  double resolution = 1.05;  // by what factor the result may be off the best, about
  double most_work = 4e9;    // rounds x nodes x elements, of all candidates
  // Asked often; true ends the search with Interrupted.
  std::function<bool()> interrupted = {};
};
inline constexpr double kCheapRounds = 8000;
inline constexpr double kDearRounds = 2000;
inline constexpr double kDearTarget = 1e-3;
inline constexpr double kVeryDearTarget = 1e-2;
// Of strategies that stop at a floor (GossipTraits::stops_at_floor), which would otherwise get a gamma without end.
inline constexpr double kFloorTarget = 1e-2;

struct TuneCandidate {
  enum class End {
    kReached,   // the error asked for
    kGrew,      // diverged
    kStalled,   // did not fall any more
    kSlower,    // given up as slower than the best
    kBoundMet,  // the work allowed was done
  };
  double gamma = 0.0;
  End end = End::kReached;
  std::uint64_t rounds_run = 0;
  double error = 1.0;                 // e_t / e_0 at the end
  std::optional<double> rounds = {};  // to the error asked for
  std::optional<double> factor = {};  // of e_t a round, where it could be fitted
};
std::string_view to_text(TuneCandidate::End end);

struct TuneResult {
  double gamma = 0.0;   // four significant digits, as tried
  double target = 0.0;  // the error by which the candidates were compared in the end
  double rounds = 0.0;  // to it
  std::optional<double> factor;
  bool bound_met = false;  // the search ended with the work allowed
  double work = 0.0;
  std::vector<TuneCandidate> candidates;  // in the order tried; the check of step 3 is not among them
};

// `tried` is told of each candidate. `setting.options` must have a gamma, whose value does not matter. Throws
// UsageError when the strategy has none, or no candidate came to a tenth of the start.
TuneResult tune_gamma(const ConsensusSetting& setting, const NodeVectors& vectors, const TuneOptions& options = {},
                      const std::function<void(const TuneCandidate&)>& tried = {});

// The options with a tuned gamma in the place of "auto", by normal vectors of `seed` and kJobTarget: models in training
// never come closer, and the way beyond is dear. `job`: the graph or the links, the operator, the layout and the
// seed. Nothing is done where the strategy's gamma is a number.
inline constexpr double kJobTarget = 1e-3;
struct ResolvedGamma {
  Options options;
  std::optional<TuneResult> tuned;
};
ResolvedGamma resolve_gamma(const StrategyRow& strategy, const Options& options, const StrategySetting& job,
                            int compute_threads, const std::function<bool()>& interrupted = {});

}  // namespace laconic
