#include "runtimes/sim/memory_link.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace laconic::sim {
class MemoryNetwork::MemoryLink final : public node::Link {
 public:
  MemoryLink(MemoryNetwork& network, int self, Clock& clock)
      : network_(network),
        self_(self),
        clock_(clock),
        heard_(static_cast<std::size_t>(network.options_.processes)),
        carried_(heard_.size()),
        leaving_(heard_.size()) {}

  int self() const override { return self_; }
  int size() const override { return network_.options_.processes; }

  void send(Rank from, Rank to, const Frame& frame) override {
    LACONIC_CHECK(is_node(from, size()) && node::process_of(from) == self_,
                  "node " << from.value << " does not live in process " << self_);
    const int other = node::process_of(to);
    LACONIC_CHECK(is_node(to, size()) && other != self_,
                  "node " << to.value << " does not live in another process than " << self_);
    node::Carried& carried = carried_.at(static_cast<std::size_t>(other));
    ++carried.frames;
    carried.bytes += frame.wire_size().value;
    if (network_.takes_loss(self_, other)) return;
    begin_leaving(other);
    const Seconds now = network_.events_.now();
    const Seconds reached = network_.model_->reach(now, {self_}, {other}, frame.wire_size()) + network_.extra_;
    network_.events_.at(reached, [this, from, to, other, frame] {
      end_leaving(other);
      if (network_.is_cut(self_, other)) {
        ++network_.lost_;
        return;
      }
      const Seconds arrived = network_.model_->arrive(network_.events_.now(), {other}, frame.wire_size());
      network_.events_.at(arrived, [this, from, to, other, frame] {
        network_.trace_.add(network_.events_.now().value);
        network_.trace_.add(static_cast<std::uint64_t>(place_of(from, size())) << 32 |
                            static_cast<std::uint32_t>(place_of(to, size())));
        network_.trace_.add(std::uint64_t{frame.checksum()});
        network_.at(other).hear(
            self_, [from, to, frame](const node::LinkHandlers& handlers) { handlers.frame(from, to, frame); });
      });
    });
  }

  bool progress(const node::LinkHandlers& handlers) override {
    // What a handler throws leaves the rest for the next call.
    bool moved = false;
    while (!news_.empty()) {
      const auto report = std::move(news_.front());
      news_.pop_front();
      moved = true;
      report(handlers);
    }
    return moved;
  }

  Seconds pause(bool moved) override { return {moved ? 0.0 : std::numeric_limits<double>::infinity()}; }
  bool has_left(int process) const override { return leaving_.at(static_cast<std::size_t>(process)) == 0; }
  std::string held_up_by() const override { return {}; }

  void beat() override {
    for (int other = 0; other < size(); ++other) {
      if (other == self_ || (self_ != 0 && other != 0)) continue;
      network_.after_latency(self_, other, [this, other] { network_.at(other).note(self_); });
    }
  }

  void broadcast_end(const std::string& text) override {
    if (network_.options_.ends_are_lost) return;
    for (int other = 0; other < size(); ++other) {
      if (other == self_) continue;
      begin_leaving(other);
      network_.after_latency(self_, other, [this, other, cut = text.substr(0, node::kMaxEndSize)] {
        network_.trace_.add(network_.events_.now().value);
        network_.at(other).hear(self_,
                                [from = self_, cut](const node::LinkHandlers& handlers) { handlers.end(from, cut); });
      });
      network_.events_.at(network_.events_.now(), [this, other] { end_leaving(other); });
    }
  }

  Seconds last_heard(int process) const override { return heard_.at(static_cast<std::size_t>(process)); }
  const node::Carried& carried(int process) const override { return carried_.at(static_cast<std::size_t>(process)); }

  // A sign of life has come.
  void note(int from) { heard_.at(static_cast<std::size_t>(from)) = network_.events_.now(); }
  // Something to report has come from a process.
  void hear(int from, std::function<void(const node::LinkHandlers&)> report) {
    note(from);
    tell(std::move(report));
  }
  void tell(std::function<void(const node::LinkHandlers&)> report) {
    news_.push_back(std::move(report));
    clock_.wake();
  }

 private:
  void begin_leaving(int other) { ++leaving_[static_cast<std::size_t>(other)]; }
  void end_leaving(int other) {
    if (--leaving_[static_cast<std::size_t>(other)] == 0) clock_.wake();
  }

  MemoryNetwork& network_;
  int self_;
  Clock& clock_;
  std::vector<Seconds> heard_;
  std::vector<node::Carried> carried_;
  std::deque<std::function<void(const node::LinkHandlers&)>> news_;  // in the order in which it came
  std::vector<int> leaving_;                                         // frames and ends that have not set out, to each
};

MemoryNetwork::MemoryNetwork(const MemoryNetworkOptions& options, EventQueue& events, TraceHash& trace,
                             const std::function<Clock&(int process)>& clock_of)
    : options_(options), events_(events), trace_(trace) {
  const NetworkOptions network{
      .worker = options.interface, .coordinator = options.interface, .latency = options.latency};
  model_ = make_network(network, options.processes);
  for (int process = 0; process < options.processes; ++process) {
    links_.push_back(std::make_unique<MemoryLink>(*this, process, clock_of(process)));
  }
}

MemoryNetwork::~MemoryNetwork() = default;

node::Link& MemoryNetwork::link(int process) { return at(process); }

bool MemoryNetwork::is_cut(int process, int other) const { return cut_.contains(std::minmax(process, other)); }

void MemoryNetwork::cut(int process, int other) { cut_.insert(std::minmax(process, other)); }

void MemoryNetwork::cut_off(int process) {
  for (int other = 0; other < options_.processes; ++other) {
    if (other != process) cut(process, other);
  }
}

void MemoryNetwork::report_failure(int process, const std::string& problem) {
  for (int other = 0; other < options_.processes; ++other) {
    if (other == process) continue;
    at(other).tell([process, problem](const node::LinkHandlers& handlers) { handlers.failed(process, problem); });
  }
}

void MemoryNetwork::lose_next(int from, int to) { ++to_lose_[{from, to}]; }

bool MemoryNetwork::takes_loss(int from, int to) {
  const auto planned = to_lose_.find({from, to});
  if (planned == to_lose_.end() || planned->second == 0) return false;
  --planned->second;
  ++lost_;
  return true;
}

void MemoryNetwork::after_latency(int from, int to, std::function<void()> deliver) {
  events_.at(events_.now() + options_.latency + extra_, [this, from, to, deliver = std::move(deliver)] {
    if (!is_cut(from, to)) deliver();
  });
}

}  // namespace laconic::sim
