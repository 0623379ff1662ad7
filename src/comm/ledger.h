// The ledger of bytes: what every node really handed to the transport and took from it.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/archive.h"
#include "base/ids.h"
#include "base/units.h"
#include "comm/frame.h"

namespace laconic {

struct Tally {
  std::uint64_t frames = 0;
  Bytes payload;  // encoded payloads
  Bytes framed;   // payloads with their headers: what is on the wire

  Tally& operator+=(const Tally& other) {
    frames += other.frames;
    payload += other.payload;
    framed += other.framed;
    return *this;
  }
  friend bool operator==(const Tally&, const Tally&) = default;
};

// A row for each node: the workers, then the coordinator. One thread at a time.
class Ledger {
 public:
  explicit Ledger(int world_size);

  void record_sent(Rank node, const Frame& frame);
  void record_received(Rank node, const Frame& frame);
  // Of the frames that `node` sent: one that never left its process, since its receiver is there too.
  void record_local(Rank node, const Frame& frame);
  // A frame that `node` got and did not trust.
  void record_refused(Rank node);
  // Of the frames that `node` sent: one that the network lost, and one that it brought twice. Either was sent once; the
  // receiver counts what it got, which is none or two.
  void record_lost(Rank node);
  void record_doubled(Rank node);

  void archive(Archive& archive);
  // What stands of one node.
  void archive(Archive& archive, Rank node);

  int world_size() const { return static_cast<int>(rows_.size()) - 1; }
  Rank coordinator() const { return kCoordinator; }
  // All of them, in the order of their rows.
  std::vector<Rank> nodes() const;
  const Tally& sent(Rank node, Traffic traffic) const { return row(node).sent[static_cast<std::size_t>(traffic)]; }
  const Tally& received(Rank node, Traffic traffic) const {
    return row(node).received[static_cast<std::size_t>(traffic)];
  }
  std::uint64_t refused(Rank node) const { return row(node).refused; }
  std::uint64_t lost(Rank node) const { return row(node).lost; }
  std::uint64_t doubled(Rank node) const { return row(node).doubled; }

  Tally sent(Rank node) const;
  Tally received(Rank node) const;
  // Over all nodes, every frame counted once, where it was sent.
  Tally total(Traffic traffic) const;
  Tally total() const;
  // Of the total: what never left its process.
  Tally local() const;
  std::uint64_t refused() const;
  std::uint64_t lost() const;
  std::uint64_t doubled() const;

 private:
  struct Row {
    std::array<Tally, kTrafficKinds> sent;
    std::array<Tally, kTrafficKinds> received;
    Tally local;
    std::uint64_t refused = 0;
    std::uint64_t lost = 0;
    std::uint64_t doubled = 0;
  };
  const Row& row(Rank node) const { return rows_.at(static_cast<std::size_t>(place_of(node, world_size()))); }
  std::uint64_t sum_of(std::uint64_t Row::*count) const;
  Row& row(Rank node) { return rows_.at(static_cast<std::size_t>(place_of(node, world_size()))); }
  std::vector<Row> rows_;
};

}  // namespace laconic
