// Links in memory between processes under one virtual clock, and what a seed may do to them.
#pragma once

#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtimes/node/clock.h"
#include "runtimes/node/link.h"
#include "runtimes/sim/event_queue.h"
#include "runtimes/sim/network_model.h"
#include "runtimes/sim/node.h"

namespace laconic::sim {

inline constexpr BitsPerSecond kUnlimited{std::numeric_limits<double>::infinity()};

struct MemoryNetworkOptions {
  int processes = 2;
  LinkOptions interface = {.up = kUnlimited, .down = kUnlimited};  // of each process
  Seconds latency{0.001};
  // A mistake for tests to find: what a process says of its end reaches nobody.
  bool ends_are_lost = false;
};

class MemoryNetwork {
 public:
  // `clock_of`: of each process, woken when something came for it. All outlive the network.
  MemoryNetwork(const MemoryNetworkOptions& options, EventQueue& events, TraceHash& trace,
                const std::function<Clock&(int process)>& clock_of);
  ~MemoryNetwork();
  MemoryNetwork(const MemoryNetwork&) = delete;
  MemoryNetwork& operator=(const MemoryNetwork&) = delete;

  // Of a process; lives as long as the network.
  node::Link& link(int process);

  // Faults, from events. Nothing goes from one to the other any more, either way; what is on its way is lost, and
  // nobody is told.
  void cut(int process, int other);
  // The same between a process and all others.
  void cut_off(int process);
  // All others are told that the network gave up on the process.
  void report_failure(int process, const std::string& problem);
  // Of the next frames from one process to another, one is lost.
  void lose_next(int from, int to);
  // What sets out from now on takes this much longer.
  void delay(Seconds more) { extra_ = more; }
  // Frames that were lost so far.
  std::uint64_t lost() const { return lost_; }

 private:
  class MemoryLink;
  MemoryLink& at(int process) { return *links_.at(static_cast<std::size_t>(process)); }
  bool is_cut(int process, int other) const;
  bool takes_loss(int from, int to);
  // Calls `deliver` when what sets out now has arrived, unless the two are cut off from each other by then.
  void after_latency(int from, int to, std::function<void()> deliver);

  MemoryNetworkOptions options_;
  EventQueue& events_;
  TraceHash& trace_;
  std::unique_ptr<NetworkModel> model_;
  std::vector<std::unique_ptr<MemoryLink>> links_;
  std::set<std::pair<int, int>> cut_;
  std::map<std::pair<int, int>, int> to_lose_;
  Seconds extra_;
  std::uint64_t lost_ = 0;
};

}  // namespace laconic::sim
