// Several processes of one job in one program, under one virtual clock: the runtime over processes (runtimes/process)
// runs in each as it does over a real network, on a link in memory.
//
//   ProcessWorld world({.network = {.processes = 4}});
//   world.events().at({1.5}, [&] { world.crash(2); });
//   world.run([&](int process) {
//     process::Process part(world.link(process), world.host(process), deadline, {});
//     outcomes[process] = part.run(...);
//   });
//
// What happens is decided by the options and by the events that are planned: two runs of the same are the same.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "runtimes/process/host.h"
#include "runtimes/sim/event_queue.h"
#include "runtimes/sim/memory_link.h"
#include "runtimes/sim/memory_streams.h"
#include "runtimes/sim/process_turns.h"

namespace laconic::sim {

struct ProcessWorldOptions {
  MemoryNetworkOptions network = {};
  std::size_t stream_buffer = StreamNetworkOptions{}.buffer;
  Seconds step_cost{0.01};  // of a local step, in each process
  Seconds limit{1e6};       // a run that takes longer has hung
};

class ProcessWorld {
 public:
  explicit ProcessWorld(const ProcessWorldOptions& options);
  ~ProcessWorld();
  ProcessWorld(const ProcessWorld&) = delete;
  ProcessWorld& operator=(const ProcessWorld&) = delete;

  // Of a process, for its body alone.
  node::Link& link(int process) { return network_.link(process); }
  // Byte streams over the same latency and interfaces, for processes whose link is a session.
  node::Streams& streams(int process) { return streams_.streams(process); }
  process::Host& host(int process) { return *hosts_.at(static_cast<std::size_t>(process)); }

  // ProcessTurns::run.
  void run(const std::function<void(int process)>& body) { turns_.run(body, options_.limit); }

  EventQueue& events() { return events_; }
  MemoryNetwork& network() { return network_; }
  StreamNetwork& stream_network() { return streams_; }
  ProcessTurns& turns() { return turns_; }
  // From an event: the process is no more, and nobody is told. (Its body goes on, by itself, when all others have
  // ended.)
  void crash(int process);
  // Running hash of what was delivered, to whom and when.
  std::uint64_t trace_hash() const { return trace_.value(); }

 private:
  ProcessWorldOptions options_;
  EventQueue events_;
  TraceHash trace_;
  ProcessTurns turns_;
  MemoryNetwork network_;
  StreamNetwork streams_;
  std::vector<std::unique_ptr<process::Host>> hosts_;
};

}  // namespace laconic::sim
