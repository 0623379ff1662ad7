#include "fault_run.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/random.h"

namespace laconic::tests {
namespace {

constexpr Seconds kDeadline{2.0};
// What a process takes to end beside the deadline: listening to others, and letting its last words leave.
constexpr Seconds kFarewell{0.7};

constexpr std::array kFaults = {Fault::kNone,    Fault::kShortStall, Fault::kSlow,
                                Fault::kSilence, Fault::kCrash,      Fault::kReportedCrash,
                                Fault::kCut,     Fault::kLostFrame,  Fault::kInterrupt};

template <typename List>
const auto& pick(RandomStream& stream, const List& list) {
  return list[static_cast<std::size_t>(stream.below(list.size()))];
}

bool loses_somebody(Fault fault) {
  return fault == Fault::kSilence || fault == Fault::kCrash || fault == Fault::kReportedCrash;
}

bool needs_other(Fault fault) {
  return fault == Fault::kCut || fault == Fault::kLostFrame || fault == Fault::kBrokenStream ||
         fault == Fault::kSilentStream || fault == Fault::kDamagedByte;
}

// What happens to streams where the links of whole frames have something else happen to them.
Fault over_sessions(Fault fault) {
  switch (fault) {
    case Fault::kLostFrame:
      return Fault::kBrokenStream;
    case Fault::kSlow:
      return Fault::kDamagedByte;
    case Fault::kNone:
      return Fault::kSilentStream;
    default:
      return fault;
  }
}

// Whether a text names the process, or the coordinator that lives in it.
bool names(const std::string& text, int process) {
  return text.find("worker " + std::to_string(process)) != std::string::npos ||
         (process == 0 && text.find("the coordinator") != std::string::npos);
}

bool is_done(const ProcessResult& one) { return one.outcome && one.outcome->end == Outcome::End::kSteps; }
// All but one.
bool all_done(const ProcessesResult& result, int but) {
  for (std::size_t rank = 0; rank < result.processes.size(); ++rank) {
    if (static_cast<int>(rank) != but && !is_done(result.processes[rank])) return false;
  }
  return true;
}

// The run of the plan; without its fault where `happens` is unset.
ProcessesResult run_plan(const FaultPlan& plan, std::optional<Seconds> happens, bool ends_are_lost) {
  const int size = plan.scenario.problem.workers;
  std::vector<std::unique_ptr<KeptCheckpoints>> kept;
  ProcessesOptions options{.world = plan.world, .average = plan.average, .over_sessions = plan.over_sessions};
  options.world.network.ends_are_lost = ends_are_lost;
  for (int process = 0; plan.saves && process < size; ++process) {
    kept.push_back(std::make_unique<KeptCheckpoints>(false));
    options.keepers.push_back(kept.back().get());
  }
  bool is_asked = false;
  if (happens && plan.fault == Fault::kInterrupt) {
    options.interrupted = [&](int process) { return is_asked && process == plan.process; };
  }
  options.plan = [&](sim::ProcessWorld& world) {
    if (!happens || plan.fault == Fault::kNone) return;
    world.events().at(*happens, [&] {
      const Seconds span{plan.span * kDeadline.value};
      switch (plan.fault) {
        case Fault::kNone:
          return;
        case Fault::kShortStall:
          return world.turns().stall(plan.process, span);
        case Fault::kSlow:
          return world.network().delay(span);
        case Fault::kSilence:
          return world.turns().stall(plan.process, {kIdle});
        case Fault::kCrash:
          return world.crash(plan.process);
        case Fault::kReportedCrash:
          world.crash(plan.process);
          world.stream_network().crash(plan.process, /*tells=*/true);
          return world.network().report_failure(plan.process, "its connection was reset");
        case Fault::kCut:
          world.stream_network().part(plan.process, plan.other);
          return world.network().cut(plan.process, plan.other);
        case Fault::kLostFrame:
          return world.network().lose_next(plan.process, plan.other);
        case Fault::kInterrupt:
          is_asked = true;
          return;
        case Fault::kBrokenStream:
          return world.stream_network().reset(plan.process, plan.other);
        case Fault::kSilentStream:
          return world.stream_network().lose(plan.process, plan.other);
        case Fault::kDamagedByte:
          return world.stream_network().damage_next(plan.process, plan.other);
      }
    });
  };
  return run_over_processes(plan.scenario, options);
}

}  // namespace

std::string_view to_text(Fault fault) {
  switch (fault) {
    case Fault::kNone:
      return "nothing";
    case Fault::kShortStall:
      return "a short stall";
    case Fault::kSlow:
      return "a slow network";
    case Fault::kSilence:
      return "silence";
    case Fault::kCrash:
      return "a crash";
    case Fault::kReportedCrash:
      return "a crash that the network tells of";
    case Fault::kCut:
      return "a cut";
    case Fault::kLostFrame:
      return "a lost frame";
    case Fault::kInterrupt:
      return "an interrupt";
    case Fault::kBrokenStream:
      return "a broken stream";
    case Fault::kSilentStream:
      return "a stream that goes silent";
    case Fault::kDamagedByte:
      return "a damaged byte";
  }
  return "?";
}

std::string FaultPlan::to_text() const {
  std::string text = row.name() + ", " + std::to_string(scenario.problem.workers) + " processes, " +
                     std::to_string(scenario.steps) + " steps: " + std::string(tests::to_text(fault)) + " at process " +
                     std::to_string(process);
  if (needs_other(fault)) text += " towards " + std::to_string(other);
  if (over_sessions) text += ", over sessions";
  return text + ", after " + std::to_string(when) + " of the run";
}

FaultPlan plan_of(std::uint64_t seed) {
  static const std::vector<Row> kRows = rows(4);
  RandomStream stream(seed, "fault plan");
  FaultPlan plan;
  plan.row = pick(stream, kRows);
  const bool has_groups = !plan.row.between.empty();
  const int size = has_groups ? 4 : 2 + static_cast<int>(stream.below(4));
  const std::uint64_t steps = 20 + stream.below(10);
  plan.scenario = {.problem = {.workers = size, .dimension = 24, .seed = seed, .shapes = {{4, 2, 1}, {16}}},
                   .strategy = plan.row.strategy,
                   .options = plan.row.options,
                   .between = plan.row.between,
                   .steps = steps,
                   .collective = plan.row.collective,
                   .compressor = plan.row.compressor,
                   .checkpoints = {.numerator = stream.below(2) == 0 ? 0 : 2 + stream.below(6)},
                   .evaluate_every = 1 + stream.below(6),
                   .deadline = kDeadline};
  plan.saves = stream.below(2) == 0;
  plan.average = stream.below(2) == 0;
  plan.world.step_cost = {0.002 + 0.03 * stream.uniform()};
  plan.world.network.latency = {0.0005 + 0.002 * stream.uniform()};
  if (stream.below(3) == 0)
    plan.world.network.interface = {.up = {5e6}, .down = {5e6}};
  else
    plan.world.network.interface = {.up = {1e9}, .down = {1e9}};
  plan.world.limit = {200.0 * kDeadline.value};
  plan.fault = pick(stream, kFaults);
  plan.process = static_cast<int>(stream.below(static_cast<std::uint64_t>(size)));
  plan.other = (plan.process + 1 + static_cast<int>(stream.below(static_cast<std::uint64_t>(size) - 1))) % size;
  plan.when = 1.02 * stream.uniform();
  plan.span = plan.fault == Fault::kSlow ? 0.03 * stream.uniform() : 0.3 * stream.uniform();
  plan.over_sessions = stream.below(2) == 0;
  if (plan.over_sessions) plan.fault = over_sessions(plan.fault);
  return plan;
}

FaultVerdict try_plan(const FaultPlan& plan, bool ends_are_lost) {
  FaultVerdict verdict;
  const auto object = [&](const std::string& text) { verdict.objections.push_back(text); };
  const ProcessesResult quiet = run_plan(plan, std::nullopt, false);
  if (!quiet.hang.empty()) object("with nothing happening: " + quiet.hang);
  for (const ProcessResult& one : quiet.processes) {
    if (!one.outcome || one.outcome->end != Outcome::End::kSteps) object("with nothing happening: " + one.error);
  }
  if (!verdict.objections.empty()) return verdict;

  const Seconds happens{plan.when * quiet.ended.value};
  const ProcessesResult result = run_plan(plan, happens, ends_are_lost);
  verdict.trace_hash = result.trace_hash;
  verdict.account = plan.to_text() + " (" + laconic::to_text(happens) + " of " + laconic::to_text(quiet.ended) + ")";
  if (!result.hang.empty()) object(result.hang);
  const bool is_harmless = !loses_somebody(plan.fault) && plan.fault != Fault::kCut &&
                           plan.fault != Fault::kLostFrame && plan.fault != Fault::kInterrupt;
  // A frame that is lost, or would have come from one who is cut off, is missed when it is waited for; what ends the
  // waiting for others waits twice as long.
  const bool is_missed_later = plan.fault == Fault::kCut || plan.fault == Fault::kLostFrame;
  const Seconds bound =
      happens + kFarewell + (is_missed_later ? Seconds{quiet.ended.value + 3.0 * kDeadline.value} : kDeadline);
  bool is_named_by_some = is_harmless || plan.fault == Fault::kInterrupt ||
                          all_done(result, loses_somebody(plan.fault) ? plan.process : -1);
  for (std::size_t rank = 0; rank < result.processes.size(); ++rank) {
    const ProcessResult& one = result.processes[rank];
    const std::string who = "process " + std::to_string(rank);
    verdict.account +=
        "\n  " + who + " ended at " + laconic::to_text(one.ended) + ": " + (one.error.empty() ? "done" : one.error);
    if (is_harmless) {
      if (!is_done(one)) object(who + " did not come to the last step: " + one.error);
      if (plan.row.demands.timing == Timing::kLockStep && one.params != quiet.processes[rank].params)
        object(who + " has another model");
      continue;
    }
    const bool is_the_lost_one = loses_somebody(plan.fault) && static_cast<int>(rank) == plan.process;
    if (is_the_lost_one) continue;
    if (one.ended > bound && one.ended > quiet.ended + kFarewell) {
      object(who + " ended at " + laconic::to_text(one.ended) + ", and something happened at " +
             laconic::to_text(happens));
    }
    if (is_done(one)) continue;
    if (plan.fault == Fault::kInterrupt) {
      const bool was_told = (one.outcome && one.outcome->end == Outcome::End::kInterrupted) || one.is_interrupted;
      if (!was_told) object(who + " does not say that it was interrupted: " + one.error);
      continue;
    }
    if (!one.is_loss && plan.fault != Fault::kLostFrame)
      object(who + " does not say that somebody is lost: " + one.error);
    const bool is_named = names(one.error, plan.process) ||
                          (is_missed_later && (names(one.error, plan.other) ||
                                               one.error.find("frames have been delivered") != std::string::npos));
    is_named_by_some = is_named_by_some || is_named;
    if (!is_named && !is_missed_later) object(who + " names nobody who was lost: " + one.error);
    if (one.error.find("worker") == std::string::npos) object(who + " names nobody: " + one.error);
  }
  // Who waits in vain for somebody who waits in vain himself may be the first to say so.
  if (!is_named_by_some) object("nobody names who was lost");
  return verdict;
}

}  // namespace laconic::tests
