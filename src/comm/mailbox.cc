#include "comm/mailbox.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace laconic {
namespace {

bool matches(const Pattern& pattern, Rank from, const FrameHeader& header) {
  return header.round == pattern.round && pattern.tags.contains(header.tag) && (!pattern.from || *pattern.from == from);
}

}  // namespace

Seconds WaitList::next_deadline() const { return entries_.empty() ? kIdle : entries_.begin()->deadline; }

bool WaitList::any_may_be_late() const {
  return std::any_of(entries_.begin(), entries_.end(), [](const Entry& entry) {
    const auto& receives = entry.mailbox->receives_;
    return std::any_of(receives.begin(), receives.end(), [&](const Mailbox::Wait& wait) {
      return wait.entry.id == entry.id && wait.pattern.may_be_late;
    });
  });
}

void WaitList::expire(Seconds now) {
  while (!entries_.empty() && entries_.begin()->deadline <= now) {
    const Entry entry = *entries_.begin();
    entry.mailbox->expire(entry.id);
  }
}

std::vector<std::string> WaitList::describe(bool with_idle) const {
  std::vector<std::pair<Rank, std::string>> lines;
  for (const Entry& entry : entries_) {
    for (const Mailbox::Wait& wait : entry.mailbox->receives_) {
      if (wait.entry.id != entry.id || (!with_idle && std::isinf(entry.deadline.value))) continue;
      const std::string whom = wait.pattern.from ? node_name(*wait.pattern.from) : std::string("any node");
      lines.emplace_back(entry.mailbox->node_, node_name(entry.mailbox->node_) + " waits for the " +
                                                   wait.pattern.tags.to_text() + " (round " +
                                                   std::to_string(wait.pattern.round.value) + ") from " + whom +
                                                   " since " + moment_text(wait.since));
    }
  }
  std::sort(lines.begin(), lines.end());
  std::vector<std::string> result;
  for (auto& line : lines) result.push_back(std::move(line.second));
  return result;
}

Mailbox::~Mailbox() { clear(); }

void Mailbox::give_up(Rank from) {
  std::erase_if(kept_, [from](const auto& kept) { return kept.first.from == from.value; });
  for (;;) {
    const auto wait =
        std::find_if(receives_.begin(), receives_.end(), [from](const Wait& one) { return one.pattern.from == from; });
    if (wait == receives_.end()) return;
    expire(wait->entry.id);
  }
}

void Mailbox::drop_before(Round round) {
  std::erase_if(kept_, [round](const auto& kept) { return kept.first.round < round.value; });
}

void Mailbox::fail(const std::exception_ptr& error) {
  kept_.clear();
  while (!receives_.empty()) {
    auto resume = std::move(receives_.front().resume);
    waits_.entries_.erase(receives_.front().entry);
    receives_.pop_front();
    resume.fail(error);
  }
}

void Mailbox::drop_receives() {
  for (const Wait& wait : receives_) waits_.entries_.erase(wait.entry);
  receives_.clear();
}

void Mailbox::clear() {
  drop_receives();
  kept_.clear();
}

bool Mailbox::is_idle() const {
  return !receives_.empty() &&
         std::all_of(receives_.begin(), receives_.end(), [](const Wait& wait) { return wait.entry.deadline == kIdle; });
}

std::optional<Arrival> Mailbox::take(const Pattern& pattern) {
  const auto first = kept_.lower_bound({pattern.round.value, Tag{}, 0});
  auto best = kept_.end();
  for (auto place = first; place != kept_.end() && place->first.round == pattern.round.value; ++place) {
    const FrameHeader& header = place->second.front().frame.header();
    if (!matches(pattern, {place->first.from}, header)) continue;
    if (best == kept_.end() || place->second.front().order < best->second.front().order) best = place;
    if (pattern.from) break;  // one sender: its frames of the round are in order under one key
  }
  if (best == kept_.end()) return std::nullopt;
  Arrival arrival{.from = {best->first.from}, .frame = std::move(best->second.front().frame)};
  best->second.pop_front();
  if (best->second.empty()) kept_.erase(best);
  return arrival;
}

void Mailbox::deliver(Arrival arrival) {
  const auto wait = std::find_if(receives_.begin(), receives_.end(), [&](const Wait& candidate) {
    return matches(candidate.pattern, arrival.from, arrival.frame.header());
  });
  if (wait == receives_.end()) {
    const FrameHeader& header = arrival.frame.header();
    const Key key{.round = header.round.value, .tag = header.tag, .from = arrival.from.value};
    kept_[key].push_back({next_order_++, std::move(arrival.frame)});
    return;
  }
  auto resume = std::move(wait->resume);
  waits_.entries_.erase(wait->entry);
  receives_.erase(wait);
  resume(std::move(arrival));
}

void Mailbox::expire(std::uint64_t id) {
  const auto wait =
      std::find_if(receives_.begin(), receives_.end(), [&](const Wait& candidate) { return candidate.entry.id == id; });
  auto resume = std::move(wait->resume);
  waits_.entries_.erase(wait->entry);
  receives_.erase(wait);
  resume(std::nullopt);
}

Task<std::optional<Arrival>> Mailbox::receive(Pattern pattern, Seconds now, Seconds patience) {
  if (auto arrival = take(pattern)) co_return arrival;
  co_return co_await suspend<std::optional<Arrival>>([this, pattern, now, patience](auto resume) {
    const WaitList::Entry entry{.deadline = now + patience, .id = waits_.next_id_++, .mailbox = this};
    waits_.entries_.insert(entry);
    receives_.push_back({.entry = entry, .pattern = pattern, .since = now, .resume = std::move(resume)});
  });
}

std::size_t Mailbox::kept() const {
  std::size_t count = 0;
  for (const auto& [key, frames] : kept_) count += frames.size();
  return count;
}

std::uint64_t Mailbox::kept_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& [key, frames] : kept_) {
    for (const Kept& kept : frames) bytes += kept.frame.wire_size().value;
  }
  return bytes;
}

void Mailbox::archive(Archive& archive) {
  archive.value("mailbox.next", next_order_);
  std::uint64_t count = kept();
  archive.value("mailbox.kept", count);
  const auto each = [&](std::uint64_t& order, std::uint64_t& from, std::vector<std::byte>& wire) {
    archive.value("mailbox.order", order);
    archive.value("mailbox.from", from);
    archive.bytes("mailbox.frame", wire, kMaxPayloadSize);
  };
  if (!archive.loading()) {
    for (const auto& [key, frames] : kept_) {
      for (const Kept& kept : frames) {
        std::uint64_t order = kept.order;
        auto from = static_cast<std::uint64_t>(place_of({key.from}, world_size_));
        std::vector<std::byte> wire(kept.frame.wire().begin(), kept.frame.wire().end());
        each(order, from, wire);
      }
    }
    return;
  }
  LACONIC_CHECK(kept_.empty(), "state for a mailbox that holds frames");
  for (std::uint64_t i = 0; i < count; ++i) {
    std::uint64_t order = 0;
    std::uint64_t from = 0;
    std::vector<std::byte> wire;
    each(order, from, wire);
    if (from > static_cast<std::uint64_t>(world_size_))
      throw DecodeError("state: a frame from node " + std::to_string(from));
    Frame frame = Frame::decode(wire, kMaxPayloadSize);
    const Rank sender = node_at(static_cast<std::int32_t>(from), world_size_);
    const Key key{.round = frame.header().round.value, .tag = frame.header().tag, .from = sender.value};
    kept_[key].push_back({order, std::move(frame)});
  }
}

}  // namespace laconic
