#include "consensus/tune.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "consensus/rate.h"
#include "kernels/vector_ops.h"
#include "mechanisms/gossip.h"

namespace laconic {
namespace {

constexpr std::size_t kThreadedSize = 16384;  // of vectors whose arithmetic is worth another thread
constexpr double kSmallestGamma = 1.0 / 16384;
constexpr double kLargestFallback = 0.1;  // an error above this part of the start says nothing
constexpr double kStillFalling = 0.99;    // a fall by less over half of all rounds is none
constexpr double kClearlySlower = 1.5;    // how many times the best's rounds a candidate may seem to need
constexpr double kCheck = 0.01;           // how much further the best goes on
constexpr double kCheckRounds = 4.0;      // in units of its rounds to the target, and so many more:
constexpr double kMoreRounds = 2000.0;    // gammas that are too large may fall far before they grow
constexpr double kMoreRoundsAtFloor = 20'000.0;
constexpr double kPartOfRest = 0.5;        // of the rounds that can be afforded
constexpr double kRisen = 3.0;             // what is above its floor by more than this goes up again
constexpr std::uint64_t kPatience = 64;    // rounds after which a candidate may be given up, at least
constexpr double kPatienceMessages = 8.0;  // the same in messages that tell a whole vector

// As it is printed, so that what was tried is what a job file can say.
std::string text_of(double gamma) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.begin(), text.end(), gamma, std::chars_format::general, 4);
  return {text.begin(), end.ptr};
}
double rounded(double gamma) {
  const std::string text = text_of(gamma);
  double value = 0.0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// The part of a normal vector that a message tells: 1 - ||C(v) - v||^2 / ||v||^2, at least a ten-thousandth.
double told(const ConsensusSetting& setting, std::span<const float> v) {
  if (!setting.compressor) return 1.0;
  const std::unique_ptr<Compressor> compressor = setting.compressor();
  RandomStream random(setting.seed, "tune");
  std::vector<std::byte> message(compressor->prepare(v, random));
  compressor->write(message);
  std::vector<float> rest(v.begin(), v.end());
  compressor->decode_add(message, -1.0F, rest);
  return std::max(1.0 - kernels::squared_norm(rest) / kernels::squared_norm(v), 1e-4);
}

bool floors(const ConsensusSetting& setting) { return setting.demands().gossip.stops_at_floor; }

// A candidate and what became of it.
struct Trial {
  TuneCandidate candidate;
  std::vector<ConsensusRecord> records;
};

class Search {
 public:
  Search(const ConsensusSetting& setting, const NodeVectors& vectors, const TuneOptions& options,
         const std::function<void(const TuneCandidate&)>& tried)
      : setting_(setting), vectors_(vectors), options_(options), tried_(tried), target_(options.target) {
    round_work_ = static_cast<double>(vectors.size()) * static_cast<double>(setting.layout.size);
    const double rounds = options.most_work / round_work_;
    if (rounds < kCheapRounds) target_ = std::max(target_, kDearTarget);
    if (rounds < kDearRounds) target_ = std::max(target_, kVeryDearTarget);
    if (floors(setting)) target_ = std::max(target_, kFloorTarget);
    const double messages = kPatienceMessages / told(setting, vectors.front());
    patience_ = std::max(kPatience, static_cast<std::uint64_t>(messages));
  }

  TuneResult run() {
    for (double gamma = 1.0; gamma >= kSmallestGamma && !bound_met(); gamma /= 2.0) {
      const std::size_t before = best_;
      attempt(gamma);
      if (before != kNone && best_ == before) break;
    }
    if (best_ == kNone) relax_target();
    for (double factor = std::sqrt(2.0); factor > std::sqrt(options_.resolution); factor = std::sqrt(factor)) {
      const double middle = best().gamma;
      if (middle * factor <= 1.0) attempt(middle * factor);
      attempt(middle / factor);
    }
    while (!holds(best().gamma) && step_down()) {
    }
    return result();
  }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  const TuneCandidate& best() const { return trials_[best_].candidate; }
  bool bound_met() const { return affordable_rounds() == 0; }
  std::uint64_t affordable_rounds() const {
    return static_cast<std::uint64_t>(std::max(options_.most_work - work_, 0.0) / round_work_);
  }

  ConsensusRun gossip(double gamma, const ConsensusLimits& limits) {
    ConsensusSetting setting = setting_;
    setting.options = setting.options.with(kGamma, text_of(gamma));
    ConsensusLimits ending = limits;
    ending.interrupted = options_.interrupted;
    ConsensusRun run = run_consensus(setting, vectors_, ending);
    if (options_.interrupted && options_.interrupted()) {
      throw Interrupted("interrupted while tuning gamma");
    }
    work_ += static_cast<double>(run.last().round) * round_work_;
    return run;
  }

  // Runs a candidate, unless it was tried or nothing may be run any more.
  void attempt(double exact_gamma) {
    const double gamma = rounded(exact_gamma);
    const auto same = [&](const Trial& trial) { return trial.candidate.gamma == gamma; };
    if (bound_met() || std::any_of(trials_.begin(), trials_.end(), same)) return;
    const double best_rounds = best_ == kNone ? std::numeric_limits<double>::infinity() : *best().rounds;
    Trial trial{.candidate = {.gamma = gamma}, .records = {}};
    ConsensusLimits limits{.rounds = affordable_rounds(), .target = target_};
    auto& end = trial.candidate.end;
    end = TuneCandidate::End::kBoundMet;
    limits.stop = [&](const ConsensusRun& run) {
      if (stalled(run.records)) {
        end = TuneCandidate::End::kStalled;
      } else if (slower(run.records, best_rounds)) {
        end = TuneCandidate::End::kSlower;
      } else {
        return false;
      }
      return true;
    };
    ConsensusRun run = gossip(gamma, limits);
    if (run.end == ConsensusRun::End::kTarget) end = TuneCandidate::End::kReached;
    if (run.end == ConsensusRun::End::kDiverged) end = TuneCandidate::End::kGrew;
    trial.records = std::move(run.records);
    trial.candidate.rounds_run = trial.records.back().round;
    trial.candidate.error = trial.records.back().error;
    if (const auto cost = cost_of(trial.records, target_)) trial.candidate.rounds = cost->rounds;
    if (const auto fit = fit_rate(trial.records)) trial.candidate.factor = fit->factor;
    if (tried_) tried_(trial.candidate);
    trials_.push_back(std::move(trial));
    const TuneCandidate& candidate = trials_.back().candidate;
    if (candidate.rounds && *candidate.rounds < best_rounds) best_ = trials_.size() - 1;
  }

  // The newest record in the first half of the rounds.
  static const ConsensusRecord& halfway(const std::vector<ConsensusRecord>& records) {
    const std::uint64_t half = records.back().round / 2;
    const auto after = std::find_if(records.begin(), records.end(),
                                    [&](const ConsensusRecord& record) { return record.round > half; });
    return *(after - 1);
  }

  bool stalled(const std::vector<ConsensusRecord>& records) const {
    if (records.back().round < patience_) return false;
    const std::uint64_t half = halfway(records).round;
    double before = std::numeric_limits<double>::infinity();
    double since = before;
    for (const ConsensusRecord& record : records) {
      double& lowest = record.round <= half ? before : since;
      lowest = std::min(lowest, record.error);
    }
    return since > kStillFalling * before;
  }

  bool slower(const std::vector<ConsensusRecord>& records, double best_rounds) const {
    const ConsensusRecord& last = records.back();
    const auto rounds = static_cast<double>(last.round);
    if (rounds >= best_rounds) return true;
    if (!std::isfinite(best_rounds) || last.round < patience_ || rounds < best_rounds / 3.0) return false;
    const ConsensusRecord& half = halfway(records);
    const double speed = std::log(half.error / last.error) / static_cast<double>(last.round - half.round);
    return speed <= 0.0 || rounds + std::log(last.error / target_) / speed > kClearlySlower * best_rounds;
  }

  // No candidate came to the target: makes it the smallest power of ten that one came to without growing afterwards.
  void relax_target() {
    for (double target = target_ * 10.0; target <= kLargestFallback * 1.0001; target *= 10.0) {
      for (std::size_t i = 0; i < trials_.size(); ++i) {
        TuneCandidate& candidate = trials_[i].candidate;
        const auto cost = cost_of(trials_[i].records, target);
        if (!cost || candidate.end == TuneCandidate::End::kGrew) continue;
        candidate.rounds = cost->rounds;
        if (best_ == kNone || *candidate.rounds < *best().rounds) best_ = i;
      }
      if (best_ == kNone) continue;
      target_ = target;
      return;
    }
    const std::string last = text_of(trials_.back().candidate.gamma);
    if (bound_met()) {
      throw UsageError("tuning gamma did all the work it is allowed before any gamma from 1 down to " + last +
                       " brought the vectors near each other; give gamma a number, below " + last +
                       " if that is not small enough yet");
    }
    throw UsageError("no gamma from 1 down to " + last +
                     " brings the vectors together with this operator on this graph; give gamma a number, or take a "
                     "finer operator or a denser graph");
  }

  // Whether the error goes on falling behind the target, or where it has a floor stays there. What cannot be afforded
  // is taken to hold.
  bool holds(double gamma) {
    const auto affordable = static_cast<double>(affordable_rounds());
    // Memories of errors may rest for ten thousand rounds before they grow.
    const double more = floors(setting_) ? kMoreRoundsAtFloor : kMoreRounds;
    double rounds = kCheckRounds * *best().rounds + more;
    if (floors(setting_)) rounds = std::min(rounds, kPartOfRest * affordable);
    if (rounds > affordable || rounds < *best().rounds) return true;
    const ConsensusRun run = gossip(gamma, {.rounds = static_cast<std::uint64_t>(rounds)});
    if (run.end != ConsensusRun::End::kRounds) return false;
    if (!floors(setting_)) return run.last().error <= std::max(target_ * kCheck, kRoundingFloor);
    const auto lower = [](const ConsensusRecord& a, const ConsensusRecord& b) { return a.error < b.error; };
    const double lowest = std::min_element(run.records.begin(), run.records.end(), lower)->error;
    return run.last().error <= std::min(target_, kRisen * lowest);
  }

  // Goes to the largest smaller gamma that reached the target, trying some if there is none.
  bool step_down() {
    const std::size_t former = best_;
    const double gamma = best().gamma;
    std::size_t next = kNone;
    for (std::size_t i = 0; i < trials_.size(); ++i) {
      const TuneCandidate& candidate = trials_[i].candidate;
      if (!candidate.rounds || candidate.gamma >= gamma) continue;
      if (next == kNone || candidate.gamma > trials_[next].candidate.gamma) next = i;
    }
    best_ = next;  // if none, there is nothing to be slower than
    for (double smaller = gamma / std::sqrt(2.0); best_ == kNone && smaller >= kSmallestGamma && !bound_met();
         smaller /= std::sqrt(2.0)) {
      attempt(smaller);
    }
    if (best_ != kNone) return true;
    best_ = former;
    return false;
  }

  TuneResult result() const {
    TuneResult result{.gamma = best().gamma,
                      .target = target_,
                      .rounds = *best().rounds,
                      .factor = best().factor,
                      .bound_met = bound_met(),
                      .work = work_,
                      .candidates = {}};
    for (const Trial& trial : trials_) result.candidates.push_back(trial.candidate);
    return result;
  }

  static constexpr double kRoundingFloor = 1e-11;  // squared float32 rounding, with room

  const ConsensusSetting& setting_;
  const NodeVectors& vectors_;
  const TuneOptions& options_;
  const std::function<void(const TuneCandidate&)>& tried_;
  double target_;
  double round_work_ = 0.0;
  double work_ = 0.0;
  std::uint64_t patience_ = kPatience;
  std::vector<Trial> trials_;
  std::size_t best_ = kNone;  // in trials_
};

}  // namespace

std::string_view to_text(TuneCandidate::End end) {
  switch (end) {
    case TuneCandidate::End::kReached:
      return "reached";
    case TuneCandidate::End::kGrew:
      return "diverged";
    case TuneCandidate::End::kStalled:
      return "stalled";
    case TuneCandidate::End::kSlower:
      return "slower";
    case TuneCandidate::End::kBoundMet:
      return "bound met";
  }
  return "unknown";
}

TuneResult tune_gamma(const ConsensusSetting& setting, const NodeVectors& vectors, const TuneOptions& options,
                      const std::function<void(const TuneCandidate&)>& tried) {
  if (!has_gamma(*setting.strategy)) {
    throw UsageError("strategy '" + std::string(setting.strategy->name) + "' has no gamma to tune");
  }
  LACONIC_CHECK(options.target > 0.0 && options.target < 1.0 && options.resolution > 1.0, "target " << options.target);
  return Search(setting, vectors, options, tried).run();
}

ResolvedGamma resolve_gamma(const StrategyRow& strategy, const Options& options, const StrategySetting& job,
                            int compute_threads, const std::function<bool()>& interrupted) {
  ResolvedGamma resolved{.options = options, .tuned = std::nullopt};
  if (!asks_for_tuned_gamma(strategy, options)) return resolved;
  ConsensusSetting setting{.strategy = strategy.gossip_alone != nullptr ? strategy.gossip_alone : &strategy,
                           .options = {},
                           .mixing = job.mixing,
                           .links = job.links,
                           .compressor = job.compressor,
                           .layout = job.layout,
                           .seed = job.seed,
                           .compute_threads = job.layout.size < kThreadedSize ? 0 : compute_threads};
  if (setting.nodes() == 1) {  // nobody to move towards
    resolved.options = options.with(kGamma, "1");
    return resolved;
  }
  std::map<std::string, GivenOption> given;
  const std::span<const GossipAloneOption> alone = setting.strategy->alone_options;
  for (const OptionSpec& spec : setting.strategy->options) {
    const auto has_its_own = [&](const GossipAloneOption& own) { return own.name == spec.name && !own.job_decides; };
    if (spec.name == kGamma || std::any_of(alone.begin(), alone.end(), has_its_own)) continue;
    for (const Options::Resolved& option : options.resolved()) {
      if (option.spec->name == spec.name) given[std::string(spec.name)] = {.text = option.text, .where = "job"};
    }
  }
  setting.options = consensus_options(*setting.strategy, std::move(given));
  resolved.tuned = tune_gamma(setting, normal_vectors(setting.nodes(), setting.layout.size, setting.seed),
                              {.target = kJobTarget, .interrupted = interrupted});
  resolved.options = options.with(kGamma, text_of(resolved.tuned->gamma));
  return resolved;
}

}  // namespace laconic
