#include "runtimes/sim/faults.h"

#include "base/error.h"
#include "base/random.h"

namespace laconic::sim {

Faults::Faults(const NetworkOptions& network, int world_size, std::uint64_t seed)
    : world_size_(world_size), loss_(network.loss), duplication_(network.duplication), seed_(seed) {
  const auto is_probability = [](double value) { return value >= 0.0 && value < 1.0; };
  LACONIC_CHECK(is_probability(loss_) && is_probability(duplication_),
                "loss " << loss_ << ", duplication " << duplication_);
}

Fate Faults::next(Rank from, Rank to) {
  if (loss_ == 0.0 && duplication_ == 0.0) return Fate::kArrives;
  const std::uint64_t number = sent_[{from, to}]++;
  RandomStream stream(seed_, "network faults",
                      {static_cast<std::uint64_t>(place_of(from, world_size_)),
                       static_cast<std::uint64_t>(place_of(to, world_size_)), number});
  // Both are drawn for every frame: what one probability does to a frame does not depend on the other.
  const bool lost = stream.uniform() < loss_;
  const bool doubled = stream.uniform() < duplication_;
  if (lost) return Fate::kLost;
  return doubled ? Fate::kDoubled : Fate::kArrives;
}

void Faults::archive(Archive& archive) {
  std::uint64_t count = sent_.size();
  archive.value("faults.pairs", count);
  auto next = sent_.begin();
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t from = archive.loading() ? 0 : static_cast<std::uint64_t>(place_of(next->first.first, world_size_));
    std::uint64_t to = archive.loading() ? 0 : static_cast<std::uint64_t>(place_of(next->first.second, world_size_));
    archive.value("faults.from", from);
    archive.value("faults.to", to);
    const auto last = static_cast<std::uint64_t>(world_size_);
    if (from > last || to > last) throw DecodeError("state: frames between nodes that there are not");
    if (archive.loading()) {
      const Rank sender = node_at(static_cast<std::int32_t>(from), world_size_);
      const Rank receiver = node_at(static_cast<std::int32_t>(to), world_size_);
      next = sent_.try_emplace({sender, receiver}).first;
    }
    archive.value("faults.sent", next->second);
    ++next;
  }
}

}  // namespace laconic::sim
