#include "mechanisms/link_accounts.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/byte_stream.h"
#include "base/error.h"

namespace laconic {
namespace {

// What may lie between two messages of a sender that both came: more is no loss but nonsense.
constexpr std::uint64_t kMaxGap = 1U << 20;

// How far in steps a message may be from its receiver's own step.
constexpr std::uint64_t kMaxStep = std::uint64_t{1} << 62;

// All messages carry the same round: their numbers are in them.
constexpr FrameHeader kHeader{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = {0}};

// Without accounts a repeated message makes mass, without end.
void require_weight_that_fits(const Worker& self, Rank sender, const Frame& frame) {
  ByteReader in(frame.payload(), "push-sum message");
  if (in.u64() <= static_cast<std::uint64_t>(PushWeight::kOne) * kMaxNodes) return;
  throw RunError(self.comm().name(sender) + " has a push-sum weight above " + std::to_string(kMaxNodes) +
                 ": messages that the network repeats have made it out of nothing; set account = true");
}

double weight_of(const LinkMatrix& links, Rank sender, Rank receiver) {
  for (const WeightedNeighbor& link : links.receivers(sender)) {
    if (link.rank == receiver) return link.weight;
  }
  throw DecodeError("a message over a link that isn't there in its round");
}

}  // namespace

std::vector<WeightedNeighbor> LinkAccounts::open(std::span<const WeightedNeighbor> receivers) const {
  std::vector<WeightedNeighbor> result;
  for (const WeightedNeighbor& receiver : receivers) {
    const auto link = outgoing_.find(receiver.rank.value);
    if (link == outgoing_.end() || link->second.unanswered.size() < kWindow) result.push_back(receiver);
  }
  return result;
}

Task<void> LinkAccounts::send(Worker& self, Step step, std::span<const WeightedNeighbor> receivers,
                              std::span<const WeightedNeighbor> all, double gamma, PushWeight weight,
                              std::span<const std::byte> message) {
  if (step.value % kRepeat == 0) {
    for (const WeightedNeighbor& receiver : all) {
      const auto link = outgoing_.find(receiver.rank.value);
      if (link == outgoing_.end() || link->second.unanswered.size() < kWindow) continue;
      self.comm().send(receiver.rank, link->second.unanswered.rbegin()->second.frame);
    }
  }
  for (const WeightedNeighbor& receiver : receivers) {
    Outgoing& link = outgoing_[receiver.rank.value];
    ByteWriter head;
    head.u64(static_cast<std::uint64_t>(weight.units()));
    head.varint(step.value);
    head.varint(link.next);
    head.varint(link.unanswered.empty() ? 0 : link.next - link.unanswered.begin()->first);
    Frame frame;
    co_await self.comm().compute(message.size() / sizeof(float), [&] {
      frame = Frame(kHeader, head.size() + message.size(), [&](std::span<std::byte> payload) {
        std::copy(head.bytes().begin(), head.bytes().end(), payload.begin());
        std::copy(message.begin(), message.end(), payload.begin() + static_cast<std::ptrdiff_t>(head.size()));
      });
    });
    self.comm().send(receiver.rank, frame);
    const double fraction = gamma * receiver.weight;
    if (keep_) {
      link.unanswered.emplace(
          link.next,
          Transfer{.fraction = fraction, .weight = weight.share(fraction), .frame = frame, .head = head.size()});
    }
    ++link.next;
  }
}

Task<std::vector<LinkAccounts::Taken>> LinkAccounts::take(Worker& self) {
  std::vector<Taken> taken;
  for (;;) {
    std::optional<Arrival> arrival = co_await self.comm().poll(Tag::kGossip, kHeader.round);
    if (!arrival) break;
    read_from(self, arrival->from, [&] {
      ByteReader in(arrival->frame.payload(), "push-sum message");
      if (!keep_) require_weight_that_fits(self, arrival->from, arrival->frame);
      const PushWeight weight = read_weight(in, keep_ ? links_->nodes() : kMaxNodes);
      const std::uint64_t step = in.varint();
      const std::uint64_t number = in.varint();
      const std::uint64_t behind = in.varint();
      if (step > kMaxStep) in.fail("step " + std::to_string(step));
      if (behind > number) in.fail("message " + std::to_string(number) + " is " + std::to_string(behind) + " ahead");
      Incoming& link = incoming_[arrival->from.value];
      if (number >= link.next + kMaxGap)
        in.fail("message " + std::to_string(number) + " after " + std::to_string(link.next));
      link.to_answer = keep_;
      if (keep_) {
        if (number < link.next) return;  // a second time, or too late
        for (std::uint64_t lost = link.next; lost < number; ++lost) link.lost.insert(lost);
        link.lost.erase(link.lost.begin(), link.lost.lower_bound(number - behind));
      }
      const double fraction = weight_of(*links_->at(step), arrival->from, self.rank());
      link.next = std::max(link.next, number + 1);
      taken.push_back({.from = arrival->from,
                       .fraction = fraction,
                       .weight = weight,
                       .message = in.rest(),
                       .frame = arrival->frame});
    });
  }
  co_return taken;
}

void LinkAccounts::answer(Worker& self) {
  for (auto& [sender, link] : incoming_) {
    if (!std::exchange(link.to_answer, false)) continue;
    ByteWriter answer;
    answer.varint(link.next);
    answer.varint(link.lost.size());
    std::uint64_t before = 0;
    for (const std::uint64_t number : link.lost) answer.varint(number - std::exchange(before, number));
    const FrameHeader header{.traffic = Traffic::kControl, .tag = Tag::kAnswer, .round = kHeader.round};
    self.comm().send({sender}, Frame(header, answer.bytes()));
  }
}

Task<std::vector<LinkAccounts::Transfer>> LinkAccounts::take_back(Worker& self) {
  std::vector<Transfer> back;
  for (;;) {
    std::optional<Arrival> arrival = co_await self.comm().poll(Tag::kAnswer, kHeader.round);
    if (!arrival) break;
    read_from(self, arrival->from, [&] {
      ByteReader in(arrival->frame.payload(), "answer");
      const std::uint64_t next = in.varint();
      const std::uint64_t count = in.varint();
      Outgoing& link = outgoing_[arrival->from.value];
      if (next > link.next)
        in.fail("an answer for message " + std::to_string(next) + " of " + std::to_string(link.next));
      std::uint64_t number = 0;
      std::set<std::uint64_t> lost;
      for (std::uint64_t i = 0; i < count; ++i) {
        const std::uint64_t gap = in.varint();
        if ((i > 0 && gap == 0) || gap > next || number + gap >= next) in.fail("a lost message that was never sent");
        number += gap;
        lost.insert(number);
      }
      in.expect_end();
      const auto end = link.unanswered.lower_bound(next);
      for (auto at = link.unanswered.begin(); at != end; ++at) {
        if (lost.contains(at->first)) back.push_back(std::move(at->second));
      }
      link.unanswered.erase(link.unanswered.begin(), end);
    });
  }
  co_return back;
}

std::map<std::int32_t, LinkAccounts::Unanswered> LinkAccounts::unanswered() const {
  std::map<std::int32_t, Unanswered> result;
  for (const auto& [receiver, link] : outgoing_) result[receiver] = link.unanswered;
  return result;
}

bool LinkAccounts::took(Rank sender, std::uint64_t number) const {
  const auto link = incoming_.find(sender.value);
  return link != incoming_.end() && number < link->second.next && !link->second.lost.contains(number);
}

void LinkAccounts::archive(Archive& archive) {
  const auto links = [&](const std::string& name, auto& all, const auto& each) {
    std::uint64_t count = all.size();
    archive.value(name + ".links", count);
    auto next = all.begin();
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t rank = archive.loading() ? 0 : static_cast<std::uint64_t>(next->first);
      archive.value(name + ".rank", rank);
      if (archive.loading()) {
        if (rank >= links_->nodes()) throw DecodeError("state: a link with node " + std::to_string(rank));
        next = all.try_emplace(static_cast<std::int32_t>(rank)).first;
      }
      archive.value(name + ".next", next->second.next);
      each(next->second);
      ++next;
    }
  };
  links("outgoing", outgoing_, [&](Outgoing& link) {
    std::uint64_t count = link.unanswered.size();
    archive.value("outgoing.unanswered", count);
    auto next = link.unanswered.begin();
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t number = archive.loading() ? 0 : next->first;
      archive.value("outgoing.number", number);
      if (archive.loading()) next = link.unanswered.try_emplace(number).first;
      Transfer& transfer = next->second;
      archive.value("outgoing.fraction", transfer.fraction);
      if (!(transfer.fraction >= 0.0 && transfer.fraction <= 1.0))
        throw DecodeError("state: a fraction of " + std::to_string(transfer.fraction));
      auto units = static_cast<std::uint64_t>(transfer.weight.units());
      archive.value("outgoing.weight", units);
      transfer.weight = PushWeight(static_cast<std::int64_t>(units));
      std::vector<std::byte> payload(transfer.frame.payload().begin(), transfer.frame.payload().end());
      archive.bytes("outgoing.payload", payload, kMaxPayloadSize);
      std::uint64_t head = transfer.head;
      archive.value("outgoing.head", head);
      if (head > payload.size()) throw DecodeError("state: a message of " + std::to_string(payload.size()) + " bytes");
      transfer.frame = Frame(kHeader, payload);
      transfer.head = head;
      ++next;
    }
  });
  links("incoming", incoming_, [&](Incoming& link) {
    archive.value("incoming.to_answer", link.to_answer);
    std::uint64_t count = link.lost.size();
    archive.value("incoming.lost", count);
    auto next = link.lost.begin();
    for (std::uint64_t i = 0; i < count; ++i) {
      std::uint64_t number = archive.loading() ? 0 : *next;
      archive.value("incoming.lost_number", number);
      if (archive.loading()) next = link.lost.insert(number).first;
      ++next;
    }
  });
}

}  // namespace laconic
