#include "job/wiring.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>

#include "base/error.h"
#include "base/supervision.h"
#include "job/job_paths.h"
#include "mechanisms/gossip.h"
#include "mechanisms/push_sum.h"
#include "report/format.h"
#include "runtimes/node/node_state.h"
#include "topology/spectrum.h"
#include "topology/topology.h"
#include "training/models/compute_threads.h"

namespace laconic {
namespace {

// What is wrong with an option says its place itself; with the model, or the drift, it does not know it.
template <typename Work>
auto with_places(const Job& job, Work&& work) {
  try {
    return work();
  } catch (const UsageError& error) {
    const std::string text = error.what();
    std::string place;
    for (const char* key : {"name", "start", "local"}) {
      if (text.starts_with(std::string("model.") + key + ":")) place = job.place_of("model", key);
    }
    for (const char* key : {"kind", "at", "probability"}) {
      if (text.starts_with(std::string("drift.") + key + ":")) place = job.place_of("drift", key);
    }
    throw UsageError(place + text);
  }
}

std::shared_ptr<const Training> make_training(const Job& job, const JobData& data) {
  TrainingSetup setup;
  setup.data = data.data;
  setup.partition = data.partition;
  setup.samples = data.samples;
  setup.batch = static_cast<std::uint32_t>(job.section("data").integer("batch"));
  setup.sampling = job.sampling;
  setup.model = job.model;
  setup.model_options = with_opened_paths(job, "model");
  setup.start = setup.model_options.text("start");
  setup.local = setup.model_options.text("local");
  setup.optimizer = job.optimizer;
  setup.optimizer_options = job.section("optimizer");
  setup.length = job.length;
  setup.drift = job.drift;
  setup.prequential = job.section("evaluation").flag("prequential");
  setup.seed = job.seed;
  setup.preprocess = job.section("output").flag("preprocess");
  return with_places(job, [&] { return std::make_shared<const Training>(std::move(setup)); });
}

std::vector<std::string> rehearse(const Job& job, const Training& training) {
  return with_places(job, [&] { return training.rehearse(); });
}

void require_measurable(const Job& job, const Dataset& data) {
  if (!job.until) return;
  const std::string place = job.section("job").place("until") + ": ";
  if (data.numbers > 0 && job.until->needs_classes()) {
    throw UsageError(place + "numbers are predicted, which have no accuracy; take r2, mae or loss");
  }
  if (data.numbers == 0 && job.until->needs_numbers()) {
    throw UsageError(place +
                     "classes are predicted, which have no R2 and no mean absolute error; take accuracy or loss");
  }
}

Collective collective_of(const Job& job) {
  return job.section("network").text("collective") == "ring" ? Collective::kRing : Collective::kStar;
}

sim::NetworkOptions network_of(const Job& job) {
  const Options& network = job.section("network");
  return {.shared_channel = network.text("model") == "shared",
          .channel = network.rate("channel"),
          .worker = {.up = network.rate("up"), .down = network.rate("down")},
          .coordinator = {.up = network.rate("coordinator_up"), .down = network.rate("coordinator_down")},
          .latency = network.seconds("latency"),
          .loss = network.number("loss"),
          .duplication = network.number("duplication")};
}

OwnModels own_models_of(const Job& job) {
  const std::string& when = job.section("evaluation").text("workers");
  return when == "never" ? OwnModels::kNever : when == "end" ? OwnModels::kAtEnd : OwnModels::kAlways;
}

int compute_threads_of(const Job& job) {
  const auto given = static_cast<unsigned>(job.section("workers").integer("threads"));
  const unsigned threads = given == 0 ? std::max(1U, std::thread::hardware_concurrency()) : given;
  return static_cast<int>(std::min<unsigned>(threads, job.workers));
}

StepSchedule checkpoints_of(const Job& job, const Training& training) {
  if (!job.checkpoint_interval) return {};
  const auto every = job.checkpoint_interval->in_steps(training.training_samples(), training.samples_per_step());
  return {.numerator = every.numerator, .denominator = every.denominator};
}

// What both kinds of loops have in common.
sim::SimulationOptions simulation_of(const Job& job, std::uint64_t steps) {
  sim::SimulationOptions options;
  options.steps = {steps};
  options.seed = job.seed;
  options.step_cost = job.step_cost;
  options.network = network_of(job);
  options.comm = {.collective = collective_of(job), .deadline = job.section("network").seconds("deadline")};
  options.with_coordinator = needs_coordinator_node(job.demands(), options.comm.collective);
  return options;
}

sim::SimulationOptions simulation_of(const Job& job, const Training& training) {
  const auto interval = job.evaluation_interval.in_steps(training.training_samples(), training.samples_per_step());
  sim::SimulationOptions options = simulation_of(job, training.steps());
  options.evaluation = {.numerator = interval.numerator, .denominator = interval.denominator};
  const Options& measuring = job.section("evaluation");
  options.own_models = own_models_of(job);
  options.own_models_sample = static_cast<std::uint32_t>(measuring.integer("sample"));
  options.criterion = measuring.text("best") == "loss" ? Criterion::kLoss : Criterion::kAccuracy;
  options.keep_best = job.section("output").flag("best");
  options.patience = job.section("job").integer("patience");
  if (job.until)
    options.until = [until = *job.until](const Measurement& measurement) { return until.met(measurement); };
  options.checkpoints.schedule = checkpoints_of(job, training);
  options.compute_threads = compute_threads_of(job);
  options.prepare_thread = prepare_compute_thread;
  return options;
}

std::shared_ptr<const MixingMatrix> mixing_of(const Job& job) {
  const Options options = with_opened_paths(job, "topology");
  const std::uint32_t nodes = job.between == nullptr ? job.workers : job.groups;
  const Graph graph = job.at("topology", "graph", [&] {
    return make_topology(options.text("graph"), nodes, job.seed, job.between == nullptr ? "worker" : "group");
  });
  auto mixing = std::make_shared<const MixingMatrix>(graph, find_weights(options.text("weights")));
  constexpr double kNoGap = 1e-9;
  if (nodes > 1 && spectrum_of(*mixing).delta < kNoGap) {
    throw UsageError(options.place("weights") + ": with " + options.text("weights") + " weights the graph '" +
                     options.text("graph") +
                     "' has no spectral gap: gossip would swing for ever; take metropolis or uniform weights");
  }
  return mixing;
}

std::shared_ptr<const LinkSchedule> links_of(const Job& job) {
  const Options options = with_opened_paths(job, "topology");
  const double up = options.number("up");
  return job.at("topology", "graph", [&] {
    auto links = make_schedule(options.text("graph"), job.workers, job.seed, up);
    require_links_that_fit(*job.strategy, job.demands(), *links);
    return links;
  });
}

const CompressorRow& compressor_row(const Job& job) {
  return find_compressor(job.section("compression").text("operator"));
}

CompressorFactory compressor_of(const Job& job, const ModelFacts& facts) {
  return compressor_row(job).make(job.section("compression").in_steps(facts.steps_per_epoch), facts.layout);
}

// Error feedback adds what a message leaves out to the next one. Where that can be more than what was to be told, as of
// an operator that scales up to be without bias, it grows.
void require_contraction(const Job& job, const StrategySetting& setting) {
  if (job.demands().compression != Compression::kOptional || !setting.compressor) return;
  const std::unique_ptr<Compressor> compressor = setting.compressor();
  if (!compressor->unbiased()) return;
  RandomStream random(job.seed, "contraction");
  std::vector<float> example(setting.dimension);
  for (float& value : example) value = static_cast<float>(random.gaussian());
  if (compressor->omega(example).value_or(0.0) > 0.0) return;
  const Options& options = job.section("compression");
  throw UsageError(
      options.place("operator") + ": without bias the error of " + options.text("operator") +
      " can be larger than what it is to tell, and error feedback makes that grow; take unbiased = false, " +
      "or send more");
}

ModelFacts facts_of(const Training& training) {
  ModelFacts facts{.layout = training.layout(),
                   .trained = training.trained_size(),
                   .start = training.initial_parameters(),
                   .steps = training.steps(),
                   .steps_per_epoch = static_cast<double>(training.training_samples()) /
                                      static_cast<double>(training.samples_per_step())};
  for (Rank rank{0}; rank.value < static_cast<int>(training.workers()); ++rank.value) {
    facts.samples.push_back(training.training_samples(rank));
  }
  return facts;
}

StrategySetting strategy_setting_of(const Job& job, const ModelFacts& facts) {
  StrategySetting setting;
  setting.dimension = facts.layout.size;
  setting.layout = facts.layout;
  setting.trained = facts.trained.value_or(facts.layout.size);
  setting.world_size = static_cast<int>(job.workers);
  setting.seed = job.seed;
  setting.collective = collective_of(job);
  setting.start = facts.start;
  setting.samples = facts.samples;
  setting.steps = facts.steps;
  setting.steps_per_epoch = facts.steps_per_epoch;
  setting.step_time = *std::max_element(job.step_cost.begin(), job.step_cost.end());
  setting.exchange_time =
      small_exchange_time(setting.collective, setting.world_size, job.section("network").seconds("latency"));
  const Talks talks = job.demands().talks;
  if (talks == Talks::kGraph) setting.mixing = mixing_of(job);
  if (talks == Talks::kLinks) setting.links = links_of(job);
  if (job.sections.contains("compression")) setting.compressor = compressor_of(job, facts);
  require_contraction(job, setting);
  if (job.between != nullptr) {
    setting.between = job.between;
    setting.between_options = job.section("between").in_steps(facts.steps_per_epoch);
  }
  return setting;
}

// Puts a number in the place of a gamma that is to be tuned: that of the strategy, or of the one between groups.
void tune(const Job& job, JobSetup& setup, const std::function<bool()>& interrupted) {
  StrategySetting& setting = setup.strategy_setting;
  const StrategyRow& gossip = gossiping_strategy(job);
  Options& options = job.between == nullptr ? setup.strategy_options : setting.between_options;
  if (!asks_for_tuned_gamma(gossip, options)) return;
  const std::string section = job.between == nullptr ? "strategy" : "between";
  const Demands demands = gossip.demands(options);
  const CompressorRow* compressor = demands.compression == Compression::kRequired ? &compressor_row(job) : nullptr;
  if (compressor != nullptr && compressor->depends_on_scale) {
    throw UsageError(options.place(kGamma) + ": cannot be tuned with " + std::string(compressor->name) +
                     ", which does another thing to small differences than to large ones; give a number in (0, 1]");
  }
  const auto mixes = [](const Demands& of) { return of.gossip.mixes_untrained; };
  if (!mixes(demands)) {
    const OptionSpec* culprit = option_against(gossip, options, mixes);
    throw UsageError(
        options.place(kGamma) + ": cannot be tuned with " +
        (culprit == nullptr ? std::string(gossip.name) : section + "." + std::string(culprit->name) + " as it is set") +
        ": gossip alone then brings nothing together; give a number in (0, 1]");
  }
  ResolvedGamma resolved = job.at(section, kGamma, [&] {
    // What keeps gossip of the shortest messages stable is small enough for all.
    StrategySetting with_shortest = setting;
    if (job.sections.contains("compression")) {
      with_shortest.compressor = compressor_row(job).make(job.section("compression").at_lowest(), setting.layout);
    }
    return resolve_gamma(gossip, options, with_shortest, setup.simulation.compute_threads, interrupted);
  });
  options = std::move(resolved.options);
  setup.tuned = std::move(resolved.tuned);
}

}  // namespace

bool JobSetup::syncs_depend_on_data() const {
  const std::uint64_t per_sync = std::accumulate(traffic.per_sync.begin(), traffic.per_sync.end(), std::uint64_t{0});
  return traffic.steps_per_sync == 0 && per_sync > 0;
}

double JobSetup::epochs(Step step) const {
  return static_cast<double>(step.value) * static_cast<double>(training->samples_per_step()) /
         static_cast<double>(training->training_samples());
}

JobSetup set_up(const Job& job, Purpose purpose, const std::function<bool()>& interrupted,
                const std::optional<OneWorker>& only) {
  use_one_thread_per_computation();
  JobData data = load_job_data(job, only);
  JobSetup setup;
  require_measurable(job, *data.data);
  report_progress("making the model");
  setup.training = make_training(job, data);
  report_progress("setting up the strategy");
  setup.data = std::move(data.data);
  setup.partition = std::move(data.partition);
  if (purpose == Purpose::kRun) setup.remarks = rehearse(job, *setup.training);
  setup.strategy_setting = strategy_setting_of(job, facts_of(*setup.training));
  setup.strategy_setting.checkpoints = checkpoints_of(job, *setup.training);
  setup.simulation = simulation_of(job, *setup.training);
  setup.strategy_options = job.section("strategy").in_steps(setup.strategy_setting.steps_per_epoch);
  if (purpose == Purpose::kRun) tune(job, setup, interrupted);
  setup.traffic = job.strategy->traffic(setup.strategy_options, setup.strategy_setting);
  if (setup.traffic.steps_per_sync > setup.steps()) {
    setup.remarks.push_back("nothing is sent: the first of the averages comes after " +
                            std::to_string(setup.traffic.steps_per_sync) + " steps, and the run has " +
                            std::to_string(setup.steps()) + "; take more steps, or average more often");
  }
  return setup;
}

void start_from(std::span<const std::byte> model_part, JobSetup& setup) {
  Step step;
  Seconds now;
  std::vector<float> buffers(setup.training->stored_layout().size - setup.training->dimension());
  Archive part(model_part);
  archive_model(part, step, now, setup.strategy_setting.start, buffers);
  part.expect_end();
}

void resume_from_model(JobSetup& setup) {
  const std::optional<ResumePoint>& point = setup.simulation.checkpoints.resume;
  if (point && point->from_model) start_from(point->part(kModelPart), setup);
}

JobSetup set_up_own_loop(const Job& job, const ModelFacts& facts) {
  JobSetup setup;
  setup.strategy_setting = strategy_setting_of(job, facts);
  setup.simulation = simulation_of(job, facts.steps);
  setup.simulation.evaluation = {};
  setup.simulation.own_models = OwnModels::kNever;
  setup.simulation.compute_threads = static_cast<int>(job.workers);
  setup.strategy_options = job.section("strategy").in_steps(setup.strategy_setting.steps_per_epoch);
  tune(job, setup, {});
  setup.traffic = job.strategy->traffic(setup.strategy_options, setup.strategy_setting);
  return setup;
}

const StrategyRow& gossiping_strategy(const Job& job) { return job.between == nullptr ? *job.strategy : *job.between; }

const Options& gossip_options(const Job& job, const JobSetup& setup) {
  return job.between == nullptr ? setup.strategy_options : setup.strategy_setting.between_options;
}

Demands gossip_demands(const Job& job, const JobSetup& setup) {
  return gossiping_strategy(job).demands(gossip_options(job, setup));
}

std::string tuned_text(const Job& job, const JobSetup& setup) {
  if (!setup.tuned) return {};
  return "gamma " + significant(setup.tuned->gamma, 4) + ", tuned on " + job.section("topology").text("graph") +
         (gossip_demands(job, setup).compression == Compression::kRequired
              ? ", " + std::string(compressor_row(job).name)
              : "");
}

Outcome simulate_job(const JobSetup& setup, const StrategyFactory& make_strategy, const RunObserver& observer) {
  std::vector<std::unique_ptr<Learner>> learners;
  std::vector<Learner*> views;
  for (Rank rank{0}; rank.value < setup.world_size(); ++rank.value) {
    constexpr std::int32_t kTell = 128;
    if (rank.value % kTell == kTell - 1) {
      report_progress("making workers", learners.size(), static_cast<std::uint64_t>(setup.world_size()));
    }
    learners.push_back(setup.training->learner(rank));
    views.push_back(learners.back().get());
  }
  return sim::simulate(setup.simulation, views, make_strategy, observer);
}

RunResult run_job(const Job& job, const JobSetup& setup, const RunObserver& observer, const Runtime& runtime) {
  const StrategyFactory factory = job.strategy->make(setup.strategy_options, setup.strategy_setting);

  RunResult result;
  RunObserver recording = observer;
  recording.on_measurement = [&](const Measurement& measurement) {
    // What is told of the newest alone.
    if (!result.measurements.empty()) {
      Measurement& former = result.measurements.back();
      former.by_worker.clear();
      former.test.confusion.reset();
      former.validation.confusion.reset();
    }
    result.measurements.push_back(measurement);
    if (observer.on_measurement) observer.on_measurement(measurement);
  };
  recording.on_step = [&](Step step, double loss, std::uint64_t syncs, Bytes framed) {
    result.steps_done = step;
    if (observer.on_step) observer.on_step(step, loss, syncs, framed);
  };
  recording.archive = [&](Archive& archive) {
    archive_measurements(archive, result.measurements);
    archive.value("run.steps_done", result.steps_done.value);
    if (observer.archive) observer.archive(archive);
  };
  const auto start = std::chrono::steady_clock::now();
  result.outcome = runtime(setup, factory, recording);
  result.wall_seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return result;
}

}  // namespace laconic
