#include "faults/trial.h"

#include <fmt/format.h>

#include <algorithm>
#include <exception>

#include "base/error.h"
#include "faults/membership_oracle.h"

namespace laconic::faults {
namespace {

// A run without faults takes a few seconds; saturated, some ten.
constexpr Seconds kLongestRun{300.0};

// How many workers no fault has kept away since `begin`: one takes at most a deadline to be back after it.
int undisturbed(const FaultPlan& plan, Seconds begin, Seconds end) {
  int count = 0;
  for (int worker = 0; worker < plan.options.job.workers(); ++worker) {
    count += std::ranges::none_of(plan.faults, [&](const Fault& fault) {
      const bool is_meant = fault.kind == FaultKind::kCoordinatorStall || fault.kind == FaultKind::kCoordinatorCrash ||
                            fault.kind == FaultKind::kDeathAtWrite ||
                            std::ranges::find(fault.workers, worker) != fault.workers.end();
      return is_meant && fault.when < end && fault.when + fault.span + plan.options.job.deadline > begin;
    });
  }
  return count;
}

// Where only workers keep what they have in common: whether each that had it after the newest result, or after the one
// before, which may have reached nobody, was started again since.
bool is_lost_by_all(const MembershipWorld& world, const MembershipOptions& options) {
  if (options.job.strategy->demands(options.job.options).common_at != CommonPlace::kMembers) return false;
  Step newest;
  for (const MembershipWorld::Entry& entry : world.log()) {
    if (entry.kind == MembershipWorld::Entry::Kind::kCommitted) newest = std::max(newest, entry.step);
  }
  Step kept;
  for (int worker = 0; worker < options.job.workers(); ++worker) kept = std::max(kept, world.completed(worker));
  return kept.value + 1 < newest.value;
}

}  // namespace

void strike(const Fault& fault, MembershipWorld& world, FaultCounts& counts) {
  if (world.is_over()) return;
  const int worker = fault.workers.front();
  const bool is_crash = fault.kind == FaultKind::kCrash || fault.kind == FaultKind::kSilentCrash;
  if (is_crash && !world.is_there(worker)) return;
  ++counts.faults[static_cast<std::size_t>(fault.kind)];
  const std::string name = "worker " + std::to_string(worker);
  const std::string span = fmt::format("{:.4f} s", fault.span.value);
  sim::EventQueue& events = world.events();
  const Seconds end = events.now() + fault.span;
  switch (fault.kind) {
    case FaultKind::kCrash:
    case FaultKind::kSilentCrash:
      world.note(name + (fault.kind == FaultKind::kCrash ? " crashes" : " crashes without a word") + ", for " + span);
      world.kill(worker, fault.kind == FaultKind::kCrash);
      return events.at(end, [&world, worker, name] {
        world.note(name + " is started again");
        world.start(worker);
      });
    case FaultKind::kReset:
      world.note("the streams of " + name + " break");
      return world.network().reset(0, worker + 1);
    case FaultKind::kHalfOpen:
      world.note("the streams of " + name + " lose all from now on");
      return world.network().lose(0, worker + 1);
    case FaultKind::kPartition:
      for (const int one : fault.workers) {
        world.note("worker " + std::to_string(one) + " is cut off, for " + span);
        world.network().part(0, one + 1);
        events.at(end, [&world, one] {
          world.note("worker " + std::to_string(one) + " can be reached again");
          world.network().restore(0, one + 1);
        });
      }
      return;
    case FaultKind::kStall:
      world.note(name + " stands still, for " + span);
      return world.stall(worker + 1, fault.span);
    case FaultKind::kCoordinatorStall:
      world.note("the coordinator stands still, for " + span);
      return world.stall(0, fault.span);
    case FaultKind::kCoordinatorCrash:
      if (!world.has_hub()) return;
      world.note("the coordinator crashes, for " + span);
      world.kill_hub();
      return events.at(end, [&world] {
        if (world.has_hub()) return;
        world.note("the coordinator is started again");
        world.start_hub();
      });
    case FaultKind::kDeathAtWrite:
      world.note("the coordinator is to die at write " + std::to_string(fault.write) + " of its next");
      return world.disk().set_faults({.die_at = world.disk().writes() + fault.write});
    case FaultKind::kDamage:
      world.note("a byte between " + name + " and the coordinator is changed");
      return fault.to_coordinator ? world.network().damage_next(worker + 1, 0)
                                  : world.network().damage_next(0, worker + 1);
  }
}

FaultCounts& FaultCounts::operator+=(const FaultCounts& other) {
  for (std::size_t kind = 0; kind < kFaultKinds; ++kind) faults[kind] += other.faults[kind];
  left += other.left;
  entered += other.entered;
  slow += other.slow;
  saturated += other.saturated;
  pulled += other.pulled;
  given_up += other.given_up;
  return *this;
}

Trial try_plan(const FaultPlan& plan) {
  Trial trial;
  const MembershipOptions& options = plan.options;
  MembershipWorld world(options);
  for (const Fault& fault : plan.faults) {
    world.events().at(fault.when, [&] { strike(fault, world, trial.counts); });
  }
  const bool ended = world.run({kLongestRun.value + options.patience.value});
  trial.trace_hash = world.trace_hash();
  trial.counts.slow = plan.is_slow ? 1 : 0;
  trial.counts.saturated = plan.is_saturated ? 1 : 0;
  trial.counts.pulled = plan.is_pulled ? 1 : 0;
  std::vector<bool> was_in(static_cast<std::size_t>(options.job.workers()));
  for (const MembershipWorld::Entry& entry : world.log()) {
    if (entry.kind == MembershipWorld::Entry::Kind::kLeft) ++trial.counts.left;
    if (entry.kind != MembershipWorld::Entry::Kind::kEntered) continue;
    if (was_in[static_cast<std::size_t>(entry.rank.value)]) ++trial.counts.entered;
    was_in[static_cast<std::size_t>(entry.rank.value)] = true;
  }
  trial.objections = objections_to(world, options, plan.threshold);
  // A coordinator that was started again hears again what its workers had told the one before.
  const auto is_restart = [](const MembershipWorld::Entry& entry) {
    return entry.kind == MembershipWorld::Entry::Kind::kRestarted;
  };
  if (std::ranges::none_of(world.log(), is_restart)) {
    const std::vector<std::string>& of_links = world.watch().objections();
    trial.objections.insert(trial.objections.end(), of_links.begin(), of_links.end());
  }
  for (int worker = 0; worker < options.job.workers() && !world.hub().error(); ++worker) {
    if (!world.is_there(worker) || !world.member(worker).error()) continue;
    trial.objections.push_back("worker " + std::to_string(worker) + " ended with an error, and the run did not");
  }
  if (!ended) trial.objections.insert(trial.objections.begin(), "the run has not come to its end in all processes");
  if (ended && world.hub().error()) {
    try {
      std::rethrow_exception(world.hub().error());
    } catch (const PeerLost& error) {
      ++trial.counts.given_up;
      const Seconds begin = world.events().now() - options.patience - options.job.deadline;
      const int there = undisturbed(plan, begin, world.events().now());
      if (there >= options.least && !is_lost_by_all(world, options)) {
        trial.objections.push_back("the run ended though " + std::to_string(there) +
                                   " workers had no fault for longer "
                                   "than it is patient: " +
                                   error.what());
      }
      constexpr Seconds kRounding{1e-6};
      const Seconds earliest = world.events().now() - options.patience + kRounding;
      const auto is_late = [&](const MembershipWorld::Entry& entry) {
        return entry.kind == MembershipWorld::Entry::Kind::kCommitted && entry.when > earliest;
      };
      if (std::ranges::any_of(world.log(), is_late)) {
        trial.objections.push_back("the run ended sooner after an average than it is patient: " +
                                   std::string(error.what()));
      }
    } catch (const std::exception& error) {
      trial.objections.push_back(std::string("the run ended with an error: ") + error.what());
    }
  }
  trial.account =
      fmt::format("seed {}: {} workers, at least {}, {} steps, latency {:.1f} ms{}\n", plan.seed, options.job.workers(),
                  options.least, options.job.setting.steps, 1e3 * options.network.latency.value,
                  plan.is_slow        ? ", on a slow network"
                  : plan.is_saturated ? ", on a saturated network"
                                      : "");
  if (plan.is_pulled) trial.account += fmt::format("vectors are pulled in pieces of {} floats\n", options.piece);
  trial.account += world.account();
  trial.account += fmt::format("{:10.4f} s  {}\n", world.events().now().value, ended ? "the run is over" : "given up");
  return trial;
}

}  // namespace laconic::faults
