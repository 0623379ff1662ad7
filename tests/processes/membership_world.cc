#include "membership_world.h"

#include <algorithm>

#include "comm/crc32c.h"

namespace laconic::tests {

MembershipWorld::MembershipWorld(const MembershipOptions& options)
    : options_(options),
      processes_(static_cast<std::size_t>(options.scenario.problem.workers) + 1),
      network_(
          [&] {
            sim::StreamNetworkOptions network = options.network;
            network.processes = options.scenario.problem.workers + 1;
            return network;
          }(),
          events_, trace_, [this](int number) -> Clock& { return process(number).clock; }) {
  for (Process& one : processes_) one.clock.events = &events_;
  start_hub();
  for (int worker = 0; worker < options_.scenario.problem.workers; ++worker) start(worker);
}

MembershipWorld::~MembershipWorld() {
  for (Process& one : processes_) {
    one.member.reset();
    one.hub.reset();
    one.link.reset();
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
                                  .placement = node::Placement::kCoordinatorApart,
                                  .incarnation = incarnation,
                                  .seed = options_.scenario.problem.seed,
                                  .deadline = options_.scenario.deadline};
  session.restarted = [this, number](int other, std::uint64_t) {
    Process& self = process(number);
    if (self.hub) self.hub->hear_restart(other);
    if (self.member && other == 0) self.member->hear_restart();
  };
  one.link = std::make_unique<session::SessionLink>(network_.streams(number), one.clock, session);
  one.clock.due = events_.now();
}

void MembershipWorld::start_hub() {
  make_parts(0, 1);
  Process& one = process(0);
  const Scenario& scenario = options_.scenario;
  const std::unique_ptr<Learner> first = learner_of(scenario, 0);
  const process::HubOptions hub{.comm = {.deadline = scenario.deadline},
                                .least = options_.least,
                                .patience = options_.patience,
                                .start = crc32c(std::as_bytes(first->params())),
                                .max_state = std::uint64_t{1} << 24};
  const process::HubEvents events{
      .committed =
          [this](const process::HubEvents::Commit& commit) {
            log_.push_back(
                {Entry::Kind::kCommitted, {}, commit.step, commit.view, commit.changes_model, "", commit.traffic});
          },
      .entered =
          [this](Rank rank, Step step, const View& view) {
            log_.push_back({Entry::Kind::kEntered, rank, step, view, false, ""});
          },
      .left =
          [this](Rank rank, const std::string& why) {
            log_.push_back({Entry::Kind::kLeft, rank, {}, {}, false, why});
          }};
  Scenario coming = scenario;
  coming.comes_and_goes = true;
  one.hub = std::make_unique<process::Hub>(
      process::NodeLoop::Parts{.link = *one.link, .clock = one.clock, .steps = *one.steps, .sums = *one.sums}, hub,
      strategy_factory(coming), events);
}

void MembershipWorld::start(int worker) {
  const int number = worker + 1;
  make_parts(number, 0);
  Process& one = process(number);
  Scenario coming = options_.scenario;
  coming.comes_and_goes = true;
  one.learner = learner_of(coming, worker);
  const process::MemberOptions member{.seed = coming.problem.seed,
                                      .steps = {coming.steps},
                                      .comm = {.deadline = coming.deadline},
                                      .returning = options_.returning,
                                      .max_state = std::uint64_t{1} << 24};
  const process::MemberEvents events{
      .entered = [this, worker](const View&, Step) { entered_at_[worker] = events_.now(); },
      .stepped = [this](Step) { ++steps_taken_; }};
  one.member = std::make_unique<process::Member>(
      process::NodeLoop::Parts{.link = *one.link, .clock = one.clock, .steps = *one.steps, .sums = *one.sums}, member,
      *one.learner, *this, strategy_factory(coming), events);
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

void MembershipWorld::stall(int worker, Seconds span) {
  process(worker + 1).stands_still = true;
  events_.at(events_.now() + span, [this, worker] {
    process(worker + 1).stands_still = false;
    process(worker + 1).clock.wake();
  });
}

bool MembershipWorld::is_over(const Process& one) const {
  if (one.hub) return one.hub->is_over();
  return !one.member || one.member->is_over();
}

bool MembershipWorld::turn(Process& one) {
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
    if (std::ranges::all_of(processes_, [this](const Process& one) { return is_over(one); })) return true;
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
  for (const Entry& entry : log_) {
    switch (entry.kind) {
      case Entry::Kind::kEntered:
        text += "worker " + std::to_string(entry.rank.value) + " enters view " + std::to_string(entry.view.number) +
                " after step " + std::to_string(entry.step.value) + "\n";
        break;
      case Entry::Kind::kLeft:
        text += "worker " + std::to_string(entry.rank.value) + " is out: " + entry.why + "\n";
        break;
      case Entry::Kind::kCommitted:
        text += std::string(entry.changes_model ? "models" : "states") + " of step " +
                std::to_string(entry.step.value) + ", view " + std::to_string(entry.view.number) + ": " +
                to_text(entry.view) + "\n";
        break;
    }
  }
  return text;
}

}  // namespace laconic::tests
