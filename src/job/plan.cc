#include "job/plan.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "base/supervision.h"
#include "job/results.h"
#include "mechanisms/budget.h"
#include "mechanisms/gossip.h"
#include "mechanisms/push_sum.h"
#include "report/format.h"

namespace laconic {
namespace {

constexpr std::uint64_t kProbeSteps = 4;
constexpr std::uint64_t kMostProbeSteps = 200'000;  // over all workers
// What the probe's own vectors and frames may take: a plan is to be had where the run itself would not fit.
constexpr std::uint64_t kMostProbeBytes = std::uint64_t{1} << 30;

// A model that is not trained: a step leaves it as it is, or takes it far away in a direction of its own, so that what
// watches the models sees nothing or too much.
class ProbeLearner final : public Learner {
 public:
  ProbeLearner(const Layout& layout, std::uint64_t samples, float jump)
      : layout_(layout), samples_(samples), params_(layout.size), jump_(jump) {}

  std::span<float> params() override { return params_; }
  std::span<float> gradient() override {
    gradient_.resize(params_.size());
    return gradient_;
  }
  const Layout& layout() const override { return layout_; }
  std::span<float> buffers() override { return {}; }
  std::uint64_t samples() const override { return samples_; }
  double learning_rate() const override { return 1.0; }
  StepResult compute_gradient(Step) override { return {.loss = 0.0, .samples = 1}; }
  void apply_gradient() override {
    if (jump_ == 0.0F) return;
    float sign = jump_;
    for (float& value : params_) value += sign = -sign;
  }
  StepResult local_step(Step step) override {
    apply_gradient();
    return compute_gradient(step);
  }
  Evaluation evaluate(std::span<const float>, std::span<const float>, Split) override { return {}; }
  void archive(Archive&) override {}

 private:
  const Layout& layout_;
  std::uint64_t samples_;
  std::vector<float> params_;
  std::vector<float> gradient_;
  float jump_;
};

struct Probe {
  Seconds time;
  std::uint64_t syncs = 0;
};

// Who moves in a probe: nobody; everyone, or the last worker alone, which a strategy that asks others one after another
// for their models takes longer over.
enum class Moves { kNobody, kEveryone, kOne };

Probe probe(const Job& job, const JobSetup& setup, std::uint64_t steps, Moves moves) {
  constexpr float kJump = 1000.0F;
  std::vector<std::unique_ptr<Learner>> learners;
  std::vector<Learner*> views;
  StrategySetting setting = setup.strategy_setting;
  setting.start.assign(setting.dimension, 0.0F);
  setting.steps_per_epoch = 1.0;  // for rounds that an epoch ends
  // Some end when all have; a quiet run stands for the middle of a long one.
  if (moves != Moves::kNobody && setup.syncs_depend_on_data()) setting.steps = steps;
  for (int k = 0; k < setting.world_size; ++k) {
    const bool still = moves == Moves::kNobody || (moves == Moves::kOne && k + 1 < setting.world_size);
    learners.push_back(std::make_unique<ProbeLearner>(setup.training->layout(),
                                                      setting.samples[static_cast<std::size_t>(k)],
                                                      still ? 0.0F : kJump * static_cast<float>(k + 1)));
    views.push_back(learners.back().get());
  }
  sim::SimulationOptions options = setup.simulation;
  options.steps = {steps};
  options.evaluation = {.numerator = steps, .denominator = 1};
  options.own_models = OwnModels::kNever;
  options.until = nullptr;
  options.network.loss = options.network.duplication = 0.0;  // a few steps would show few of them or many
  options.compute_threads = 1;
  options.prepare_thread = nullptr;
  Probe result;
  RunObserver observer;
  observer.on_measurement = [&](const Measurement& measurement) { result.time = measurement.time; };
  observer.on_step = [&](Step step, double, std::uint64_t, Bytes) { report_progress("planning", step.value, steps); };
  // What a budget would make of a few steps is no threshold of the whole run.
  const Options strategy = has_budget(*job.strategy, setup.strategy_options)
                               ? with_threshold(setup.strategy_options, moves == Moves::kNobody ? "inf" : "0")
                               : setup.strategy_options;
  const Outcome outcome = sim::simulate(options, views, job.strategy->make(strategy, setting), observer);
  if (outcome.error) std::rethrow_exception(outcome.error);
  if (outcome.end == Outcome::End::kInterrupted) throw Interrupted("interrupted while planning");
  result.syncs = outcome.syncs;
  return result;
}

std::uint64_t sum(const std::array<std::uint64_t, kTrafficKinds>& values) {
  return std::accumulate(values.begin(), values.end(), std::uint64_t{0});
}

bool compresses_averages(const Job& job, const JobSetup& setup) {
  return job.demands().compression == Compression::kOptional && setup.strategy_setting.compressor != nullptr;
}

// Vectors of a node's strategy, those in which it only computes among them.
std::uint64_t vectors_of_strategy(const Job& job, const JobSetup& setup) {
  return static_cast<std::uint64_t>(job.demands().memory.vectors) + (compresses_averages(job, setup) ? 3 : 0);
}

// Bytes that a node's strategy keeps from round to round, but for what it keeps of each neighbour.
std::uint64_t kept_by_strategy(const Job& job, const JobSetup& setup) {
  const auto model = static_cast<std::uint64_t>(setup.strategy_setting.dimension) * sizeof(float);
  constexpr std::uint64_t kCopies = 4;  // its vectors, and what is saved of them
  // Over links much of it comes about in the first rounds; a strategy that has seen none does not show it.
  if (job.demands().talks == Talks::kLinks || kCopies * model > kMostProbeBytes)
    return vectors_of_strategy(job, setup) * model;
  const std::unique_ptr<Strategy> strategy = job.strategy->make(setup.strategy_options, setup.strategy_setting)();
  Archive archive;
  strategy->archive(archive);
  return archive.take().size();
}

// What all workers keep of each of their neighbours.
std::uint64_t kept_of_neighbors(const Job& job, const JobSetup& setup) {
  const auto model = static_cast<std::uint64_t>(setup.strategy_setting.dimension) * sizeof(float);
  const auto workers = static_cast<std::uint64_t>(setup.world_size());
  if (!gossip_demands(job, setup).memory.per_neighbor) return 0;
  const StrategySetting& setting = setup.strategy_setting;
  // A vector for each end of an edge; or two for each link, but one at a sender whose receivers stay.
  if (setting.mixing != nullptr) return gossip_payload(*setting.mixing, model);
  return links_ever(*setting.links) * model +
         (setting.links->is_static() ? workers : links_ever(*setting.links)) * model;
}

Bytes memory_of(const Job& job, const JobSetup& setup) {
  const auto model = static_cast<std::uint64_t>(setup.strategy_setting.dimension) * sizeof(float);
  const auto workers = static_cast<std::uint64_t>(setup.world_size());
  const bool with_gradient = setup.traffic.per_step[static_cast<std::size_t>(Traffic::kGradient)] +
                                 setup.traffic.per_sync[static_cast<std::size_t>(Traffic::kGradient)] >
                             0;
  std::uint64_t bytes = workers * setup.training->memory_per_worker(with_gradient).value;
  bytes += workers * std::max(vectors_of_strategy(job, setup) * model, kept_by_strategy(job, setup));
  if (job.between != nullptr) {
    bytes += job.groups * model * static_cast<std::uint64_t>(job.demands_between().memory.vectors);
  }
  bytes += kept_of_neighbors(job, setup);
  // A synchronisation has every worker's model in flight once; the start, the average and the sums of a measurement.
  if (sum(setup.traffic.per_sync) > 0) bytes += workers * model;
  bytes += (setup.simulation.keep_best ? 9 : 8) * model;
  // An instance with its gradient for each thread.
  bytes += static_cast<std::uint64_t>(setup.simulation.compute_threads) * model;
  bytes += setup.data->train.memory() + setup.data->test.memory() + setup.data->validation.memory();
  return {bytes};
}

// What a worker may send and receive in the run. Unset without a budget, and for one of bytes a time, since the run's
// is not known.
std::optional<double> bytes_in_budget(const Job& job, const JobSetup& setup) {
  if (!has_budget(*job.strategy, setup.strategy_options)) return std::nullopt;
  const BudgetRate rate = read_budget(setup.strategy_options).value();
  if (rate.of_time) return std::nullopt;
  return rate.bytes / rate.span * static_cast<double>(setup.steps());
}

// Synchronisations that a budget pays for, and the few that it may be ahead of itself. Each frame counts for one worker
// at least, with its sender or its receiver.
std::uint64_t syncs_in_budget(const Job& job, const JobSetup& setup) {
  const std::optional<double> bytes = bytes_in_budget(job, setup);
  const std::uint64_t all = std::numeric_limits<std::uint64_t>::max();
  const std::uint64_t each = sum(setup.traffic.per_sync);
  if (!bytes || each == 0) return all;
  constexpr double kAhead = 3.0;
  const double syncs = *bytes * setup.world_size() / static_cast<double>(each) + kAhead;
  return syncs < 1e18 ? static_cast<std::uint64_t>(syncs) : all;
}

// "9, each of about 2.47 MB (309 kB a worker), in runs/a.checkpoint, where the newest 2 stay"
std::string checkpoints_text(const Job& job, const JobSetup& setup) {
  const std::uint64_t count = setup.strategy_setting.drains();
  if (count == 0) return "none, as the run ends before the first";
  const auto workers = static_cast<std::uint64_t>(setup.world_size());
  const std::uint64_t strategy = kept_by_strategy(job, setup);
  const std::uint64_t all_workers =
      workers * (setup.training->memory_per_worker(false).value + strategy) + kept_of_neighbors(job, setup);
  // The coordinator's, and of the run itself the common model, the newest one that was measured, and the best.
  const std::uint64_t models = setup.simulation.keep_best ? 3 : 2;
  const std::uint64_t others =
      (setup.simulation.with_coordinator ? strategy : 0) + models * setup.strategy_setting.dimension * sizeof(float);
  const std::uint64_t keep = job.section("checkpoint").integer("keep");
  return grouped(count) + (count == 1 ? ", of about " : ", each of about ") + to_text(Bytes{all_workers + others}) +
         " (" + to_text(Bytes{all_workers / workers}) + " a worker), in " + job.checkpoint_dir() +
         (count <= keep ? ""
          : keep == 1   ? ", where the newest stays"
                        : ", where the newest " + grouped(keep) + " stay");
}

std::string bounds(const std::string& least, const std::string& most) {
  return least == most ? least : least + " to " + most + ", as the data decide";
}

}  // namespace

Plan make_plan(const Job& job, const JobSetup& setup) {
  job.strategy->make(setup.strategy_options, setup.strategy_setting);  // refuses what a run would
  Plan plan;
  plan.memory = memory_of(job, setup);
  plan.step_payload = sum(setup.traffic.per_step);
  plan.sync_payload = sum(setup.traffic.per_sync);
  plan.run_payload = sum(setup.traffic.per_run);
  const std::uint64_t period = setup.traffic.steps_per_sync;
  const auto workers = static_cast<std::uint64_t>(setup.world_size());
  const Seconds compute = *std::max_element(job.step_cost.begin(), job.step_cost.end());
  // A worker's model, its frame, and what its monitor keeps.
  const std::uint64_t probe_bytes = workers * setup.strategy_setting.dimension * sizeof(float) * 4;
  const bool can_probe = probe_bytes <= kMostProbeBytes;
  if (setup.syncs_depend_on_data()) {
    plan.fewest_syncs = setup.traffic.fewest_syncs;
    plan.most_syncs = setup.traffic.most_syncs.value_or(setup.steps());
    plan.step_time = compute;
    const std::uint64_t apart = setup.traffic.steps_per_check;
    const std::uint64_t steps = kProbeSteps * (apart > 0 ? std::min(apart, setup.steps())
                                                         : setup.steps() / std::max<std::uint64_t>(plan.most_syncs, 1));
    plan.most_syncs = std::min(plan.most_syncs, syncs_in_budget(job, setup));
    if (!can_probe || steps > kMostProbeSteps / workers) return plan;
    const Probe quiet = probe(job, setup, steps, Moves::kNobody);
    Seconds at_syncs;  // of the quiet run, where it could not do without
    for (const Moves moves : {Moves::kEveryone, Moves::kOne}) {
      const Probe loud = probe(job, setup, steps, moves);
      if (loud.syncs <= quiet.syncs) continue;
      const auto more = static_cast<double>(loud.syncs - quiet.syncs);
      const double each = std::max(0.0, (loud.time - quiet.time).value / more);
      plan.sync_time = Seconds{std::max(each, plan.sync_time.value_or(Seconds{}).value)};
    }
    if (plan.sync_time) at_syncs = {static_cast<double>(quiet.syncs) * plan.sync_time->value};
    plan.step_time = {(quiet.time - at_syncs).value / static_cast<double>(steps)};
    return plan;
  }
  plan.step_time = compute;
  if (period == 0) return plan;
  plan.fewest_syncs = plan.most_syncs = setup.steps() / period;
  if (can_probe && period <= kMostProbeSteps / workers) {
    // A compressed change of nothing would be a short message.
    const Probe one = probe(job, setup, period, compresses_averages(job, setup) ? Moves::kEveryone : Moves::kNobody);
    plan.sync_time = Seconds{std::max(0.0, one.time.value - static_cast<double>(period) * compute.value)};
  }
  return plan;
}

std::string plan_text(const Job& job, const JobSetup& setup, std::size_t width) {
  const Plan plan = make_plan(job, setup);
  const std::uint64_t steps = setup.steps();
  const auto workers = static_cast<std::uint64_t>(setup.world_size());
  std::string text = "Plan of " + job.name + "; nothing is started or written\n";
  const auto line = [&](std::string label, const std::string& value) {
    label.resize(14, ' ');
    text += "  " + label + value + "\n";
  };
  // The size of messages that depends on what is in them is known for Gaussian vectors.
  const std::string about = setup.traffic.depends_on_values ? "about " : "";
  const auto payload = [&](std::uint64_t bytes) {
    return about + to_text(Bytes{bytes}) + " (" + to_text(Bytes{bytes / workers}) + " a worker)";
  };
  line("model", std::string(job.model->name) + ", d = " + grouped(setup.strategy_setting.dimension) + " parameters, " +
                    to_text(Bytes{setup.strategy_setting.dimension * sizeof(float)}));
  line("data", std::string(job.dataset->name) + ", " + grouped(setup.data->train.count()) + " to train, " +
                   grouped(setup.data->validation.count()) + " held out, " + grouped(setup.data->test.count()) +
                   " to test");
  const auto named = [](const StrategyRow& row) {
    return std::string(row.name) + " (" + std::string(row.source) + ")";
  };
  if (!setup.training->drifts().empty()) {
    const std::vector<std::uint64_t>& drifts = setup.training->drifts();
    constexpr std::size_t kMostShown = 5;
    std::string steps_text;
    for (std::size_t i = 0; i < std::min(drifts.size(), kMostShown); ++i) {
      steps_text += (i > 0 ? ", " : "") + grouped(drifts[i]);
    }
    line("drift", job.section("drift").text("kind") + ", after step " + steps_text +
                      (drifts.size() > kMostShown ? ", ...: " + grouped(drifts.size()) + " times" : ""));
  }
  line("strategy", named(*job.strategy));
  if (job.between != nullptr) line("between", named(*job.between) + ", " + grouped(job.groups) + " groups");
  if (setup.tuned) line("tuned", tuned_text(job, setup));
  const std::string by = workers == 1 ? " by one worker (" : " by each of " + grouped(workers) + " workers (";
  line("steps", grouped(steps) + by + significant(setup.epochs({steps})) + " epochs)" +
                    (job.until ? ", fewer if until holds" : ""));
  line("memory", "about " + to_text(plan.memory) + ", libtorch's own not counted");
  line("a step", payload(plan.step_payload) + " of payload, " + to_text(plan.step_time));
  if (plan.run_payload > 0) line("a run", payload(plan.run_payload) + " of payload beside those");
  if (plan.sync_payload > 0) {
    line("a sync", payload(plan.sync_payload) + " of payload" +
                       (plan.sync_time ? ", " + to_text(*plan.sync_time) + " more" : ""));
    line("syncs", bounds(grouped(plan.fewest_syncs), grouped(plan.most_syncs)));
  }
  if (has_budget(*job.strategy, setup.strategy_options)) {
    const std::optional<double> bytes = bytes_in_budget(job, setup);
    line("budget",
         budget_text(setup.strategy_options) + ", sent and received by a worker" +
             (bytes && *bytes < 1e18 ? ": " + to_text(Bytes{static_cast<std::uint64_t>(*bytes)}) + " in the run" : ""));
  }
  line("payload", about + bounds(to_text(plan.fewest_bytes(steps)), to_text(plan.most_bytes(steps))));
  if (job.checkpoint_interval) line("checkpoints", checkpoints_text(job, setup));
  if (const std::optional<double> joules = joules_of(job, plan.most_bytes(steps), steps)) {
    line("energy", "about " + significant(*joules) + " J for payload and steps, by the job's [energy]");
  }
  if (plan.sync_time || plan.most_syncs == 0) {
    const bool has_more = plan.run_payload > 0 && !setup.syncs_depend_on_data();
    const auto time = [&](std::uint64_t syncs) {
      return to_text(Seconds{static_cast<double>(steps) * plan.step_time.value +
                             static_cast<double>(syncs) * plan.sync_time.value_or(Seconds{}).value});
    };
    line("time", "about " + bounds(time(plan.fewest_syncs), time(plan.most_syncs)) + ", on the job's network" +
                     (has_more ? ", without the " + to_text(Bytes{plan.run_payload}) + " beside steps and syncs" : ""));
  } else {
    line("time", "about " + to_text(Seconds{static_cast<double>(steps) * plan.step_time.value}) +
                     " without synchronisations, on the job's network; what they add is not predicted");
  }
  if (const auto least = paper_gb(job, setup.strategy_setting, steps, plan.fewest_syncs)) {
    const auto most = paper_gb(job, setup.strategy_setting, steps, plan.most_syncs);
    line("paper bytes", bounds(significant(*least) + " GB", significant(*most) + " GB") +
                            ", as FDA's paper counts: " + std::string(paper_note(job.strategy->name)));
  }
  for (const std::string& remark : setup.remarks) text += wrapped("note: " + remark, 0, width);
  text += setup.data->train.labels.empty() ? "\nSamples at each worker\n" : "\nSamples of each label at each worker\n";
  std::string labels = labels_by_worker_text(setup.partition, setup.data->train, setup.data->classes);
  for (std::size_t from = 0; from < labels.size();) {
    const std::size_t end = std::min(labels.find('\n', from), labels.size());
    text += std::string(clipped(std::string_view(labels).substr(from, end - from), width)) + "\n";
    from = end + 1;
  }
  return text;
}

}  // namespace laconic
