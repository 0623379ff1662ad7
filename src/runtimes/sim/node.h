// One simulated node: its endpoint on the simulated network and its processor in virtual time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>

#include "comm/ledger.h"
#include "comm/mailbox.h"
#include "comm/processor.h"
#include "comm/transport.h"
#include "runtimes/node/thread_pool.h"
#include "runtimes/sim/event_queue.h"
#include "runtimes/sim/faults.h"
#include "runtimes/sim/network_model.h"

namespace laconic::sim {

// Running hash of what happens in a run: two runs of one job agree in it.
class TraceHash {
 public:
  void add(std::uint64_t value) {
    hash_ = (hash_ ^ value) * 0x9fb21c651e98df25ULL;
    hash_ ^= hash_ >> 32;
  }
  void add(double value);
  std::uint64_t value() const { return hash_; }
  void archive(Archive& archive) { archive.value("trace", hash_); }

 private:
  std::uint64_t hash_ = 0x6c61636f6e6963ULL;
};

// Changes the bytes of a frame on their way, for tests of what a receiver does then: gets the frame's number in the
// run and its bytes as sent, returns the bytes that arrive.
using Damage = std::function<std::vector<std::byte>(std::uint64_t number, std::span<const std::byte> wire)>;

// What all nodes of a simulation share.
struct World {
  int world_size = 0;
  std::uint64_t max_payload = 0;  // a larger frame is refused
  EventQueue events;
  std::unique_ptr<NetworkModel> network;
  Faults faults;
  WaitList waits;
  Ledger ledger;
  TraceHash trace;
  Damage damage;
  std::uint64_t frames = 0;  // sent so far
  // Coroutines that wait for a computation, by the computation's number.
  std::map<std::uint64_t, Resume<bool>> computing;
  std::uint64_t computations = 0;  // begun so far
  std::function<class Endpoint&(Rank)> endpoint;
  // Called again and again while a computation is waited for; may be empty.
  std::function<void()> while_waiting;

  explicit World(int size) : world_size(size), ledger(size) {}

  // While nothing is on its way and nothing is computed.
  void archive(Archive& archive);
};

class Endpoint final : public Transport {
 public:
  Endpoint(Rank self, World& world) : self_(self), world_(world), mailbox_(self, world.world_size, world.waits) {}

  Rank self() const override { return self_; }
  int world_size() const override { return world_.world_size; }
  void send(Rank to, const Frame& frame) override;
  Task<std::optional<Arrival>> receive(Pattern pattern, Seconds patience) override;
  Bytes carried() const override { return world_.ledger.sent(self_).framed + world_.ledger.received(self_).framed; }
  Seconds now() const override { return world_.events.now(); }
  Task<void> sleep(Seconds span) override;
  // Unwinds what waits here.
  void close() { mailbox_.clear(); }
  Mailbox& mailbox() { return mailbox_; }

 private:
  // A frame on its way.
  struct Parcel {
    Rank from;
    Rank to;
    Bytes size;  // as sent
    Frame frame;
    bool refused = false;  // by who gets it
  };
  // Brings it to the receiver, and once more for each further copy, which sets out when the one before has reached the
  // receiver's side.
  static void carry(World& world, const Parcel& parcel, int copies);
  static void deliver(World& world, const Parcel& parcel);
  void arrive(Rank from, const Frame& frame);
  Rank self_;
  World& world_;
  Mailbox mailbox_;
};

// Work goes to the pool at once; it counts as done at a time of the virtual clock that only its cost decides. When that
// time comes and the result is not there yet, the simulation waits for it.
class SimulatedProcessor final : public Processor {
 public:
  SimulatedProcessor(World& world, ThreadPool& pool, Seconds step_cost)
      : world_(world), pool_(pool), step_cost_(step_cost) {}
  Pending submit(Cost cost, std::function<void()> work) override;

 private:
  World& world_;
  ThreadPool& pool_;
  ThreadPool::Queue queue_;
  Seconds step_cost_;
  Seconds free_at_;
};

}  // namespace laconic::sim
