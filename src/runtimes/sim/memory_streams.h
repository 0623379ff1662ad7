// Byte streams in memory between processes under one virtual clock (runtimes/node/stream.h), and what a seed may do to
// them: they stall, break, go silent without a word, and damage bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/units.h"
#include "runtimes/node/clock.h"
#include "runtimes/node/stream.h"
#include "runtimes/sim/event_queue.h"
#include "runtimes/sim/network_model.h"
#include "runtimes/sim/node.h"

namespace laconic::sim {

struct StreamNetworkOptions {
  int processes = 2;
  LinkOptions interface = {};             // of each process; a rate of 0 has no limit
  std::optional<LinkOptions> first = {};  // of process 0, where it is another
  Seconds latency{0.001};
  std::size_t buffer = std::size_t{256} << 10;  // bytes that were written and not read, of a stream each way
};

class StreamNetwork {
 public:
  // `clock_of`: of each process, woken when something changed for it. All outlive the network.
  StreamNetwork(const StreamNetworkOptions& options, EventQueue& events, TraceHash& trace,
                std::function<Clock&(int process)> clock_of);
  ~StreamNetwork();
  StreamNetwork(const StreamNetwork&) = delete;
  StreamNetwork& operator=(const StreamNetwork&) = delete;

  // Of a process; lives as long as the network.
  node::Streams& streams(int process);

  // Faults, from events; all between two processes, both ways.
  // Their streams break, and both ends are told.
  void reset(int process, int other);
  // What is written to their streams from now on, and what is on its way, is lost, and neither end is told. New streams
  // are sound.
  void lose(int process, int other);
  // Nothing arrives, and no stream opens, until restore(); then what was held arrives.
  void part(int process, int other);
  void restore(int process, int other);
  // Of the next bytes from one to the other, one is changed.
  void damage_next(int from, int to);
  // Nothing of the process arrives anywhere, for good; `tells`: whether the other ends of its streams are told, as by a
  // machine that lives on.
  void crash(int process, bool tells);

  // Streams that were opened so far.
  std::uint64_t opened() const { return opened_; }
  // Bytes handed to streams so far, by process and other process.
  std::uint64_t carried(int from, int to) const { return carried_[index(from, to)]; }

 private:
  struct Connection;
  class Stream;
  class Endpoint;

  std::size_t index(int from, int to) const {
    return static_cast<std::size_t>(from) * static_cast<std::size_t>(options_.processes) + static_cast<std::size_t>(to);
  }
  bool is_parted(int process, int other) const { return parted_.contains(std::minmax(process, other)); }
  void wake(int process) { clock_of_(process).wake(); }
  void open(const std::shared_ptr<Connection>& connection);
  void deliver(const std::shared_ptr<Connection>& connection, std::size_t side, std::vector<std::byte> bytes,
               bool is_last);
  void for_each_between(int process, int other, const std::function<void(const std::shared_ptr<Connection>&)>& act);

  StreamNetworkOptions options_;
  EventQueue& events_;
  TraceHash& trace_;
  std::function<Clock&(int process)> clock_of_;
  std::unique_ptr<NetworkModel> model_;
  std::vector<std::unique_ptr<Endpoint>> endpoints_;
  std::vector<std::weak_ptr<Connection>> connections_;
  std::set<std::pair<int, int>> parted_;
  std::set<std::pair<int, int>> to_damage_;
  std::set<int> crashed_;
  std::uint64_t opened_ = 0;
  std::vector<std::uint64_t> carried_;
};

}  // namespace laconic::sim
