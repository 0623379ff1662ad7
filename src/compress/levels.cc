#include "compress/levels.h"

#include <algorithm>

#include "base/error.h"
#include "compress/index_set.h"
#include "compress/symbols.h"

namespace laconic::compress {

void append_level_chunk(std::span<const std::uint32_t> indices, std::span<const std::uint32_t> symbols,
                        std::size_t count, ByteWriter& out) {
  LACONIC_CHECK(count <= kLevelChunk && indices.size() == symbols.size(), count << " values");
  append_set(indices, count, out);
  if (symbols.empty()) return;
  std::vector<std::uint32_t> magnitudes(symbols.size());
  std::transform(symbols.begin(), symbols.end(), magnitudes.begin(), [](auto symbol) { return symbol >> 1; });
  append_symbols(magnitudes, out);
  append_packed(symbols, 1, out);
}

void read_level_chunk(ByteReader& in, std::size_t count, std::uint32_t largest, std::vector<std::uint32_t>& indices,
                      std::vector<std::uint32_t>& symbols) {
  LACONIC_CHECK(count <= kLevelChunk && largest >= 1, count << " values up to " << largest);
  read_set(in, count, indices);
  symbols.resize(indices.size());
  if (indices.empty()) return;
  read_symbols(in, 1, largest, symbols);
  std::vector<std::uint32_t> signs(symbols.size());
  read_packed(in, 1, signs);
  for (std::size_t i = 0; i < signs.size(); ++i) symbols[i] = symbols[i] << 1 | signs[i];
}

}  // namespace laconic::compress
