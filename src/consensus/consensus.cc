#include "consensus/consensus.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <map>

#include "base/error.h"
#include "runtimes/sim/simulation.h"

namespace laconic {
namespace {

// A model that nobody trains. Its first step adds the vector, by whichever way the strategy takes it.
class StillLearner final : public Learner {
 public:
  StillLearner(const Layout& layout, const std::vector<float>& vector)
      : layout_(layout), vector_(vector), params_(layout.size) {}

  std::span<float> params() override { return params_; }
  std::span<float> gradient() override {
    gradient_.resize(params_.size());
    return gradient_;
  }
  const Layout& layout() const override { return layout_; }
  std::span<float> buffers() override { return {}; }
  std::uint64_t samples() const override { return 1; }
  StepResult compute_gradient(Step step) override {
    gradient();
    for (std::size_t j = 0; j < gradient_.size(); ++j) gradient_[j] = step.value == 0 ? -vector_[j] : 0.0F;
    return {.loss = 0.0, .samples = 1};
  }
  double learning_rate() const override { return 1.0; }
  void apply_gradient() override {
    for (std::size_t j = 0; j < params_.size(); ++j) params_[j] -= gradient_[j];
  }
  StepResult local_step(Step step) override {
    if (step.value == 0) {
      for (std::size_t j = 0; j < params_.size(); ++j) params_[j] += vector_[j];
    }
    return {.loss = 0.0, .samples = 1};
  }
  Evaluation evaluate(std::span<const float>, std::span<const float>, Split) override { return {}; }
  void archive(Archive&) override {}

 private:
  const Layout& layout_;
  const std::vector<float>& vector_;
  std::vector<float> params_;
  std::vector<float> gradient_;  // once a strategy asks for it
};

std::vector<double> average_of(const NodeVectors& vectors) {
  std::vector<double> average(vectors.front().size(), 0.0);
  for (const std::vector<float>& vector : vectors) {
    for (std::size_t j = 0; j < average.size(); ++j) average[j] += static_cast<double>(vector[j]);
  }
  for (double& value : average) value /= static_cast<double>(vectors.size());
  return average;
}

double squared_distance(std::span<const float> vector, std::span<const double> center) {
  constexpr std::size_t kSums = 4;
  std::array<double, kSums> sums{};
  std::size_t j = 0;
  for (; j + kSums <= vector.size(); j += kSums) {
    for (std::size_t lane = 0; lane < kSums; ++lane) {
      const double distance = static_cast<double>(vector[j + lane]) - center[j + lane];
      sums[lane] += distance * distance;
    }
  }
  for (; j < vector.size(); ++j) {
    const double distance = static_cast<double>(vector[j]) - center[j];
    sums[0] += distance * distance;
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

// Adds up e_t as the nodes pass a round, and decides when the run ends.
class Recorder {
 public:
  Recorder(const NodeVectors& vectors, const ConsensusLimits& limits)
      : nodes_(vectors.size()), limits_(limits), average_(average_of(vectors)) {
    for (const std::vector<float>& vector : vectors) run_.start_error += squared_distance(vector, average_);
    if (!(run_.start_error > 0.0)) {
      throw UsageError("the vectors of all nodes are the same: there is nothing to agree on; give others");
    }
    run_.records.push_back({});
  }

  void pass(const WorkerStep& step) {
    if (ended_ || !due(step.step.value)) return;
    Sum& sum = sums_[step.step.value];
    sum.error += squared_distance(step.params, average_);
    if (++sum.passed < nodes_) return;
    const Tally sent = step.ledger.total();
    run_.records.push_back({.round = step.step.value,
                            .error = sum.error / run_.start_error,
                            .payload = sent.payload,
                            .framed = sent.framed,
                            .time = step.time});
    sums_.erase(step.step.value);
    decide();
  }

  bool ended() const { return ended_; }

  // After the simulation, which may have failed because the numbers had grown beyond all bounds.
  ConsensusRun finish(const Outcome& outcome, std::span<Learner* const> learners) {
    if (outcome.error && !ended_) {
      double error = 0.0;
      for (Learner* learner : learners) error += squared_distance(learner->params(), average_);
      if (error <= run_.start_error) std::rethrow_exception(outcome.error);
      run_.end = ConsensusRun::End::kDiverged;
    } else if (outcome.end == Outcome::End::kInterrupted && !ended_) {
      run_.end = ConsensusRun::End::kStopped;
    }
    run_.trace_hash = outcome.trace_hash;
    return std::move(run_);
  }

 private:
  struct Sum {
    double error = 0.0;
    std::size_t passed = 0;
  };

  bool due(std::uint64_t round) const {
    if (round <= kEveryRound || round == limits_.rounds) return true;
    // The distance within an octave [2^b, 2^(b+1)) is 2^b / kEveryRound.
    const std::uint64_t octave = std::bit_floor(round);
    return round % std::max<std::uint64_t>(octave / kEveryRound, 1) == 0;
  }

  void decide() {
    const double error = run_.last().error;
    if (!(error <= ConsensusRun::kDiverged)) {
      end(ConsensusRun::End::kDiverged);
    } else if (error <= limits_.target) {
      end(ConsensusRun::End::kTarget);
    } else if (limits_.stop && limits_.stop(run_)) {
      end(ConsensusRun::End::kStopped);
    }
  }

  void end(ConsensusRun::End how) {
    run_.end = how;
    ended_ = true;
  }

  std::size_t nodes_;
  const ConsensusLimits& limits_;
  std::vector<double> average_;
  std::map<std::uint64_t, Sum> sums_;  // of the rounds that some nodes have passed
  ConsensusRun run_;
  bool ended_ = false;
};

void check(const ConsensusSetting& setting, const NodeVectors& vectors) {
  LACONIC_CHECK(setting.strategy != nullptr && (setting.mixing != nullptr || setting.links != nullptr),
                "no strategy or no graph");
  if (!setting.demands().gossips()) {
    throw UsageError("strategy '" + std::string(setting.strategy->name) +
                     "' does not gossip; `laconic list strategies` shows those that need a graph");
  }
  if (vectors.size() != setting.nodes()) {
    throw UsageError(std::to_string(vectors.size()) + " vectors for a graph of " + std::to_string(setting.nodes()) +
                     " nodes; give one vector a node");
  }
  for (const std::vector<float>& vector : vectors) {
    LACONIC_CHECK(vector.size() == setting.layout.size, vector.size() << " elements for " << setting.layout.size);
  }
}

}  // namespace

sim::NetworkOptions ConsensusSetting::unlimited_network() {
  const BitsPerSecond unlimited{std::numeric_limits<double>::infinity()};
  return {.channel = unlimited,
          .worker = {.up = unlimited, .down = unlimited},
          .coordinator = {.up = unlimited, .down = unlimited}};
}

NodeVectors normal_vectors(std::size_t nodes, std::size_t dimension, std::uint64_t seed) {
  NodeVectors vectors;
  for (std::size_t node = 0; node < nodes; ++node) {
    RandomStream stream(seed, "consensus vector", {node});
    std::vector<float>& vector = vectors.emplace_back(dimension);
    for (float& value : vector) value = static_cast<float>(stream.gaussian());
  }
  return vectors;
}

ConsensusRun run_consensus(const ConsensusSetting& setting, const NodeVectors& vectors, const ConsensusLimits& limits) {
  check(setting, vectors);
  Recorder recorder(vectors, limits);
  std::vector<std::unique_ptr<Learner>> learners;
  std::vector<Learner*> views;
  for (const std::vector<float>& vector : vectors) {
    learners.push_back(std::make_unique<StillLearner>(setting.layout, vector));
    views.push_back(learners.back().get());
  }
  const StrategySetting strategy_setting{.dimension = setting.layout.size,
                                         .layout = setting.layout,
                                         .world_size = static_cast<int>(vectors.size()),
                                         .seed = setting.seed,
                                         .steps = limits.rounds,
                                         .start = std::vector<float>(setting.layout.size, 0.0F),
                                         .samples = std::vector<std::uint64_t>(vectors.size(), 1),
                                         .mixing = setting.mixing,
                                         .links = setting.links,
                                         .compressor = setting.compressor};
  sim::SimulationOptions options;
  options.steps = {limits.rounds};
  options.seed = setting.seed;
  options.step_cost = std::vector<Seconds>(vectors.size());
  options.network = setting.network;
  options.with_coordinator = needs_coordinator_node(setting.demands(), options.comm.collective);
  options.evaluation = {.numerator = limits.rounds, .denominator = 1};
  options.own_models = OwnModels::kNever;
  options.compute_threads = setting.compute_threads;
  RunObserver observer;
  observer.on_worker_step = [&](const WorkerStep& step) { recorder.pass(step); };
  observer.interrupted = [&] { return recorder.ended() || (limits.interrupted && limits.interrupted()); };
  const Outcome outcome =
      sim::simulate(options, views, setting.strategy->make(setting.options, strategy_setting), observer);
  return recorder.finish(outcome, views);
}

Options consensus_options(const StrategyRow& row, std::map<std::string, GivenOption> given) {
  for (const GossipAloneOption& option : row.alone_options) {
    const std::string name(option.name);
    given.try_emplace(name, GivenOption{.text = std::string(option.text), .where = name});
  }
  return {row.name, row.options, given};
}

}  // namespace laconic
