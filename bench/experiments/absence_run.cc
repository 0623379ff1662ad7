#include "absence_run.h"

#include <algorithm>
#include <cmath>
#include <exception>
#include <memory>
#include <optional>

#include "base/archive.h"
#include "base/random.h"
#include "compress/compressor.h"
#include "faults/tiny_learner.h"
#include "faults/trial.h"
#include "strategies/registry.h"

namespace laconic::bench {
namespace {

using namespace faults;

// The faults: a worker crashes, is cut off, or stands still. Each has one at a time, and room to return.
constexpr FaultKind kKinds[] = {FaultKind::kCrash,    FaultKind::kSilentCrash, FaultKind::kReset,
                                FaultKind::kHalfOpen, FaultKind::kPartition,   FaultKind::kStall};
constexpr double kShortest = 0.5;
constexpr double kLongest = 60.0;
constexpr double kRoom = 40.0;
// Before the first and after the last fault.
constexpr double kQuiet = 60.0;

bool is_crash(FaultKind kind) { return kind == FaultKind::kCrash || kind == FaultKind::kSilentCrash; }

std::vector<Fault> draw_faults(const AbsenceSetting& setting) {
  RandomStream stream(setting.seed, "faults of a benchmark");
  const double length = 3600.0 * setting.hours;
  std::vector<double> times;
  for (int k = 0; k < static_cast<int>(setting.faults_an_hour * setting.hours); ++k) {
    times.push_back(kQuiet + (length - 2.0 * kQuiet) * stream.uniform());
  }
  std::sort(times.begin(), times.end());
  std::vector<double> free_at(static_cast<std::size_t>(setting.workers));
  std::vector<Fault> faults;
  for (const double when : times) {
    std::vector<int> free;
    for (int worker = 0; worker < setting.workers; ++worker) {
      if (free_at[static_cast<std::size_t>(worker)] <= when) free.push_back(worker);
    }
    const double span = kShortest * std::pow(kLongest / kShortest, stream.uniform());
    const FaultKind kind = kKinds[stream.below(std::size(kKinds))];
    if (free.empty()) continue;
    const int worker = free[stream.below(free.size())];
    faults.push_back({.kind = kind, .when = {when}, .span = {span}, .workers = {worker}});
    free_at[static_cast<std::size_t>(worker)] = when + span + kRoom;
  }
  return faults;
}

TinyJob tiny_job(const AbsenceSetting& setting) {
  const StrategyRow& row = find_strategy("fda");
  const std::map<std::string, std::string> texts = {{"threshold", std::to_string(setting.threshold)},
                                                    {"check_every", std::to_string(setting.check_every)}};
  std::map<std::string, GivenOption> given;
  for (const auto& [name, text] : texts) given[name] = {.text = text, .where = "benchmark"};
  const TinyProblem problem{.seed = setting.seed, .learning_rate = setting.learning_rate, .padding = setting.padding};
  // It does not come to its end.
  const auto steps = static_cast<std::uint64_t>(2.0 * 3600.0 * setting.hours / setting.step.value);
  StrategySetting of{.dimension = problem.parameters(),
                     .layout = flat_layout(problem.parameters()),
                     .trained = problem.parameters(),
                     .world_size = setting.workers,
                     .seed = setting.seed,
                     .steps = steps,
                     .steps_per_epoch = 100.0,
                     .step_time = setting.step,
                     .exchange_time = small_exchange_time(Collective::kStar, setting.workers, setting.latency),
                     .comes_and_goes = true,
                     .start = start_of(problem)};
  for (int worker = 0; worker < setting.workers; ++worker) of.samples.push_back(samples_of(worker));
  return {.strategy = &row,
          .options = Options("strategy", row.options, given),
          .setting = std::move(of),
          .learner = [problem](int worker) { return std::make_unique<TinyLearner>(problem, worker); },
          .deadline = setting.deadline};
}

// What is known of a worker while the run goes on.
struct Known {
  std::optional<Seconds> present_since;
  Step kept;                  // of the newest average that it is in
  std::uint64_t pending = 0;  // steps that it has taken since
  std::optional<Fault> fault;
  bool is_lost = false;               // since
  std::optional<Seconds> away_since;  // it was out, and can be there again since then
  bool has_begun = false;             // again
};

class Watching {
 public:
  explicit Watching(const AbsenceSetting& setting) : setting_(setting) {
    known_.resize(static_cast<std::size_t>(setting.workers));
    options_.job = tiny_job(setting);
    options_.least = setting.least;
    options_.patience = {60.0 * setting.deadline.value};
    options_.returning = setting.keeps ? process::Returning::kKeep : process::Returning::kDrop;
    options_.network.latency = setting.latency;
    options_.network.interface = {.up = setting.rate, .down = setting.rate};
    const BitsPerSecond of_all{setting.rate.value * setting.workers};
    options_.network.first = sim::LinkOptions{.up = of_all, .down = of_all};
    options_.step_cost.assign(static_cast<std::size_t>(setting.workers), setting.step);
    options_.entered = [this](int worker) { entered(worker); };
    options_.lost = [this](int worker) { lose(known(worker)); };
    options_.stepped = [this](int worker, Step step) { stepped(worker, step); };
    world_.emplace(options_);
  }

  AbsenceRun run() {
    FaultCounts counts;
    for (const Fault& fault : draw_faults(setting_)) {
      world_->events().at(fault.when, [this, fault, &counts] { begin(fault, counts); });
    }
    const Seconds length{3600.0 * setting_.hours};
    world_->run(length);
    read_log();
    for (const Known& one : known_) {
      if (one.present_since) run_.worker_seconds += (world_->events().now() - *one.present_since).value;
    }
    for (const std::uint64_t of_kind : counts.faults) run_.faults += of_kind;
    if (world_->has_hub() && world_->hub().error()) {
      try {
        std::rethrow_exception(world_->hub().error());
      } catch (const std::exception& error) {
        run_.error = error.what();
      }
    }
    Archive archive;
    world_->hub().strategy().archive_common(archive);
    run_.state_bytes = archive.take().size();
    run_.account = world_->account();
    return std::move(run_);
  }

 private:
  Known& known(int worker) { return known_[static_cast<std::size_t>(worker)]; }

  void begin(const Fault& fault, FaultCounts& counts) {
    read_log();
    const int worker = fault.workers.front();
    Known& one = known(worker);
    strike(fault, *world_, counts);
    one.fault = fault;
    one.is_lost = false;
    one.away_since.reset();
    if (is_crash(fault.kind)) lose_steps(one);
  }

  void lose_steps(Known& one) { run_.lost += std::exchange(one.pending, 0); }

  void stepped(int worker, Step step) {
    read_log();
    Known& one = known(worker);
    ++run_.steps;
    if (step > one.kept) ++one.pending;
    if (!one.has_begun || !one.away_since) return;
    run_.returns.push_back((world_->events().now() - *one.away_since).value);
    one.away_since.reset();
  }

  void entered(int worker) {
    read_log();
    Known& one = known(worker);
    if (!setting_.keeps) lose_steps(one);
    one.has_begun = true;
  }

  void read_log() {
    const std::vector<MembershipWorld::Entry>& log = world_->log();
    for (; read_ < log.size(); ++read_) read(log[read_]);
  }

  void read(const MembershipWorld::Entry& entry) {
    using Kind = MembershipWorld::Entry::Kind;
    if (entry.kind == Kind::kCommitted) {
      ++(entry.changes_model ? run_.averages : run_.checks);
      if (!entry.changes_model) return;
      for (const Rank rank : entry.view.members) {
        known(rank.value).kept = entry.step;
        known(rank.value).pending = 0;
      }
    } else if (entry.kind == Kind::kEntered) {
      known(entry.rank.value).present_since = entry.when;
    } else if (entry.kind == Kind::kLeft) {
      leave(known(entry.rank.value), entry.when);
    }
  }

  void lose(Known& one) {
    if (!one.fault || one.is_lost) return;
    one.is_lost = true;
    run_.losses.push_back((world_->events().now() - one.fault->when).value);
  }

  void leave(Known& one, Seconds when) {
    lose(one);  // where its part did not come in time
    ++run_.left;
    if (one.present_since) run_.worker_seconds += (when - *one.present_since).value;
    one.present_since.reset();
    one.has_begun = false;
    if (one.away_since || !one.fault) return;
    const Fault fault = *std::exchange(one.fault, std::nullopt);
    one.away_since = std::max(when, fault.when + fault.span);
  }

  AbsenceSetting setting_;
  MembershipOptions options_;
  std::vector<Known> known_;
  AbsenceRun run_;
  std::size_t read_ = 0;
  std::optional<MembershipWorld> world_;
};

}  // namespace

AbsenceRun run_absence(const AbsenceSetting& setting) { return Watching(setting).run(); }

}  // namespace laconic::bench
