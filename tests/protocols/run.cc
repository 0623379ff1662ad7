#include "run.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "strategies/registry.h"
#include "topology/topology.h"

namespace laconic::tests {

constexpr Seconds kStepCost{0.01};

Options strategy_options(std::string_view strategy, const std::map<std::string, std::string>& values) {
  std::map<std::string, GivenOption> given;
  for (const auto& [name, text] : values) given[name] = {.text = text, .where = "test"};
  return {"strategy", find_strategy(strategy).options, given};
}

std::uint32_t graph_nodes(const Scenario& scenario) {
  const StrategyRow& row = find_strategy(scenario.strategy);
  const auto workers = static_cast<std::uint32_t>(scenario.problem.workers);
  return row.groups == nullptr ? workers : row.groups(strategy_options(row.name, scenario.options), workers);
}

StrategySetting strategy_setting(const Scenario& scenario) {
  StrategySetting setting{
      .dimension = scenario.problem.dimension,
      .layout = scenario.problem.layout(),
      .trained = scenario.problem.dimension - scenario.problem.buffers,
      .world_size = scenario.problem.workers,
      .seed = scenario.problem.seed,
      .steps = scenario.steps,
      .steps_per_epoch = scenario.steps_per_epoch,
      .step_time = scenario.step_cost.empty() ? kStepCost : *std::ranges::max_element(scenario.step_cost),
      .exchange_time = small_exchange_time(scenario.collective, scenario.problem.workers, scenario.latency),
      .checkpoints = scenario.checkpoints,
      .collective = scenario.collective,
      .comes_and_goes = scenario.comes_and_goes,
      .start = scenario.start.empty() ? scenario.problem.start() : scenario.start,
      .samples = {}};
  for (int k = 0; k < scenario.problem.workers; ++k) setting.samples.push_back(scenario.problem.samples(k));
  const StrategyRow& row = find_strategy(scenario.strategy);
  const Demands demands = row.demands(strategy_options(row.name, scenario.options));
  if (demands.talks == Talks::kGraph) {
    const Graph graph = make_topology(scenario.topology, graph_nodes(scenario), 1);
    setting.mixing = std::make_shared<const MixingMatrix>(graph, find_weights(scenario.weights));
  }
  if (demands.talks == Talks::kLinks) {
    setting.links = scenario.links != nullptr
                        ? scenario.links
                        : make_schedule(scenario.topology, graph_nodes(scenario), 1, scenario.link_up);
  }
  if (row.groups != nullptr) {
    setting.between = &find_strategy(scenario.between);
    setting.between_options = strategy_options(scenario.between, scenario.between_options);
  }
  const bool between_compresses =
      setting.between != nullptr &&
      setting.between->demands(setting.between_options).compression == Compression::kRequired;
  const bool compresses = demands.compression == Compression::kRequired ||
                          (demands.compression == Compression::kOptional && !scenario.compressor.empty());
  if (compresses || between_compresses) {
    const CompressorRow& compressor = find_compressor(scenario.compressor.empty() ? "none" : scenario.compressor);
    std::map<std::string, GivenOption> given;
    for (const auto& [name, text] : scenario.compression) given[name] = {.text = text, .where = "test"};
    setting.compressor = compressor.make(Options("compression", compressor.options, given), scenario.problem.layout());
    if (scenario.wrap_compressor) setting.compressor = scenario.wrap_compressor(std::move(setting.compressor));
  }
  return setting;
}

namespace {

// Worker k's problem, of its own size where it has one.
QuadraticProblem problem_of(const Scenario& scenario, int worker) {
  QuadraticProblem problem = scenario.problem;
  if (const auto found = scenario.dimensions.find(worker); found != scenario.dimensions.end()) {
    problem.dimension = found->second;
    problem.shapes = {};
  }
  return problem;
}

// Gives the workers of other sizes strategies for their size; factories are called in the order of ranks.
StrategyFactory with_other_dimensions(const Scenario& scenario, StrategyFactory common) {
  return [scenario, common = std::move(common), rank = 0]() mutable {
    Scenario own = scenario;
    own.dimensions.clear();
    own.problem = problem_of(scenario, rank);
    const bool other = scenario.dimensions.contains(rank++);
    if (!other) return common();
    return find_strategy(own.strategy).make(strategy_options(own.strategy, own.options), strategy_setting(own))();
  };
}

}  // namespace

StrategyFactory strategy_factory(const Scenario& scenario) {
  const Options options = strategy_options(scenario.strategy, scenario.options);
  StrategyFactory factory = find_strategy(scenario.strategy).make(options, strategy_setting(scenario));
  return scenario.wrap ? scenario.wrap(std::move(factory)) : factory;
}

std::unique_ptr<Learner> learner_of(const Scenario& scenario, int worker) {
  auto learner = std::make_unique<QuadraticLearner>(problem_of(scenario, worker), worker);
  if (const auto found = scenario.diverge.find(worker); found != scenario.diverge.end()) {
    learner->diverge_at(found->second);
  }
  if (scenario.wrap_learner) return scenario.wrap_learner(std::move(learner), worker);
  return learner;
}

RunOptions run_options(const Scenario& scenario) {
  const Demands demands =
      find_strategy(scenario.strategy).demands(strategy_options(scenario.strategy, scenario.options));
  return {.steps = {scenario.steps},
          .seed = scenario.problem.seed,
          .comm = {.collective = scenario.collective, .deadline = scenario.deadline},
          .with_coordinator = needs_coordinator_node(demands, scenario.collective),
          .evaluation = {.numerator = scenario.evaluate_every, .denominator = 1},
          .own_models = scenario.own_models,
          .own_models_sample = scenario.own_models_sample,
          .until = scenario.until,
          .keep_best = scenario.keep_best,
          .patience = scenario.patience,
          .checkpoints = {.schedule = scenario.checkpoints, .keeper = scenario.keeper, .resume = scenario.resume},
          .compute_threads = scenario.compute_threads};
}

Result run(const Scenario& scenario) {
  StrategyFactory factory = strategy_factory(scenario);
  if (!scenario.dimensions.empty()) factory = with_other_dimensions(scenario, std::move(factory));

  std::vector<std::unique_ptr<Learner>> learners;
  std::vector<Learner*> views;
  for (int k = 0; k < scenario.problem.workers; ++k) {
    learners.push_back(learner_of(scenario, k));
    views.push_back(learners.back().get());
  }

  Result result;
  const BitsPerSecond fast{1e9};
  sim::SimulationOptions simulation{run_options(scenario),
                                    scenario.step_cost,
                                    {.shared_channel = false,
                                     .channel = fast,
                                     .worker = {.up = fast, .down = fast},
                                     .coordinator = {.up = fast, .down = fast},
                                     .latency = scenario.latency,
                                     .loss = scenario.loss,
                                     .duplication = scenario.duplication},
                                    scenario.damage};
  if (simulation.step_cost.empty()) simulation.step_cost.assign(views.size(), kStepCost);
  RunObserver observer = scenario.observer;
  const auto given = observer.on_measurement;
  observer.on_measurement = [&](const Measurement& measurement) {
    result.measurements.push_back(measurement);
    if (given) given(measurement);
  };
  observer.on_warning = [&](const std::string& text) { result.warnings.push_back(text); };
  result.outcome = sim::simulate(simulation, views, factory, observer);
  for (const auto& learner : learners) {
    const auto params = learner->params();
    result.params.emplace_back(params.begin(), params.end());
  }
  result.formula = find_strategy(scenario.strategy)
                       .traffic(strategy_options(scenario.strategy, scenario.options), strategy_setting(scenario));
  return result;
}

std::vector<std::vector<std::byte>> states_after(Scenario scenario) {
  std::vector<Strategy*> strategies;
  std::vector<std::vector<std::byte>> states;
  scenario.wrap = [&](StrategyFactory make) -> StrategyFactory {
    return [&strategies, make = std::move(make)] {
      auto made = make();
      strategies.push_back(made.get());
      return made;
    };
  };
  scenario.observer.on_measurement = [&](const Measurement& measurement) {
    if (measurement.step.value != scenario.steps) return;
    for (Strategy* strategy : strategies) {
      Archive archive;
      strategy->archive(archive);
      states.push_back(archive.take());
    }
  };
  EXPECT_EQ(run(scenario).outcome.end, Outcome::End::kSteps);
  EXPECT_EQ(states.size(), strategies.size()) << "nothing was measured after the last step";
  return states;
}

}  // namespace laconic::tests
