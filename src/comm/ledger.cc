#include "comm/ledger.h"

namespace laconic {
namespace {

void record(std::array<Tally, kTrafficKinds>& tallies, const Frame& frame) {
  tallies[static_cast<std::size_t>(frame.header().traffic)] +=
      Tally{.frames = 1, .payload = frame.payload_size(), .framed = frame.wire_size()};
}

Tally sum(const std::array<Tally, kTrafficKinds>& tallies) {
  Tally result;
  for (const Tally& tally : tallies) result += tally;
  return result;
}

}  // namespace

Ledger::Ledger(int world_size) : rows_(static_cast<std::size_t>(world_size) + 1) {}

void Ledger::record_sent(Rank node, const Frame& frame) { record(row(node).sent, frame); }
void Ledger::record_received(Rank node, const Frame& frame) { record(row(node).received, frame); }
void Ledger::record_local(Rank node, const Frame& frame) {
  row(node).local += Tally{.frames = 1, .payload = frame.payload_size(), .framed = frame.wire_size()};
}
void Ledger::record_refused(Rank node) { ++row(node).refused; }
void Ledger::record_lost(Rank node) { ++row(node).lost; }
void Ledger::record_doubled(Rank node) { ++row(node).doubled; }

Tally Ledger::sent(Rank node) const { return sum(row(node).sent); }
Tally Ledger::received(Rank node) const { return sum(row(node).received); }

Tally Ledger::total(Traffic traffic) const {
  Tally result;
  for (const Row& row : rows_) result += row.sent[static_cast<std::size_t>(traffic)];
  return result;
}

Tally Ledger::total() const {
  Tally result;
  for (const Row& row : rows_) result += sum(row.sent);
  return result;
}

void Ledger::archive(Archive& archive) {
  for (const Rank node : nodes()) this->archive(archive, node);
}

std::vector<Rank> Ledger::nodes() const {
  std::vector<Rank> result;
  for (std::int32_t place = 0; place <= world_size(); ++place) result.push_back(node_at(place, world_size()));
  return result;
}

void Ledger::archive(Archive& archive, Rank node) {
  const auto tally = [&](Tally& of) {
    archive.value("ledger.frames", of.frames);
    archive.value("ledger.payload", of.payload.value);
    archive.value("ledger.framed", of.framed.value);
  };
  Row& of_node = row(node);
  for (Tally& sent : of_node.sent) tally(sent);
  for (Tally& received : of_node.received) tally(received);
  tally(of_node.local);
  archive.value("ledger.refused", of_node.refused);
  archive.value("ledger.lost", of_node.lost);
  archive.value("ledger.doubled", of_node.doubled);
}

Tally Ledger::local() const {
  Tally result;
  for (const Row& row : rows_) result += row.local;
  return result;
}

std::uint64_t Ledger::refused() const { return sum_of(&Row::refused); }
std::uint64_t Ledger::lost() const { return sum_of(&Row::lost); }
std::uint64_t Ledger::doubled() const { return sum_of(&Row::doubled); }

std::uint64_t Ledger::sum_of(std::uint64_t Row::*count) const {
  std::uint64_t result = 0;
  for (const Row& row : rows_) result += row.*count;
  return result;
}

}  // namespace laconic
