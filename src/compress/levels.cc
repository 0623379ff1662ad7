#include "compress/levels.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "compress/index_set.h"
#include "compress/symbols.h"

namespace laconic::compress {

void append_level_chunk(const LevelList& levels, std::size_t count, ByteWriter& out) {
  LACONIC_CHECK(count <= kLevelChunk, count << " values");
  append_set(levels.indices, count, out);
  if (levels.symbols.empty()) return;
  std::vector<std::uint32_t> parts(levels.symbols.size());
  std::transform(levels.symbols.begin(), levels.symbols.end(), parts.begin(), [](auto symbol) { return symbol >> 1; });
  const std::uint32_t smallest = *std::min_element(parts.begin(), parts.end());
  LACONIC_CHECK(smallest > 0, "a level of 0");
  for (std::uint32_t& magnitude : parts) magnitude -= smallest;
  out.varint(smallest);
  append_symbols(parts, out);
  append_packed(levels.symbols, 1, out);
}

void read_level_chunk(ByteReader& in, std::size_t count, std::uint32_t largest, LevelList& levels) {
  read_set(in, count, levels.indices);
  levels.symbols.resize(levels.indices.size());
  if (levels.indices.empty()) return;
  const std::uint64_t smallest = in.varint();
  if (smallest == 0 || smallest > largest) in.fail("a level of " + std::to_string(smallest));
  read_symbols(in, largest - static_cast<std::uint32_t>(smallest), levels.symbols);
  std::vector<std::uint32_t> signs(levels.symbols.size());
  read_packed(in, 1, signs);
  for (std::size_t i = 0; i < signs.size(); ++i) {
    levels.symbols[i] = (levels.symbols[i] + static_cast<std::uint32_t>(smallest)) << 1 | signs[i];
  }
}

}  // namespace laconic::compress
