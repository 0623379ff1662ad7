// Vectors of signed small integers, most of which may be 0: what stochastic quantisers send.
//
//   levels   := chunk*                        of 65,536 values, the last of the rest
//   chunk    := nonzero (symbols signs)?      the part in brackets only where there is a value that is not 0
//   nonzero  := set                           which values of the chunk are not 0
//   symbols  := their magnitudes, in the code of symbols.h
//   signs    := of each 1 bit, set when it is negative; packed
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compress/packed.h"

namespace laconic::compress {

inline constexpr std::size_t kLevelChunk = 65536;

// Appends the code of one chunk of `count` <= kLevelChunk values, of which those at `indices` (ascending, from the
// chunk's start) are not 0: their symbols are 2 * magnitude + (1 when negative), magnitude > 0.
void append_level_chunk(std::span<const std::uint32_t> indices, std::span<const std::uint32_t> symbols,
                        std::size_t count, ByteWriter& out);

// Reads a chunk of `count` values. Throws DecodeError for bytes that are no such chunk or hold a magnitude above
// `largest`.
void read_level_chunk(ByteReader& in, std::size_t count, std::uint32_t largest, std::vector<std::uint32_t>& indices,
                      std::vector<std::uint32_t>& symbols);

}  // namespace laconic::compress
