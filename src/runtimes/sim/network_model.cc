#include "runtimes/sim/network_model.h"

#include <algorithm>

namespace laconic::sim {
namespace {

// Sender's queue, latency, receiver's queue.
class Interfaces final : public NetworkModel {
 public:
  Interfaces(const NetworkOptions& options, int world_size)
      : options_(options), nodes_(static_cast<std::size_t>(world_size) + 1) {}

  Seconds reach(Seconds now, Rank from, Rank, Bytes size) override {
    Seconds& free = node(from).up_free;
    free = std::max(now, free) + transfer_time(size, link(from).up);
    return free + options_.latency;
  }

  Seconds arrive(Seconds now, Rank to, Bytes size) override {
    Seconds& free = node(to).down_free;
    free = std::max(now, free) + transfer_time(size, link(to).down);
    return free;
  }

  void archive(Archive& archive) override {
    for (Node& node : nodes_) {
      archive.value("network.up_free", node.up_free.value);
      archive.value("network.down_free", node.down_free.value);
    }
  }

 private:
  struct Node {
    Seconds up_free;
    Seconds down_free;
  };
  Node& node(Rank rank) {
    return nodes_.at(static_cast<std::size_t>(place_of(rank, static_cast<int>(nodes_.size()) - 1)));
  }
  const LinkOptions& link(Rank rank) const { return rank == kCoordinator ? options_.coordinator : options_.worker; }
  NetworkOptions options_;
  std::vector<Node> nodes_;
};

// One queue for all, then the latency.
class SharedChannel final : public NetworkModel {
 public:
  explicit SharedChannel(const NetworkOptions& options) : options_(options) {}

  Seconds reach(Seconds now, Rank, Rank, Bytes size) override {
    free_ = std::max(now, free_) + transfer_time(size, options_.channel);
    return free_ + options_.latency;
  }
  Seconds arrive(Seconds now, Rank, Bytes) override { return now; }
  void archive(Archive& archive) override { archive.value("network.channel_free", free_.value); }

 private:
  NetworkOptions options_;
  Seconds free_;
};

}  // namespace

std::unique_ptr<NetworkModel> make_network(const NetworkOptions& options, int world_size) {
  if (options.shared_channel) return std::make_unique<SharedChannel>(options);
  return std::make_unique<Interfaces>(options, world_size);
}

}  // namespace laconic::sim
