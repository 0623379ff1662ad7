#include "comm/comm.h"

#include <algorithm>
#include <bit>
#include <string>

#include "base/canary.h"
#include "base/error.h"
#include "kernels/vector_ops.h"

namespace laconic {
namespace {

// Elements [begin, end) of chunk c when `size` elements are cut into `parts`.
std::pair<std::size_t, std::size_t> chunk(std::size_t size, std::size_t parts, std::size_t c) {
  return {size * c / parts, size * (c + 1) / parts};
}

// A canary's: the same frame but for one bit.
Frame with_other_bit(const Frame& frame) {
  std::vector<std::byte> payload(frame.payload().begin(), frame.payload().end());
  payload.front() ^= std::byte{1};
  return {frame.header(), std::span<const std::byte>(payload)};
}

}  // namespace

Task<void> Comm::compute(std::size_t elements, std::function<void()> work) {
  if (!is_worth_a_hop(elements)) {
    work();
    co_return;
  }
  Pending pending = processor_.submit(Processor::Cost::kFree, std::move(work));
  co_await pending.done();
}

Task<void> Comm::send_floats(Rank to, FrameHeader header, std::span<const float> values) {
  Frame frame;
  co_await compute(values.size(), [&] { frame = Frame(header, values); });
  send(to, frame);
}

Task<Frame> Comm::receive(Rank from, Tag tag, Round round, Seconds patience) {
  const Seconds since = now();
  const Pattern pattern{.from = from, .tags = tag, .round = round};
  auto arrival = co_await transport_.receive(pattern, patience);
  if (!arrival) {
    throw PeerLost(name(self()) + " got no " + std::string(to_text(tag)) + " (round " + std::to_string(round.value) +
                   ") from " + name(from) + " within " + to_text(patience) + ", waiting since " + moment_text(since) +
                   "; see whether that node still runs, or raise network.deadline (" + to_text(options_.deadline) +
                   ")");
  }
  co_return std::move(arrival->frame);
}

Task<std::optional<Arrival>> Comm::poll(Tag tag, Round round) {
  const Pattern pattern{.from = std::nullopt, .tags = tag, .round = round, .may_be_late = true};
  return transport_.receive(pattern, Seconds{});
}

Task<Arrival> Comm::receive_when_idle(TagSet tags, Round round) {
  const Pattern pattern{.from = std::nullopt, .tags = tags, .round = round};
  auto arrival = co_await transport_.receive(pattern, kIdle);
  LACONIC_CHECK(arrival.has_value(), "an idle wait of node " << self().value << " ended");
  co_return std::move(*arrival);
}

Task<SharedVector> Comm::all_reduce_mean(std::span<const float> values, Traffic traffic) {
  return all_reduce(values, Tag::kReduceMean, {.own = {}, .all = 1.0F / static_cast<float>(world_size())}, traffic);
}

Task<SharedVector> Comm::all_reduce_mean(std::span<const float> values, const MeanWeights& weights, Traffic traffic) {
  LACONIC_CHECK(weights.of_worker().size() == static_cast<std::size_t>(world_size()),
                weights.of_worker().size() << " weights for " << world_size() << " workers");
  if (weights.alike()) return all_reduce_mean(values, traffic);
  const Factors factors{.own = weights.share(self()), .all = weights.all_shares()};
  return all_reduce(values, Tag::kReduceWeightedMean, factors, traffic);
}

Task<SharedVector> Comm::all_reduce_sum(std::span<const float> values, Traffic traffic) {
  return all_reduce(values, Tag::kReduceSum, {}, traffic);
}

Task<SharedVector> Comm::all_reduce(std::span<const float> values, Tag tag, Factors factors, Traffic traffic) {
  if (options_.collective == Collective::kStar) return star(values, tag, traffic);
  return values.size() <= kTreeLimit ? tree(values, factors, traffic) : ring(values, factors, traffic);
}

Task<bool> Comm::all_reduce_any(bool value, Traffic traffic) {
  const std::byte bit{static_cast<unsigned char>(value ? 1 : 0)};
  if (options_.collective == Collective::kRing) {
    // A sum of ones and zeros on the tree would take four bytes; one byte a vote does.
    const auto rank = static_cast<std::uint32_t>(self().value);
    const auto size = static_cast<std::uint32_t>(world_size());
    const Round up = next_round();
    const Round down = next_round();
    bool any = value;
    const Seconds since = now();
    std::uint32_t span = 1;
    for (; span < size && (rank & span) == 0; span <<= 1) {
      if (rank + span >= size) continue;
      const Rank child{static_cast<std::int32_t>(rank + span)};
      const Frame frame = co_await receive(child, Tag::kTreeUp, up, tree_patience(since, std::countr_zero(span)));
      any = read_bit(frame.payload(), child) || any;
    }
    if (rank != 0) {
      const Rank parent{static_cast<std::int32_t>(rank - span)};
      const std::byte vote{static_cast<unsigned char>(any ? 1 : 0)};
      send(parent, Frame(FrameHeader{traffic, Tag::kTreeUp, up}, std::span(&vote, 1)));
      const Frame frame = co_await receive(parent, Tag::kTreeDown, down);
      any = read_bit(frame.payload(), parent);
    }
    const std::byte verdict{static_cast<unsigned char>(any ? 1 : 0)};
    const Frame frame(FrameHeader{traffic, Tag::kTreeDown, down}, std::span(&verdict, 1));
    for (span >>= 1; span > 0; span >>= 1) {
      if (rank + span < size) send({static_cast<std::int32_t>(rank + span)}, frame);
    }
    co_return any;
  }
  const Round round = next_round();
  const FrameHeader header{traffic, Tag::kReduceAny, round};
  if (membership_ != nullptr) {
    const Frame result = co_await member_exchange(header, std::span(&bit, 1));
    co_return read_bit(result.payload().first(1), coordinator());
  }
  send(coordinator(), Frame(header, std::span(&bit, 1)));
  const Frame frame = co_await receive(coordinator(), Tag::kReduced, round);
  co_return read_bit(frame.payload(), coordinator());
}

// Sends this member's part and waits for the result, however long: that the coordinator lives is the runtime's to know.
Task<Frame> Comm::member_exchange(const FrameHeader& header, std::span<const std::byte> payload) {
  const std::vector<std::byte> behind = standing(header);
  const std::size_t size = payload.size();
  const FrameHeader own = header;
  Frame part;
  co_await compute(size / sizeof(float), [&] {
    part = Frame(own, size + behind.size(), [&](std::span<std::byte> out) {
      std::copy(payload.begin(), payload.end(), out.begin());
      std::copy(behind.begin(), behind.end(), out.begin() + static_cast<std::ptrdiff_t>(size));
    });
  });
  Asked never;
  Frame result = co_await await_answer(std::move(part), Tag::kReduced, Tag::kAsk, std::move(never));
  membership_->heard(decode_view(result, size, membership_->view(), world_size()), result);
  co_return result;
}

Task<Frame> Comm::await_answer(Frame part, Tag answer, Tag ask, Asked asked) {
  send(coordinator(), part);
  pending_part_ = part;
  TagSet tags = answer;
  if (asked) tags = {answer, ask};
  const Pattern pattern{.from = coordinator(), .tags = tags, .round = part.header().round};
  std::optional<Arrival> arrival;
  for (;;) {
    arrival = co_await transport_.receive(pattern, kIdle);
    if (!arrival) throw Dismissed();
    if (arrival->frame.header().tag == answer) break;
    co_await asked(arrival->frame);
  }
  pending_part_ = Frame();
  newest_result_ = arrival->frame;
  co_return std::move(arrival->frame);
}

std::vector<std::byte> Comm::standing(const FrameHeader& header) {
  return is_member() ? encode_standing(membership_->standing(), header) : std::vector<std::byte>();
}

Task<Frame> Comm::exchange_present(Frame part) {
  Asked never;
  return exchange_present(std::move(part), std::move(never));
}

Task<Frame> Comm::exchange_present(Frame part, Asked asked) {
  Frame answer = co_await await_answer(std::move(part), Tag::kBroadcast, Tag::kAsk, std::move(asked));
  const std::size_t size = answer.payload().size();
  const std::size_t behind = named_view_size(world_size());
  if (size < behind) throw DecodeError("an answer of the coordinator without the view that it is over");
  membership_->heard(decode_view(answer, size - behind, membership_->view(), world_size()), answer);
  co_return answer;
}

Task<Frame> Comm::receive_as_member(Tag tag, Round round) {
  const Pattern pattern{.from = coordinator(), .tags = tag, .round = round};
  std::optional<Arrival> arrival = co_await transport_.receive(pattern, kIdle);
  if (!arrival) throw Dismissed();
  co_return std::move(arrival->frame);
}

Task<SharedVector> Comm::star(std::span<const float> values, Tag tag, Traffic traffic) {
  const Round round = next_round();
  const FrameHeader header{traffic, tag, round};
  const std::size_t count = values.size();
  if (membership_ != nullptr) {
    Frame result;
    if (count > options_.piece) {
      result = co_await announced_exchange(header, values);
    } else {
      result = co_await member_exchange(header, std::as_bytes(values));
    }
    if (canary(Canary::kOtherBit) && traffic == Traffic::kModel && self().value == 1) result = with_other_bit(result);
    co_return result.floats(count, result.payload().size() - values.size_bytes());
  }
  if (is_worth_a_hop(count)) {
    co_await send_floats(coordinator(), header, values);
  } else {
    send(coordinator(), Frame(header, values));
  }
  const Frame frame = co_await receive(coordinator(), Tag::kReduced, round);
  co_return frame.floats(count);
}

// Reduce-scatter, then all-gather, each in K-1 exchanges. In exchange s a worker sends chunk (rank - s) to the next
// worker and gets chunk (rank - s - 1) from the one before; after the first half worker r owns the sum of chunk r + 1.
Task<SharedVector> Comm::ring(std::span<const float> values, Factors factors, Traffic traffic) {
  const auto size = static_cast<std::size_t>(world_size());
  const auto rank = static_cast<std::size_t>(self().value);
  const Rank next{static_cast<std::int32_t>((rank + 1) % size)};
  const Rank before{static_cast<std::int32_t>((rank + size - 1) % size)};
  std::vector<float> sum;
  co_await compute(values.size(), [&] {
    sum.assign(values.begin(), values.end());
    if (factors.own) kernels::scale(*factors.own, sum);
  });
  const auto part = [&](std::size_t c) {
    const auto [begin, end] = chunk(sum.size(), size, c % size);
    return std::span(sum).subspan(begin, end - begin);
  };
  for (std::size_t s = 0; s + 1 < size; ++s) {
    const FrameHeader header{traffic, Tag::kRing, next_round()};
    co_await send_floats(next, header, part(rank + size - s));
    const std::span<float> mine = part(rank + size - s - 1);
    const Frame frame = co_await receive(before, header.tag, header.round);
    const SharedVector got = frame.floats(mine.size());
    co_await compute(mine.size(), [&] { kernels::axpy(1.0F, got, mine); });
  }
  const std::span<float> own = part(rank + 1);
  if (factors.all) co_await compute(own.size(), [&] { kernels::scale(*factors.all, own); });
  for (std::size_t s = 0; s + 1 < size; ++s) {
    const FrameHeader header{traffic, Tag::kRing, next_round()};
    co_await send_floats(next, header, part(rank + 1 + size - s));
    const std::span<float> mine = part(rank + size - s);
    const Frame frame = co_await receive(before, header.tag, header.round);
    const SharedVector got = frame.floats(mine.size());
    co_await compute(mine.size(), [&] { kernels::copy(got, mine); });
  }
  co_return SharedVector(std::move(sum));
}

Seconds Comm::tree_patience(Seconds since, int level) const {
  const int levels = std::bit_width(static_cast<std::uint32_t>(world_size()));
  const double share = 0.5 + 0.5 * level / (levels + 1.0);
  return {std::max(0.0, (since - now()).value + share * options_.deadline.value)};
}

// Binomial tree rooted at worker 0: in turn t a worker whose bit t is the lowest set one sends its sum to the worker
// with that bit cleared; results go back the same way. Vectors are short here: all is done in place.
Task<SharedVector> Comm::tree(std::span<const float> values, Factors factors, Traffic traffic) {
  const auto rank = static_cast<std::uint32_t>(self().value);
  const auto size = static_cast<std::uint32_t>(world_size());
  const Round up = next_round();
  const Round down = next_round();
  std::vector<float> sum(values.begin(), values.end());
  if (factors.own) kernels::scale(*factors.own, sum);
  const Seconds since = now();
  std::uint32_t span = 1;
  for (; span < size && (rank & span) == 0; span <<= 1) {
    if (rank + span >= size) continue;
    const Rank child{static_cast<std::int32_t>(rank + span)};
    const Frame frame = co_await receive(child, Tag::kTreeUp, up, tree_patience(since, std::countr_zero(span)));
    const SharedVector got = frame.floats(sum.size());
    kernels::axpy(1.0F, got, sum);
  }
  SharedVector result;
  Frame frame;
  if (rank == 0) {
    if (factors.all) kernels::scale(*factors.all, sum);
    frame = Frame(FrameHeader{traffic, Tag::kTreeDown, down}, std::span<const float>(sum));
  } else {
    const Rank parent{static_cast<std::int32_t>(rank - span)};
    send(parent, Frame(FrameHeader{traffic, Tag::kTreeUp, up}, std::span<const float>(sum)));
    frame = co_await receive(parent, Tag::kTreeDown, down);
  }
  for (span >>= 1; span > 0; span >>= 1) {
    if (rank + span < size) send({static_cast<std::int32_t>(rank + span)}, frame);
  }
  co_return frame.floats(values.size());
}

Task<std::vector<Contribution>> Comm::gather(std::span<const Rank> group, Round round, Seconds end) {
  const std::vector<Rank> members(group.begin(), group.end());
  std::vector<Contribution> result;
  for (const Rank member : members) {
    const Seconds left{std::max(0.0, (end - now()).value)};
    const Pattern pattern{.from = member, .tags = Tag::kGather, .round = round, .may_be_late = true};
    auto arrival = co_await transport_.receive(pattern, left);
    if (arrival) result.push_back({.from = member, .frame = std::move(arrival->frame)});
  }
  co_return result;
}

Task<std::vector<Contribution>> Comm::gather_when_idle(std::span<const Rank> group, Round round) {
  std::vector<Rank> others(group.begin(), group.end());
  Arrival first;
  auto place = others.end();
  while (place == others.end()) {
    first = co_await receive_when_idle(Tag::kGather, round);
    place = std::find(others.begin(), others.end(), first.from);
  }
  const auto before = static_cast<std::size_t>(place - others.begin());
  others.erase(place);
  const Seconds end = now() + collecting_deadline();
  std::vector<Contribution> result = co_await gather(std::span<const Rank>(others).first(before), round, end);
  const std::vector<Contribution> later = co_await gather(std::span<const Rank>(others).subspan(before), round, end);
  Contribution own;
  own.from = first.from;
  own.frame = std::move(first.frame);
  result.push_back(std::move(own));
  result.insert(result.end(), later.begin(), later.end());
  co_return result;
}

void Comm::broadcast(std::span<const Rank> group, const Frame& frame) {
  for (const Rank member : group) {
    if (member != self()) send(member, frame);
  }
}

void Comm::archive(Archive& archive) { archive.value("comm.rounds", rounds_); }

Bytes all_reduce_payload(Collective collective, int world_size, std::size_t count) {
  const auto workers = static_cast<std::uint64_t>(world_size);
  const std::uint64_t vector_size = count * sizeof(float);
  return {collective == Collective::kStar ? 2 * workers * vector_size : 2 * (workers - 1) * vector_size};
}

Bytes any_payload(Collective collective, int world_size) {
  const auto workers = static_cast<std::uint64_t>(world_size);
  return {collective == Collective::kStar ? 2 * workers : 2 * (workers - 1)};
}

Seconds small_exchange_time(Collective collective, int world_size, Seconds latency) {
  return {(collective == Collective::kStar ? 2.0 : 2.0 * (world_size - 1)) * latency.value};
}

}  // namespace laconic
