// The code of a set of indices: close to log2 C(n, k) bits for k of n indices at any density.
//
//   set    := count block*                  count: varint, 0 <= count <= n
//   block  := parameter low unary           of 512 indices, the last of the rest
//   low    := the low `parameter` bits of every gap, packed
//   unary  := of every gap the part above: that many 0 bits, then a 1; the last byte is filled with zeros
//
// Blocks are there only where 0 < count < n. They code the members when count <= n / 2, else the indices that are no
// members. A gap is the number of indices left out between an index and the one before it (the first: from 0). This is
// Golomb-Rice's code with the low parts kept apart from the high ones, and a parameter for each block, which follows
// sets that are denser in some places than in others. With parameter 0 a block is the bitmap. For k indices drawn
// evenly the cost is within 1.5% of log2 C(n, k) (4.4% near k = .38 n), plus 12 bits a block and 8 to 40 for the count.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "compress/packed.h"

namespace laconic::compress {

inline constexpr std::size_t kSetBlock = 512;

// Appends the code of `members`, ascending, each below `universe` <= 2^32 - 1.
void append_set(std::span<const std::uint32_t> members, std::uint64_t universe, ByteWriter& out);

// The same for whom the shorter list is at hand: `shorter` are the members when there are at most universe / 2 of them,
// else the indices that are no members.
void append_shorter_list(std::span<const std::uint32_t> shorter, std::uint64_t count, std::uint64_t universe,
                         ByteWriter& out);

// Reads a set of indices below `universe` into `members`, ascending. Throws DecodeError for bytes that are no such set;
// never makes `members` longer than `universe`, nor before the bytes were seen to hold as many indices as they say.
void read_set(ByteReader& in, std::uint64_t universe, std::vector<std::uint32_t>& members);

// The same without spelling out the longer list: `shorter` as in append_shorter_list(). Returns the number of members.
std::uint64_t read_shorter_list(ByteReader& in, std::uint64_t universe, std::vector<std::uint32_t>& shorter);

// log2 C(universe, count): the bits that no code of all such sets can do without.
double set_entropy_bits(std::uint64_t universe, std::uint64_t count);

}  // namespace laconic::compress
