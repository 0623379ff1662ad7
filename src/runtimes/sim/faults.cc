#include "runtimes/sim/faults.h"

#include "base/error.h"
#include "base/random.h"

namespace laconic::sim {

Faults::Faults(const NetworkOptions& network, std::uint64_t seed)
    : loss_(network.loss), duplication_(network.duplication), seed_(seed) {
  const auto is_probability = [](double value) { return value >= 0.0 && value < 1.0; };
  LACONIC_CHECK(is_probability(loss_) && is_probability(duplication_),
                "loss " << loss_ << ", duplication " << duplication_);
}

Fate Faults::next(Rank from, Rank to) {
  if (loss_ == 0.0 && duplication_ == 0.0) return Fate::kArrives;
  const std::uint64_t number = sent_[{from, to}]++;
  RandomStream stream(seed_, "network faults",
                      {static_cast<std::uint64_t>(from.value), static_cast<std::uint64_t>(to.value), number});
  // Both are drawn for every frame: what one probability does to a frame does not depend on the other.
  const bool lost = stream.uniform() < loss_;
  const bool doubled = stream.uniform() < duplication_;
  if (lost) return Fate::kLost;
  return doubled ? Fate::kDoubled : Fate::kArrives;
}

void Faults::archive(Archive& archive, int nodes) {
  std::uint64_t count = sent_.size();
  archive.value("faults.pairs", count);
  auto next = sent_.begin();
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t from = archive.loading() ? 0 : static_cast<std::uint64_t>(next->first.first.value);
    std::uint64_t to = archive.loading() ? 0 : static_cast<std::uint64_t>(next->first.second.value);
    archive.value("faults.from", from);
    archive.value("faults.to", to);
    const auto most = static_cast<std::uint64_t>(nodes);
    if (from >= most || to >= most) throw DecodeError("state: frames between nodes that there are not");
    if (archive.loading()) {
      const Rank sender{static_cast<std::int32_t>(from)};
      const Rank receiver{static_cast<std::int32_t>(to)};
      next = sent_.try_emplace({sender, receiver}).first;
    }
    archive.value("faults.sent", next->second);
    ++next;
  }
}

}  // namespace laconic::sim
