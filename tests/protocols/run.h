// Running a strategy of the registry on quadratics in the simulator.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "quadratic.h"
#include "runtimes/sim/simulation.h"

namespace laconic::tests {

struct Scenario {
  QuadraticProblem problem;
  std::string strategy = "local";
  std::map<std::string, std::string> options = {};  // of the strategy
  std::string between = {};                         // what runs between the groups, for strategies that have some
  std::map<std::string, std::string> between_options = {};
  std::uint64_t steps = 20;
  bool comes_and_goes = false;
  double steps_per_epoch = 7.5;
  std::vector<float> start = {};  // that strategies know; empty: the problem's
  Collective collective = Collective::kStar;
  std::string topology = "ring";  // for strategies on a graph
  std::string weights = "metropolis";
  double link_up = 1.0;                                 // probability of a link, for strategies over links
  std::shared_ptr<const LinkSchedule> links = {};       // instead of those of the topology
  std::string compressor = {};                          // default: none; or whole models, where they may
  std::map<std::string, std::string> compression = {};  // its options
  StepSchedule checkpoints = {};
  CheckpointKeeper* keeper = nullptr;
  std::optional<ResumePoint> resume = {};
  int compute_threads = 0;  // small vectors are computed sooner than handed to another thread
  std::uint64_t evaluate_every = 1;
  OwnModels own_models = OwnModels::kNever;
  std::uint32_t own_models_sample = 0;
  std::uint64_t patience = 0;
  bool keep_best = false;
  std::vector<Seconds> step_cost = {};  // default: 10 ms each
  Seconds latency{0.001};
  Seconds deadline{600.0};
  sim::Damage damage = {};
  double loss = 0.0;  // of the network
  double duplication = 0.0;
  RunObserver observer = {};
  std::function<bool(const Measurement&)> until = {};
  // Wraps the strategy's factory.
  std::function<StrategyFactory(StrategyFactory)> wrap = {};
  std::map<int, Step> diverge = {};            // workers whose loss is not a number from a step on
  std::map<int, std::size_t> dimensions = {};  // workers whose model has another size than the others'
  // Wraps the operators that nodes compress with.
  std::function<CompressorFactory(CompressorFactory)> wrap_compressor = {};
  // Wraps each worker's learner.
  std::function<std::unique_ptr<Learner>(std::unique_ptr<Learner>, int worker)> wrap_learner = {};
};

struct Result {
  Outcome outcome;
  std::vector<std::vector<float>> params;  // of each worker, after the run
  std::vector<Measurement> measurements;
  std::vector<std::string> warnings;
  TrafficFormula formula;
};

Result run(const Scenario& scenario);

// The text of the error that ended the run, empty when none did. An error that is no ErrorType fails the test.
template <typename ErrorType>
std::string error_of(const Result& result) {
  if (!result.outcome.error) return {};
  try {
    std::rethrow_exception(result.outcome.error);
  } catch (const ErrorType& error) {
    return error.what();
  }
}

// What every worker's strategy keeps when the run has come to its end, in the form of its archive.
std::vector<std::vector<std::byte>> states_after(Scenario scenario);

// Nodes of the scenario's graph: the workers, or their groups.
std::uint32_t graph_nodes(const Scenario& scenario);

Options strategy_options(std::string_view strategy, const std::map<std::string, std::string>& values);
StrategySetting strategy_setting(const Scenario& scenario);

// What every runtime needs of a scenario.
StrategyFactory strategy_factory(const Scenario& scenario);
std::unique_ptr<Learner> learner_of(const Scenario& scenario, int worker);
RunOptions run_options(const Scenario& scenario);

}  // namespace laconic::tests
