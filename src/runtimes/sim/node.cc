#include "runtimes/sim/node.h"

#include <bit>

#include "base/error.h"

namespace laconic::sim {

void TraceHash::add(double value) { add(std::bit_cast<std::uint64_t>(value)); }

void World::archive(Archive& archive) {
  LACONIC_CHECK(events.empty() && computing.empty(), "the state of a simulation in the middle of things");
  Seconds now = events.now();
  archive.value("world.now", now.value);
  if (archive.loading()) events.advance(now);
  archive.value("world.frames", frames);
  network->archive(archive);
  faults.archive(archive);
  ledger.archive(archive);
  trace.archive(archive);
}

void Endpoint::send(Rank to, const Frame& frame) {
  LACONIC_CHECK(is_node(to, world_.world_size) && to != self_, "send to node " << to.value);
  world_.ledger.record_sent(self_, frame);
  Frame carried = frame;
  const std::uint64_t number = world_.frames++;
  bool refused = false;
  if (world_.damage) {
    const std::vector<std::byte> wire = world_.damage(number, frame.wire());
    try {
      carried = Frame::decode(wire, world_.max_payload);
    } catch (const DecodeError&) {
      refused = true;
    }
  }
  const Parcel parcel{.from = self_, .to = to, .size = frame.wire_size(), .frame = carried, .refused = refused};
  switch (world_.faults.next(self_, to)) {
    case Fate::kArrives:
      return carry(world_, parcel, 1);
    case Fate::kDoubled:
      world_.ledger.record_doubled(self_);
      return carry(world_, parcel, 2);
    case Fate::kLost:
      world_.ledger.record_lost(self_);
      world_.network->reach(now(), self_, to, parcel.size);
      return;
  }
}

void Endpoint::carry(World& world, const Parcel& parcel, int copies) {
  const Seconds reached = world.network->reach(world.events.now(), parcel.from, parcel.to, parcel.size);
  world.events.at(reached, [&world, parcel, copies] {
    const Seconds arrived = world.network->arrive(world.events.now(), parcel.to, parcel.frame.wire_size());
    if (arrived == world.events.now()) {
      deliver(world, parcel);
    } else {
      world.events.at(arrived, [&world, parcel] { deliver(world, parcel); });
    }
    if (copies > 1) carry(world, parcel, copies - 1);
  });
}

void Endpoint::deliver(World& world, const Parcel& parcel) {
  if (parcel.refused) {
    world.ledger.record_refused(parcel.to);
    world.trace.add(std::uint64_t{1});
    return;
  }
  world.endpoint(parcel.to).arrive(parcel.from, parcel.frame);
}

void Endpoint::arrive(Rank from, const Frame& frame) {
  try {
    frame.verify(world_.max_payload);
  } catch (const DecodeError&) {
    world_.ledger.record_refused(self_);
    return;
  }
  world_.ledger.record_received(self_, frame);
  world_.trace.add(world_.events.now().value);
  const auto sender = static_cast<std::uint64_t>(place_of(from, world_.world_size));
  world_.trace.add(sender << 32 | static_cast<std::uint32_t>(place_of(self_, world_.world_size)));
  world_.trace.add(frame.header().round.value << 8 | static_cast<std::uint64_t>(frame.header().tag));
  world_.trace.add(std::uint64_t{frame.checksum()});
  mailbox_.deliver({.from = from, .frame = frame});
}

Task<std::optional<Arrival>> Endpoint::receive(Pattern pattern, Seconds patience) {
  return mailbox_.receive(pattern, now(), patience);
}

Task<void> Endpoint::sleep(Seconds span) {
  co_await suspend<bool>([this, span](Resume<bool> resume) {
    // An action must be copyable, a Resume is not.
    auto shared = std::make_shared<Resume<bool>>(std::move(resume));
    world_.events.at(now() + span, [shared] { (*shared)(true); });
  });
}

namespace {

// Does not hold the coroutine that waits for it: that one holds the computation.
class Computation final : public Pending::State {
 public:
  Computation(World& world, std::shared_ptr<PooledWork> job)
      : world_(world), number_(world.computations++), job_(std::move(job)) {}

  // The virtual time of the end has come.
  void finish() {
    finished_ = true;
    constexpr std::chrono::milliseconds kLook{20};
    while (!job_->wait_for(kLook)) {
      if (world_.while_waiting) world_.while_waiting();
    }
    std::exception_ptr error;
    try {
      job_->wait();
    } catch (...) {
      error = std::current_exception();
    }
    auto waiting = world_.computing.extract(number_);
    if (waiting.empty()) return;
    if (error) {
      waiting.mapped().fail(error);
    } else {
      waiting.mapped()(true);
    }
  }

  Task<void> wait() override {
    if (finished_) {
      job_->wait();
      co_return;
    }
    co_await suspend<bool>([this](Resume<bool> resume) { world_.computing.emplace(number_, std::move(resume)); });
  }

 private:
  World& world_;
  std::uint64_t number_;
  std::shared_ptr<PooledWork> job_;
  bool finished_ = false;
};

}  // namespace

Pending SimulatedProcessor::submit(Cost cost, std::function<void()> work) {
  const Seconds start = std::max(world_.events.now(), free_at_);
  free_at_ = cost == Cost::kStep ? start + step_cost_ : start;
  auto computation = std::make_shared<Computation>(world_, pool_.submit(queue_, std::move(work)));
  world_.events.at(free_at_, [computation] { computation->finish(); });
  return Pending(computation);
}

}  // namespace laconic::sim
