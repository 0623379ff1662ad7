// Who is present in a job whose workers come and go.
//
// A job has K slots, 0 .. K-1, which never change: a graph, a partition and a seed refer to slots. A view is a number
// and the set of slots that are present. Every collective is over one view, for all of its elements.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/byte_stream.h"
#include "base/ids.h"

namespace laconic {

struct View {
  std::uint32_t number = 0;   // each is above the one before
  std::vector<Rank> members;  // ascending

  bool contains(Rank rank) const { return std::binary_search(members.begin(), members.end(), rank); }
  std::size_t size() const { return members.size(); }
  friend bool operator==(const View&, const View&) = default;
};

// A set of slots as bytes: one bit a slot, low bits first, in ceil(slots / 8) bytes. Reading throws DecodeError for a slot
// that the job does not have.
void write_members(ByteWriter& out, const std::vector<Rank>& members, int slots);
std::vector<Rank> read_members(ByteReader& in, int slots);

// "workers 0, 2 and 5", "worker 3", "nobody"
std::string to_text(const View& view);

}  // namespace laconic
