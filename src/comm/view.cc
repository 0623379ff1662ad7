#include "comm/view.h"

namespace laconic {

void write_members(ByteWriter& out, const std::vector<Rank>& members, int slots) {
  const std::span<std::byte> bits = out.extend((static_cast<std::size_t>(slots) + 7) / 8);
  for (const Rank rank : members) {
    bits[static_cast<std::size_t>(rank.value) / 8] |= std::byte{1} << (rank.value % 8);
  }
}

std::vector<Rank> read_members(ByteReader& in, int slots) {
  std::vector<Rank> members;
  const std::span<const std::byte> bits = in.raw((static_cast<std::size_t>(slots) + 7) / 8);
  for (std::size_t slot = 0; slot < 8 * bits.size(); ++slot) {
    if ((bits[slot / 8] >> (slot % 8) & std::byte{1}) == std::byte{0}) continue;
    if (slot >= static_cast<std::size_t>(slots)) in.fail("slot " + std::to_string(slot));
    members.push_back({static_cast<std::int32_t>(slot)});
  }
  return members;
}

std::string to_text(const View& view) {
  if (view.members.empty()) return "nobody";
  std::string text = view.size() == 1 ? "worker " : "workers ";
  for (std::size_t i = 0; i < view.size(); ++i) {
    if (i > 0) text += i + 1 == view.size() ? " and " : ", ";
    text += std::to_string(view.members[i].value);
  }
  return text;
}

}  // namespace laconic
