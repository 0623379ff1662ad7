#include "mechanisms/push_sum.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <utility>

#include "base/error.h"
#include "kernels/vector_ops.h"

namespace laconic {

std::string text_of(PushWeight weight) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), weight.value(), std::chars_format::general, 3);
  return {text.data(), end.ptr};
}

PushWeight PushWeight::share(double fraction) const {
  LACONIC_CHECK(fraction >= 0.0 && fraction <= 1.0, "fraction " << fraction);
  const auto part = static_cast<std::int64_t>(std::floor(static_cast<double>(units_) * fraction));
  // A node that holds the weight of hundreds has more units than double has places: rounded up, it would give away more
  // than it has.
  return PushWeight(std::min(part, std::max(units_, std::int64_t{0})));
}

Task<void> PushSum::begin(Worker& self) {
  if (!x_.empty()) co_return;
  co_await self.comm().compute(self.params().size(), [&] {
    x_.resize(self.params().size());
    kernels::copy(self.params(), x_);
  });
}

void PushSum::take_step(std::span<const float> model, double gain) {
  if (y_ == PushWeight() && gain == 1.0) {  // x = z, without a rounding
    kernels::copy(model, x_);
  } else {
    kernels::add_change(static_cast<float>(gain), inverse(), model, x_);
  }
}

void PushSum::set_model(Worker& self, std::uint64_t round) {
  if (!(y_.value() >= kLeastWeight)) {
    throw RunError("the push-sum weight of " + self.comm().name(self.rank()) + " fell to " + text_of(y_) +
                   " in round " + std::to_string(round) +
                   ": it gives away more than it gets; give it more senders, or let it keep more");
  }
  kernels::scaled(inverse(), x_, self.params());
}

Frame PushSum::frame(const FrameHeader& header, std::size_t size,
                     const std::function<void(std::span<std::byte>)>& write) const {
  return Frame(header, kPayloadOverhead + size, [&](std::span<std::byte> payload) {
    const std::int64_t units = y_.units();
    std::memcpy(payload.data(), &units, sizeof units);
    write(payload.subspan(kPayloadOverhead));
  });
}

void PushSum::archive(Archive& archive) {
  archive.vector("push_sum.numerators", x_, kMaxPayloadSize / sizeof(float));
  auto units = static_cast<std::uint64_t>(y_.units());
  archive.value("push_sum.weight", units);
  y_ = PushWeight(static_cast<std::int64_t>(units));
}

PushWeight read_weight(ByteReader& in, std::uint32_t nodes) {
  const std::uint64_t units = in.u64();
  if (units < 1 || units > static_cast<std::uint64_t>(PushWeight::kOne) * nodes) {
    in.fail("a weight of " + std::to_string(units) + " units");
  }
  return PushWeight(static_cast<std::int64_t>(units));
}

PushMessage parse_push(const Frame& frame, std::uint32_t nodes) {
  ByteReader in(frame.payload(), "push-sum message");
  const PushWeight weight = read_weight(in, nodes);
  return {.weight = weight, .message = in.rest()};
}

float given_fraction(std::span<const WeightedNeighbor> receivers, double gamma, double worth) {
  double sum = 0.0;
  for (const WeightedNeighbor& receiver : receivers) sum += static_cast<float>(gamma * receiver.weight * worth);
  return static_cast<float>(sum);
}

void give_weight(PushWeight& weight, std::span<const WeightedNeighbor> receivers, double gamma) {
  const PushWeight before = weight;
  for (const WeightedNeighbor& receiver : receivers) weight -= before.share(gamma * receiver.weight);
}

void require_links_that_fit(const StrategyRow& strategy, const Demands& demands, const LinkSchedule& links) {
  if (!demands.gossip.fixed_links || links.is_static()) return;
  throw UsageError("strategy " + std::string(strategy.name) +
                   " needs links that are the same in each round, such as directed_ring, and always up; take "
                   "sparse_push with memory "
                   "= \"difference\" for links that change");
}

Task<std::vector<NeighborFrame>> exchange_over_links(Comm& comm, const LinkMatrix& links, std::span<const Frame> frames,
                                                     const FrameHeader& header) {
  const std::span<const WeightedNeighbor> receivers = links.receivers(comm.self());
  LACONIC_CHECK(frames.size() == 1 || frames.size() == receivers.size(), frames.size()
                                                                             << " frames for " << receivers.size());
  for (std::size_t i = 0; i < receivers.size(); ++i) {
    comm.send(receivers[i].rank, frames[frames.size() == 1 ? 0 : i]);
  }
  std::vector<NeighborFrame> received;
  for (const WeightedNeighbor& sender : links.senders(comm.self())) {
    Frame frame = co_await comm.receive(sender.rank, header.tag, header.round);
    received.push_back({sender, std::move(frame)});
  }
  co_return received;
}

LinkCount links_a_round(const LinkSchedule& links) {
  const std::uint64_t rounds = links.typical_rounds();
  LinkCount count;
  const std::size_t first = links.at(0)->links();
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const std::size_t here = links.at(round)->links();
    count.mean += static_cast<double>(here) / static_cast<double>(rounds);
    count.same = count.same && here == first;
  }
  if (count.same) count.mean = static_cast<double>(first);
  return count;
}

std::uint64_t links_ever(const LinkSchedule& links) {
  std::set<std::pair<std::int32_t, std::int32_t>> seen;
  for (std::uint64_t round = 0; round < links.typical_rounds(); ++round) {
    const std::shared_ptr<const LinkMatrix> here = links.at(round);
    for (Rank node{0}; node.value < static_cast<std::int32_t>(links.nodes()); ++node.value) {
      for (const WeightedNeighbor& receiver : here->receivers(node)) seen.emplace(node.value, receiver.rank.value);
    }
  }
  return seen.size();
}

TrafficFormula link_traffic(const LinkSchedule& links, std::uint64_t size) {
  const LinkCount count = links_a_round(links);
  TrafficFormula formula;
  formula.sync(Traffic::kModel) = static_cast<std::uint64_t>(std::llround(count.mean * static_cast<double>(size)));
  formula.steps_per_sync = 1;
  formula.depends_on_values = !count.same;
  return formula;
}

}  // namespace laconic
