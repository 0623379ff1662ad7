#include "runtimes/sim/memory_streams.h"

#include <algorithm>
#include <array>
#include <deque>
#include <limits>

#include "base/error.h"
#include "comm/crc32c.h"

namespace laconic::sim {
namespace {

// Interfaces store and forward parts of this size, so that one is sent while another is received.
constexpr std::size_t kSegment = std::size_t{16} << 10;

LinkOptions limited(LinkOptions interface) {
  constexpr BitsPerSecond kUnlimitedRate{std::numeric_limits<double>::infinity()};
  if (interface.up.value == 0.0) interface.up = kUnlimitedRate;
  if (interface.down.value == 0.0) interface.down = kUnlimitedRate;
  return interface;
}

// Of the network's model: process 0 has an interface of its own.
Rank node_of(int process) { return process == 0 ? kCoordinator : Rank{process}; }

}  // namespace

// Both directions of a stream. Side 0 dialled.
struct StreamNetwork::Connection {
  // What goes to a side.
  struct Way {
    std::deque<std::vector<std::byte>> arrived;
    std::size_t read = 0;    // of the first of these
    std::size_t unread = 0;  // bytes written and not read, those on their way included
    // What reached the other process while the two were parted: delivered later, in order.
    std::deque<std::pair<std::vector<std::byte>, bool>> held;
  };
  std::array<int, 2> processes{};
  std::array<Way, 2> ways;
  std::array<bool, 2> is_open{};    // the side may write
  std::array<bool, 2> is_closed{};  // the side has heard of the end
  std::array<bool, 2> is_left{};    // the side's stream is no more
  bool is_lost = false;

  void close(std::size_t side) {
    is_open[side] = false;
    is_closed[side] = true;
  }
};

class StreamNetwork::Stream final : public node::ByteStream {
 public:
  Stream(StreamNetwork& network, std::shared_ptr<Connection> connection, std::size_t side)
      : network_(network), connection_(std::move(connection)), side_(side) {}
  ~Stream() override {
    if (connection_->is_open[side_]) send({}, true);
    connection_->close(side_);
    connection_->is_left[side_] = true;
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  std::size_t write(std::span<const std::byte> bytes) override {
    if (!connection_->is_open[side_]) return 0;
    Connection::Way& way = connection_->ways[1 - side_];
    const std::size_t taken = std::min(bytes.size(), network_.options_.buffer - way.unread);
    if (taken == 0) return 0;
    way.unread += taken;
    network_.carried_[network_.index(process(), other())] += taken;
    for (std::size_t begin = 0; begin < taken; begin += kSegment) {
      const auto segment = bytes.subspan(begin, std::min(kSegment, taken - begin));
      send({segment.begin(), segment.end()}, false);
    }
    return taken;
  }

  std::size_t read(std::span<std::byte> into) override {
    Connection::Way& way = connection_->ways[side_];
    std::size_t filled = 0;
    while (filled < into.size() && !way.arrived.empty()) {
      const std::vector<std::byte>& first = way.arrived.front();
      const std::size_t part = std::min(into.size() - filled, first.size() - way.read);
      std::copy_n(first.begin() + static_cast<std::ptrdiff_t>(way.read), part,
                  into.begin() + static_cast<std::ptrdiff_t>(filled));
      filled += part;
      way.read += part;
      if (way.read == first.size()) {
        way.arrived.pop_front();
        way.read = 0;
      }
    }
    if (filled > 0) {
      way.unread -= filled;
      network_.wake(other());  // there is room again
    }
    return filled;
  }

  bool is_open() const override { return connection_->is_open[side_]; }
  bool is_over() const override { return connection_->is_closed[side_] && connection_->ways[side_].arrived.empty(); }
  std::string identity() const override { return {}; }

 private:
  int process() const { return connection_->processes[side_]; }
  int other() const { return connection_->processes[1 - side_]; }

  void send(std::vector<std::byte> bytes, bool is_last) {
    const Bytes size{bytes.size()};
    if (!bytes.empty() && network_.to_damage_.erase({process(), other()}) > 0) {
      bytes[bytes.size() / 2] ^= std::byte{0x10};
    }
    EventQueue& events = network_.events_;
    const Seconds reached = network_.model_->reach(events.now(), node_of(process()), node_of(other()), size);
    events.at(reached, [&network = network_, connection = connection_, to = 1 - side_, bytes = std::move(bytes),
                        is_last]() mutable {
      const Seconds now = network.events_.now();
      const Seconds arrived = network.model_->arrive(now, node_of(connection->processes[to]), {bytes.size()});
      network.events_.at(arrived, [&network, connection, to, bytes = std::move(bytes), is_last]() mutable {
        network.deliver(connection, to, std::move(bytes), is_last);
      });
    });
  }

  StreamNetwork& network_;
  std::shared_ptr<Connection> connection_;
  std::size_t side_;
};

class StreamNetwork::Endpoint final : public node::Streams {
 public:
  Endpoint(StreamNetwork& network, int self) : network_(network), self_(self) {}

  std::unique_ptr<node::ByteStream> dial(int process) override {
    LACONIC_CHECK(process >= 0 && process < network_.options_.processes && process != self_,
                  "process " << self_ << " dials " << process);
    auto connection = std::make_shared<Connection>();
    connection->processes = {self_, process};
    std::erase_if(network_.connections_, [](const auto& old) { return old.expired(); });
    network_.connections_.push_back(connection);
    network_.events_.at(network_.events_.now() + network_.options_.latency,
                        [&network = network_, connection] { network.open(connection); });
    return std::make_unique<Stream>(network_, connection, 0);
  }

  std::unique_ptr<node::ByteStream> accept() override {
    if (waiting_.empty()) return nullptr;
    auto stream = std::move(waiting_.front());
    waiting_.pop_front();
    return stream;
  }

  void offer(std::unique_ptr<node::ByteStream> stream) { waiting_.push_back(std::move(stream)); }
  void drop_waiting() { waiting_.clear(); }

 private:
  StreamNetwork& network_;
  int self_;
  std::deque<std::unique_ptr<node::ByteStream>> waiting_;
};

StreamNetwork::StreamNetwork(const StreamNetworkOptions& options, EventQueue& events, TraceHash& trace,
                             std::function<Clock&(int process)> clock_of)
    : options_(options),
      events_(events),
      trace_(trace),
      clock_of_(std::move(clock_of)),
      carried_(static_cast<std::size_t>(options.processes) * static_cast<std::size_t>(options.processes)) {
  model_ = make_network({.worker = limited(options.interface),
                         .coordinator = limited(options.first.value_or(options.interface)),
                         .latency = options.latency},
                        options.processes);
  for (int process = 0; process < options.processes; ++process) {
    endpoints_.push_back(std::make_unique<Endpoint>(*this, process));
  }
}

StreamNetwork::~StreamNetwork() {
  for (const auto& endpoint : endpoints_) endpoint->drop_waiting();
}

node::Streams& StreamNetwork::streams(int process) { return *endpoints_.at(static_cast<std::size_t>(process)); }

// What was dialled has reached the other process.
void StreamNetwork::open(const std::shared_ptr<Connection>& connection) {
  const auto [from, to] = connection->processes;
  if (crashed_.contains(to) || crashed_.contains(from) || is_parted(from, to) || connection->is_left[0]) return;
  ++opened_;
  connection->is_open[1] = true;
  endpoints_[static_cast<std::size_t>(to)]->offer(std::make_unique<Stream>(*this, connection, 1));
  wake(to);
  events_.at(events_.now() + options_.latency, [this, connection, from] {
    if (connection->is_closed[0]) return;
    connection->is_open[0] = true;
    wake(from);
  });
}

void StreamNetwork::deliver(const std::shared_ptr<Connection>& connection, std::size_t side,
                            std::vector<std::byte> bytes, bool is_last) {
  const int to = connection->processes[side];
  const int from = connection->processes[1 - side];
  if (connection->is_lost || connection->is_left[side] || crashed_.contains(from)) return;
  Connection::Way& way = connection->ways[side];
  if (is_parted(from, to)) {
    way.held.emplace_back(std::move(bytes), is_last);
    return;
  }
  trace_.add(events_.now().value);
  trace_.add(static_cast<std::uint64_t>(index(from, to)) << 32 | crc32c(bytes));
  if (!bytes.empty()) way.arrived.push_back(std::move(bytes));
  if (is_last) connection->close(side);
  wake(to);
}

void StreamNetwork::for_each_between(int process, int other,
                                     const std::function<void(const std::shared_ptr<Connection>&)>& act) {
  for (const std::weak_ptr<Connection>& weak : std::vector(connections_)) {
    const std::shared_ptr<Connection> connection = weak.lock();
    if (connection && std::minmax(connection->processes[0], connection->processes[1]) == std::minmax(process, other)) {
      act(connection);
    }
  }
}

void StreamNetwork::reset(int process, int other) {
  for_each_between(process, other, [this](const std::shared_ptr<Connection>& connection) {
    connection->is_lost = true;
    for (const std::size_t side : {0, 1}) {
      connection->close(side);
      connection->ways[side].arrived.clear();
      wake(connection->processes[side]);
    }
  });
}

void StreamNetwork::lose(int process, int other) {
  for_each_between(process, other, [](const std::shared_ptr<Connection>& connection) { connection->is_lost = true; });
}

void StreamNetwork::part(int process, int other) { parted_.insert(std::minmax(process, other)); }

void StreamNetwork::restore(int process, int other) {
  parted_.erase(std::minmax(process, other));
  for_each_between(process, other, [this](const std::shared_ptr<Connection>& connection) {
    for (const std::size_t side : {0, 1}) {
      for (auto& [bytes, is_last] : std::exchange(connection->ways[side].held, {})) {
        deliver(connection, side, std::move(bytes), is_last);
      }
    }
  });
}

void StreamNetwork::damage_next(int from, int to) { to_damage_.insert({from, to}); }

void StreamNetwork::crash(int process, bool tells) {
  crashed_.insert(process);
  for (int other = 0; other < options_.processes; ++other) {
    if (other == process) continue;
    if (tells) {
      reset(process, other);
    } else {
      lose(process, other);
    }
  }
}

}  // namespace laconic::sim
