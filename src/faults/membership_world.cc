#include "faults/membership_world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "comm/crc32c.h"
#include "faults/matrix.h"

namespace laconic::faults {
namespace {

// After a death at a write.
constexpr Seconds kHubRestart{0.05};
// The job's fingerprint.
constexpr std::uint64_t kJob = 17;
constexpr std::uint64_t kMaxState = std::uint64_t{1} << 24;

}  // namespace

MembershipWorld::MembershipWorld(const MembershipOptions& options)
    : options_(options),
      processes_(static_cast<std::size_t>(options.job.workers()) + 1),
      network_(
          [&] {
            sim::StreamNetworkOptions network = options.network;
            network.processes = options.job.workers() + 1;
            return network;
          }(),
          events_, trace_, [this](int number) -> Clock& { return process(number).clock; }),
      watch_(options.job.workers() + 1),
      disk_(options.job.setting.seed),
      completed_(static_cast<std::size_t>(options.job.workers())) {
  for (Process& one : processes_) one.clock.events = &events_;
  disk_.restart();
  start_hub();
  for (int worker = 0; worker < options_.job.workers(); ++worker) start(worker);
}

MembershipWorld::~MembershipWorld() {
  for (Process& one : processes_) {
    one.member.reset();
    one.hub.reset();
    one.link.reset();
    one.log.reset();
  }
}

void MembershipWorld::make_parts(int number, std::uint64_t incarnation) {
  Process& one = process(number);
  Seconds cost{0.01};
  if (number > 0 && !options_.step_cost.empty()) cost = options_.step_cost.at(static_cast<std::size_t>(number) - 1);
  one.steps = std::make_unique<sim::TurnProcessor>(one.clock, cost);
  one.sums = std::make_unique<sim::TurnProcessor>(one.clock, Seconds{});
  session::SessionOptions session{.self = number,
                                  .size = static_cast<int>(processes_.size()),
                                  .star = true,
                                  .placement = node::Placement::kCoordinatorApart,
                                  .incarnation = incarnation,
                                  .seed = options_.job.setting.seed,
                                  .deadline = options_.job.deadline};
  if (number == 0) {
    session.admit = [this](int other, const std::string&, std::uint64_t claimed, std::uint64_t) {
      process::Hub& hub = *process(0).hub;
      if (claimed != 0) return session::admit_claim(other, claimed, hub.newest_incarnation(other));
      return session::Admission{.incarnation = hub.give_incarnation(other)};
    };
  }
  session.restarted = [this, number](int other, std::uint64_t) {
    watch_.heard_restart(number, other);
    Process& self = process(number);
    if (self.hub) self.hub->hear_restart(other);
    if (self.member && other == 0) self.member->hear_restart();
  };
  one.link = std::make_unique<session::SessionLink>(network_.streams(number), one.clock, session);
  one.watched = std::make_unique<WatchedLink>(*one.link, watch_);
  if (number > 0) {
    one.watched->tell([this, number](const Frame& frame) {
      const FrameHeader header = frame.header();
      if (header.traffic != Traffic::kModel || header.tag != Tag::kGather) return;
      // Of one that travels compressed what it is at the other end is not known here.
      Model model(options_.job.setting.compressor ? 0 : options_.job.setting.dimension);
      const std::size_t size = model.size() * sizeof(float);
      if (frame.payload().size() < size) return;  // no model
      if (size > 0) std::memcpy(model.data(), frame.payload().data(), size);
      note_deed(Entry::Kind::kGave, {number - 1}, {}, model);
    });
  }
  watch_.started(number);
  one.clock.due = events_.now();
}

CommOptions MembershipWorld::comm_options() const {
  return {.deadline = options_.job.deadline, .piece = options_.piece, .largest_part = kMaxState};
}

void MembershipWorld::start_hub() {
  Process& one = process(0);
  disk_.restart();
  try {
    one.log = std::make_unique<process::CoordinatorLog>(disk_, kJob);
    make_hub();
  } catch (const sim::ProcessDeath&) {
    kill_hub();
    restart_hub_later();
  }
}

void MembershipWorld::restart_hub_later() {
  events_.at(events_.now() + kHubRestart, [this] {
    if (!has_hub()) start_hub();
  });
}

void MembershipWorld::kill_hub() {
  Process& one = process(0);
  for (int other = 1; other < static_cast<int>(processes_.size()); ++other) network_.reset(0, other);
  one.hub.reset();
  one.link.reset();
  one.log.reset();
  one.clock.due = kIdle;
}

void MembershipWorld::make_hub() {
  Process& one = process(0);
  make_parts(0, one.log->contents().incarnation);
  const std::unique_ptr<Learner> first = options_.job.learner(0);
  const Demands demands = options_.job.strategy->demands(options_.job.options);
  const process::HubOptions hub{.comm = comm_options(),
                                .least = options_.least,
                                .patience = options_.patience,
                                .log = one.log.get(),
                                .start = crc32c(std::as_bytes(first->params())),
                                .max_state = kMaxState,
                                .steps = {options_.job.setting.steps},
                                .common_at = demands.common_at,
                                .timing = demands.timing};
  const process::HubEvents events{
      .committed =
          [this](const process::HubEvents::Commit& commit) {
            if (commit.logged != 0 && commit.logged <= logged_) return;  // told again
            logged_ = std::max(logged_, commit.logged);
            log_.push_back({Entry::Kind::kCommitted,
                            events_.now(),
                            {},
                            commit.step,
                            commit.view,
                            commit.changes_model,
                            "",
                            commit.traffic,
                            commit.over});
            if (!has_hub()) return;  // it is being made, of its log
            const std::span<const float> common = this->hub().strategy().common_model();
            log_.back().model.assign(common.begin(), common.end());
          },
      .restarted =
          [this](const View& view) {
            log_.push_back({Entry::Kind::kRestarted, events_.now(), {}, {}, view, false, ""});
          },
      .entered =
          [this](Rank rank, Step step, const View& view) {
            log_.push_back({Entry::Kind::kEntered, events_.now(), rank, step, view, false, ""});
            const std::span<const float> common = this->hub().strategy().common_model();
            log_.back().model.assign(common.begin(), common.end());
          },
      .left =
          [this](Rank rank, const std::string& why) {
            log_.push_back({Entry::Kind::kLeft, events_.now(), rank, {}, {}, false, why});
          },
      .lost =
          [this](Rank rank) {
            if (options_.lost) options_.lost(rank.value);
          }};
  one.hub = std::make_unique<process::Hub>(
      process::NodeLoop::Parts{.link = *one.watched, .clock = one.clock, .steps = *one.steps, .sums = *one.sums}, hub,
      options_.job.strategies(0), events);
}

void MembershipWorld::start(int worker) {
  const int number = worker + 1;
  make_parts(number, 0);
  Process& one = process(number);
  one.learner = options_.job.learner(worker);
  left_with_.erase(worker);
  const Demands demands = options_.job.strategy->demands(options_.job.options);
  completed_[static_cast<std::size_t>(worker)] = {};
  const process::MemberOptions member{.seed = options_.job.setting.seed,
                                      .steps = {options_.job.setting.steps},
                                      .comm = comm_options(),
                                      .returning = options_.returning,
                                      .kept = demands.kept,
                                      .common_at = demands.common_at,
                                      .timing = demands.timing,
                                      .alone = options_.alone,
                                      .alone_steps = options_.alone_steps,
                                      .max_state = kMaxState};
  const process::MemberEvents events{
      .entered =
          [this, worker](const View& view, Step step) {
            const std::span<const float> model = learner(worker).params();
            beginnings_.push_back({{worker}, step, view, std::move(left_with_[worker]), {model.begin(), model.end()}});
            left_with_.erase(worker);
            completed_[static_cast<std::size_t>(worker)] = step;
            note_deed(Entry::Kind::kBegan, {worker}, step, model);
            if (options_.entered) options_.entered(worker);
          },
      .stepped =
          [this, worker](Step step) {
            const auto alone = left_with_.find(worker);
            if (alone != left_with_.end()) {
              const std::span<const float> model = learner(worker).params();
              alone->second.assign(model.begin(), model.end());
            }
            ++steps_taken_;
            if (options_.stepped) options_.stepped(worker, step);
            completed_[static_cast<std::size_t>(worker)] = step;
            note_deed(Entry::Kind::kStepped, {worker}, step, learner(worker).params());
          },
      .left =
          [this, worker](const std::string&) {
            const std::span<const float> model = learner(worker).params();
            left_with_[worker].assign(model.begin(), model.end());
            note_deed(Entry::Kind::kOut, {worker}, this->member(worker).step(), model);
            if (options_.left) options_.left(worker);
          }};
  one.member = std::make_unique<process::Member>(
      process::NodeLoop::Parts{.link = *one.watched, .clock = one.clock, .steps = *one.steps, .sums = *one.sums},
      member, *one.learner, *this, options_.job.strategies(number), events);
}

void MembershipWorld::kill(int worker, bool told) {
  Process& one = process(worker + 1);
  for (int other = 0; other < static_cast<int>(processes_.size()); ++other) {
    if (other == worker + 1) continue;
    if (told) {
      network_.reset(worker + 1, other);
    } else {
      network_.lose(worker + 1, other);
    }
  }
  one.member.reset();
  one.link.reset();
  one.clock.due = kIdle;
}

void MembershipWorld::stall(int process_number, Seconds span) {
  process(process_number).stands_still = true;
  events_.at(events_.now() + span, [this, process_number] {
    process(process_number).stands_still = false;
    process(process_number).clock.wake();
  });
}

bool MembershipWorld::is_asynchronous() const {
  return options_.job.strategy->demands(options_.job.options).timing == Timing::kAsynchronous;
}

void MembershipWorld::note_deed(Entry::Kind kind, Rank rank, Step step, std::span<const float> model) {
  if (!is_asynchronous()) return;
  log_.push_back({.kind = kind, .when = events_.now(), .rank = rank, .step = step, .view = {}, .why = {}});
  log_.back().model.assign(model.begin(), model.end());
}

void MembershipWorld::note(const std::string& fault) {
  log_.push_back({Entry::Kind::kFault, events_.now(), {}, {}, {}, false, fault});
}

void MembershipWorld::synchronised(Rank rank, Step step) {
  synchronised_.push_back({rank, step, crc32c(std::as_bytes(learner(rank.value).params()))});
}

bool MembershipWorld::is_over() const {
  return std::ranges::all_of(processes_, [this](const Process& one) { return is_over(one); });
}

bool MembershipWorld::is_over(const Process& one) const {
  if (&one == processes_.data() && !one.hub) return false;  // it will be started again
  if (one.hub) return one.hub->is_over();
  return !one.member || one.member->is_over();
}

bool MembershipWorld::turn(Process& one) {
  try {
    return turn_of(one);
  } catch (const sim::ProcessDeath&) {
    kill_hub();
    restart_hub_later();
    return true;
  }
}

bool MembershipWorld::turn_of(Process& one) {
  if (one.stands_still || one.clock.due > events_.now() || (!one.hub && !one.member)) return false;
  one.clock.due = kIdle;
  const bool moved = one.hub ? one.hub->turn() : one.member->turn();
  const Seconds next = one.hub ? one.hub->next_event() : one.member->next_event();
  const Seconds pause = one.link->pause(moved);
  constexpr double kLeast = 1e-6;
  const Seconds now = events_.now();
  one.clock.due =
      std::min(one.clock.due, now + Seconds{moved ? 0.0 : std::max(kLeast, std::min(pause, next - now).value)});
  return true;
}

bool MembershipWorld::run(Seconds limit) {
  for (;;) {
    for (bool was_due = true; was_due;) {
      was_due = false;
      for (Process& one : processes_) was_due = turn(one) || was_due;
    }
    if (is_over()) return true;
    Seconds next = limit;
    for (const Process& one : processes_) {
      if (!one.stands_still && (one.hub || one.member)) next = std::min(next, one.clock.due);
    }
    if (!events_.empty() && events_.next_time() <= next) {
      events_.take()();
      continue;
    }
    if (next >= limit) return false;
    events_.advance(std::max(next, events_.now()));
  }
}

std::string MembershipWorld::account() const {
  std::string text;
  for (const Entry& entry : log_) {
    if (entry.kind == Entry::Kind::kStepped || entry.kind == Entry::Kind::kOut) continue;
    text += fmt::format("{:10.4f} s  ", entry.when.value);
    switch (entry.kind) {
      case Entry::Kind::kFault:
        text += "-- " + entry.why + "\n";
        break;
      case Entry::Kind::kEntered:
        text += "worker " + std::to_string(entry.rank.value) + " enters view " + std::to_string(entry.view.number) +
                " after step " + std::to_string(entry.step.value) + "\n";
        break;
      case Entry::Kind::kBegan:
        text += "worker " + std::to_string(entry.rank.value) + " begins after step " +
                std::to_string(entry.step.value) + "\n";
        break;
      case Entry::Kind::kGave:
        text += "worker " + std::to_string(entry.rank.value) + " sends its model\n";
        break;
      case Entry::Kind::kStepped:
      case Entry::Kind::kOut:
        break;
      case Entry::Kind::kRestarted:
        text += "the coordinator is started again, with view " + std::to_string(entry.view.number) + ": " +
                to_text(entry.view) + "\n";
        break;
      case Entry::Kind::kLeft:
        text += "worker " + std::to_string(entry.rank.value) + " is out: " + entry.why + "\n";
        break;
      case Entry::Kind::kCommitted:
        text += std::string(entry.changes_model ? "models" : "states") + " of step " +
                std::to_string(entry.step.value) + ", view " + std::to_string(entry.view.number) + ": " +
                to_text(entry.view);
        if (!entry.over.empty()) text += "; the mean of " + to_text(View{.number = 0, .members = entry.over});
        text += "\n";
        break;
    }
  }
  const auto add_error = [&](const std::string& who, const std::exception_ptr& error) {
    if (!error) return;
    try {
      std::rethrow_exception(error);
    } catch (const std::exception& known) {
      text += who + ": " + known.what() + "\n";
    }
  };
  for (std::size_t number = 0; number < processes_.size(); ++number) {
    const Process& one = processes_[number];
    if (one.hub) add_error("the coordinator", one.hub->error());
    if (one.member) add_error("worker " + std::to_string(number - 1), one.member->error());
  }
  return text;
}

}  // namespace laconic::faults
