#include "faults/fault_plan.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/random.h"
#include "compress/compressor.h"
#include "faults/tiny_learner.h"
#include "mechanisms/budget.h"

namespace laconic::faults {
namespace {

constexpr Seconds kDeadline{2.0};
constexpr Seconds kMeanStep{0.013};
// For strategies that count in epochs; no whole number, as that of most jobs.
constexpr double kStepsPerEpoch = 7.5;
// At this threshold models of a problem of scale 1 are synchronised every few steps.
constexpr double kThresholdOfScale1 = 0.5;

// The time that the coordinator's interface takes for the messages of a step with a synchronisation, as a part of the
// deadline: a few milliseconds, and more than the step itself.
constexpr double kSlowExchange = 0.003;
constexpr double kSaturatedExchange = 0.03;

// The bytes of these messages, one way.
double exchanged_bytes(const TinyJob& job) {
  constexpr double kOverhead = 200.0;  // of frames, records and acknowledgements
  const TrafficFormula formula = job.strategy->traffic(job.options, job.setting);
  double bytes = kOverhead * job.workers();
  const auto steps = static_cast<double>(job.setting.steps);
  const double checks = steps / static_cast<double>(std::max<std::uint64_t>(1, formula.steps_per_check));
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    const double all = steps * static_cast<double>(formula.per_step[kind]) + static_cast<double>(formula.per_run[kind]);
    bytes += 0.5 * (all / checks + static_cast<double>(formula.per_sync[kind]));
  }
  return bytes;
}

bool has_option(const StrategyRow& row, std::string_view name) {
  return std::ranges::any_of(row.options, [&](const OptionSpec& spec) { return spec.name == name; });
}

TinyJob tiny_job(const FaultJob& job, std::uint64_t seed, std::optional<double> threshold, std::uint64_t steps) {
  const TinyProblem problem{.seed = seed,
                            .scale = std::sqrt(threshold.value_or(kThresholdOfScale1) / kThresholdOfScale1)};
  StrategySetting setting{.dimension = problem.dimension,
                          .layout = flat_layout(problem.dimension),
                          .trained = problem.dimension,
                          .world_size = job.workers,
                          .seed = seed,
                          .steps = steps,
                          .steps_per_epoch = kStepsPerEpoch,
                          .step_time = kMeanStep,
                          .exchange_time = small_exchange_time(Collective::kStar, job.workers, {0.001}),
                          .comes_and_goes = true,
                          .start = start_of(problem)};
  if (job.compressor) setting.compressor = job.compressor(setting.layout);
  for (int worker = 0; worker < job.workers; ++worker) setting.samples.push_back(samples_of(worker));
  // At least three synchronisations, or checks.
  const TrafficFormula formula = job.strategy->traffic(job.options, setting);
  setting.steps += 3 * std::max(formula.steps_per_sync, formula.steps_per_check);
  return {.strategy = job.strategy,
          .options = job.options,
          .setting = std::move(setting),
          .learner = [problem](int worker) { return std::make_unique<TinyLearner>(problem, worker); },
          .deadline = kDeadline};
}

Fault draw_fault(RandomStream& stream, int workers, Seconds length) {
  Fault fault{.kind = static_cast<FaultKind>(stream.below(kFaultKinds)),
              .when = {length.value * stream.uniform()},
              .span = {1.5 * kDeadline.value * stream.uniform() * stream.uniform()},
              .workers = {static_cast<int>(stream.below(static_cast<std::uint64_t>(workers)))},
              .to_coordinator = stream.below(2) == 0,
              .write = 1 + stream.below(6)};
  if (fault.kind != FaultKind::kPartition || stream.below(3) > 0) return fault;
  for (int worker = 0; worker < workers; ++worker) {
    if (worker != fault.workers.front() && stream.below(2) == 0) fault.workers.push_back(worker);
  }
  return fault;
}

}  // namespace

std::string_view to_text(FaultKind kind) {
  static constexpr std::array<std::string_view, kFaultKinds> kTexts = {
      "crash", "crash without a word",     "reset",        "half-open stream",         "partition",
      "stall", "stall of the coordinator", "damaged byte", "crash of the coordinator", "death at a write"};
  return kTexts.at(static_cast<std::size_t>(kind));
}

FaultPlan plan_of(std::uint64_t seed, const FaultJob& job) {
  LACONIC_CHECK(job.strategy->demands(job.options).tolerates_absence, job.strategy->name << " needs all workers");
  RandomStream stream(seed, "faults of workers that come and go");
  FaultPlan plan;
  plan.seed = seed;
  const std::optional<double> threshold = fixed_threshold(*job.strategy, job.options);
  // The estimate of a sketch is below the variance at times, and a late decision is of the models a step before.
  const bool is_of_sketch = has_option(*job.strategy, "monitor") && job.options.text("monitor") == "sketch";
  const bool is_late = has_option(*job.strategy, "decide_late") && job.options.flag("decide_late");
  if (!is_of_sketch && !is_late) plan.threshold = threshold;
  MembershipOptions& options = plan.options;
  options.job = tiny_job(job, seed, threshold, 40 + stream.below(60));
  options.least = job.least;
  options.patience = {std::max(1.0, job.patience) * kDeadline.value};
  options.returning = job.returning;
  options.alone = job.alone;
  options.alone_steps = job.alone_steps;
  options.network.latency = {0.0005 + 0.01 * stream.uniform()};
  const std::uint64_t rate = stream.below(6);
  plan.is_slow = rate < 2;
  plan.is_saturated = rate == 2;
  if (plan.is_slow || plan.is_saturated) {
    const double seconds = kDeadline.value * (plan.is_slow ? kSlowExchange : kSaturatedExchange);
    const BitsPerSecond bits{8.0 * exchanged_bytes(options.job) / seconds};
    options.network.interface = {.up = bits, .down = bits};
  }
  for (int worker = 0; worker < job.workers; ++worker) options.step_cost.push_back({0.003 + 0.02 * stream.uniform()});
  const std::uint64_t faults = stream.below(10);
  const Seconds length{0.03 * static_cast<double>(options.job.setting.steps)};
  for (std::uint64_t fault = 0; fault < faults; ++fault) {
    plan.faults.push_back(draw_fault(stream, job.workers, length));
  }
  // Vectors are pulled in a few pieces in half of the plans, and as whole parts in the others.
  plan.is_pulled = stream.below(2) == 0;
  if (plan.is_pulled) {
    // Of a sketch, which is larger than the models, in as many.
    const double floats = exchanged_bytes(options.job) / sizeof(float) / job.workers;
    const double times = std::max(1.0, floats / static_cast<double>(2 * options.job.setting.dimension));
    options.piece = (1 + stream.below(options.job.setting.dimension / 2)) * static_cast<std::size_t>(times);
  }
  return plan;
}

}  // namespace laconic::faults
