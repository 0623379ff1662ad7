// The codes of sets, integers and floats: they give back what they were given, their length is near the entropy, and
// bytes that are no code are refused.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/random.h"
#include "compress/float_list.h"
#include "compress/index_set.h"
#include "compress/levels.h"
#include "compress/symbols.h"

namespace laconic::compress {
namespace {

std::vector<std::uint32_t> read_floats(ByteReader& in, FloatShape shape, std::size_t count) {
  std::vector<std::uint32_t> scratch;
  std::vector<std::uint32_t> all;
  read_float_list(in, shape, count, scratch, [&](std::size_t begin, std::span<const std::uint32_t> words) {
    EXPECT_EQ(begin, all.size());
    all.insert(all.end(), words.begin(), words.end());
  });
  return all;
}

std::vector<std::uint32_t> random_set(std::uint64_t universe, double density, std::uint64_t seed) {
  RandomStream stream(seed, "set");
  std::vector<std::uint32_t> members;
  for (std::uint32_t j = 0; j < universe; ++j) {
    if (stream.uniform() < density) members.push_back(j);
  }
  return members;
}

std::vector<std::uint32_t> read_back(const ByteWriter& bytes, std::uint64_t universe) {
  ByteReader in(bytes.bytes(), "set");
  std::vector<std::uint32_t> members = {1, 2, 3};  // what was there before is replaced
  read_set(in, universe, members);
  in.expect_end();
  return members;
}

// Every part of the code refuses to end early, and bits changed anywhere end in a refusal or in a valid result.
template <typename Read>
void expect_hostile_bytes_are_survived(std::span<const std::byte> code, const Read& read) {
  for (std::size_t size = 0; size < code.size(); ++size) {
    EXPECT_THROW(read(code.first(size)), DecodeError) << size << " of " << code.size() << " bytes";
  }
  RandomStream stream(3, "bits");
  for (int round = 0; round < 2000; ++round) {
    std::vector<std::byte> changed(code.begin(), code.end());
    for (std::uint64_t flips = 1 + stream.below(3); flips > 0; --flips)
      changed[stream.below(changed.size())] ^= static_cast<std::byte>(1U << stream.below(8));
    try {
      read(changed);
    } catch (const DecodeError&) {
    }
  }
}

TEST(Packed, GivesBackTheLowBitsOfEveryWidth) {
  RandomStream stream(1, "packed");
  for (unsigned width = 0; width <= kMaxPackedWidth; ++width) {
    for (const std::size_t count : {0UL, 1UL, 7UL, 8UL, 9UL, 100UL}) {
      std::vector<std::uint32_t> values(count);
      for (std::uint32_t& value : values) value = static_cast<std::uint32_t>(stream());
      ByteWriter bytes;
      append_packed(values, width, bytes);
      EXPECT_EQ(bytes.size(), (count * width + 7) / 8);
      std::vector<std::uint32_t> back(count, 99);
      ByteReader in(bytes.bytes(), "packed");
      read_packed(in, width, back);
      in.expect_end();
      for (std::size_t i = 0; i < count; ++i)
        ASSERT_EQ(back[i], values[i] & ((std::uint64_t{1} << width) - 1)) << width << " bits, value " << i;
    }
  }
}

TEST(Packed, RefusesBitsBehindTheLast) {
  const std::vector<std::byte> bytes = {std::byte{0x21}};
  std::vector<std::uint32_t> values(1);
  ByteReader in(bytes, "packed");
  EXPECT_THROW(read_packed(in, 5, values), DecodeError);
}

TEST(IndexSet, GivesBackItsMembers) {
  for (const std::uint64_t universe : {1ULL, 2ULL, 3ULL, 64ULL, 511ULL, 512ULL, 513ULL, 1025ULL, 40000ULL}) {
    for (const double density : {0.0, 0.001, 0.01, 0.1, 0.3, 0.5, 0.7, 0.99, 1.0}) {
      const std::vector<std::uint32_t> members = random_set(universe, density, universe);
      ByteWriter bytes;
      append_set(members, universe, bytes);
      EXPECT_EQ(read_back(bytes, universe), members) << members.size() << " of " << universe;
    }
  }
}

TEST(IndexSet, HoldsIndicesAtTheEndsOfTheLargestUniverse) {
  constexpr std::uint64_t kLargest = 4294967295ULL;
  for (const std::vector<std::uint32_t>& members : std::vector<std::vector<std::uint32_t>>{
           {0}, {4294967294U}, {0, 4294967294U}, {0, 1, 2}, {4294967293U, 4294967294U}}) {
    ByteWriter bytes;
    append_set(members, kLargest, bytes);
    EXPECT_EQ(read_back(bytes, kLargest), members);
  }
}

TEST(IndexSet, FollowsRunsAndClusters) {
  std::vector<std::uint32_t> members(3000);
  std::iota(members.begin(), members.begin() + 1500, 7U);
  std::iota(members.begin() + 1500, members.end(), 900000U);
  ByteWriter bytes;
  append_set(members, 1000000, bytes);
  EXPECT_EQ(read_back(bytes, 1000000), members);
  // A run costs about a bit an index, but for the block with the jump; drawn evenly, 3,000 of a million cost 9.8.
  EXPECT_LT(bytes.size() * 8, 2488 * 1.1 + 512 * 13);
}

TEST(IndexSet, CostsAtMostThreePercentMoreThanTheEntropy) {
  constexpr std::uint64_t kUniverse = 2600000;
  for (const double density : {0.001, 0.01, 0.1, 0.25, 0.9, 0.99}) {
    const std::vector<std::uint32_t> members = random_set(kUniverse, density, 5);
    ByteWriter bytes;
    append_set(members, kUniverse, bytes);
    EXPECT_LE(8.0 * static_cast<double>(bytes.size()), 1.03 * set_entropy_bits(kUniverse, members.size())) << density;
  }
}

TEST(IndexSet, EntropyIsTheLogOfTheBinomial) {
  EXPECT_NEAR(set_entropy_bits(10, 3), std::log2(120.0), 1e-9);
  EXPECT_NEAR(set_entropy_bits(5, 0), 0.0, 1e-9);
  EXPECT_NEAR(set_entropy_bits(5, 5), 0.0, 1e-9);
}

TEST(IndexSet, SurvivesHostileBytes) {
  for (const double density : {0.01, 0.4, 0.9}) {
    ByteWriter bytes;
    append_set(random_set(5000, density, 1), 5000, bytes);
    expect_hostile_bytes_are_survived(bytes.bytes(), [](std::span<const std::byte> code) {
      ByteReader in(code, "set");
      std::vector<std::uint32_t> members;
      read_set(in, 5000, members);
      ASSERT_TRUE(std::is_sorted(members.begin(), members.end(), std::less_equal<>()));  // strictly ascending
      ASSERT_TRUE(members.empty() || members.back() < 5000);
    });
  }
}

TEST(IndexSet, RefusesMoreIndicesThanThereAreOrThanItsBytesCanHold) {
  std::vector<std::uint32_t> members;
  ByteWriter bytes;
  bytes.varint(11);
  ByteReader in(bytes.bytes(), "set");
  EXPECT_THROW(read_set(in, 10, members), DecodeError);
  ByteWriter many;
  many.varint(1000000000);
  ByteReader short_one(many.bytes(), "set");
  EXPECT_THROW(read_set(short_one, 4000000000, members), DecodeError);
  EXPECT_LT(members.capacity(), 1000U);
}

std::vector<std::uint32_t> geometric(std::size_t count, double density, std::uint32_t most) {
  RandomStream stream(count, "geometric");
  std::vector<std::uint32_t> symbols(count);
  for (std::uint32_t& symbol : symbols) {
    while (symbol < most && stream.uniform() < density) ++symbol;
  }
  return symbols;
}

TEST(Symbols, GiveBackTheIntegers) {
  RandomStream stream(2, "symbols");
  std::vector<std::vector<std::uint32_t>> lists = {{0}, {5}, {0, 0, 0}, {7, 7}, {0, 2147483647}, {40000, 1, 40000}};
  for (const double density : {0.02, 0.3, 0.6, 0.95}) {
    lists.push_back(geometric(5000, density, 1000));
    lists.push_back(geometric(5000, density, 1000));
    for (std::uint32_t& symbol : lists.back()) symbol = 1000 - symbol;
  }
  lists.emplace_back(3000);
  for (std::uint32_t& symbol : lists.back()) symbol = static_cast<std::uint32_t>(stream.below(65536));
  for (const std::vector<std::uint32_t>& list : lists) {
    ByteWriter bytes;
    append_symbols(list, bytes);
    std::vector<std::uint32_t> back(list.size(), 9);
    ByteReader in(bytes.bytes(), "symbols");
    read_symbols(in, 0, 2147483647, back);
    in.expect_end();
    EXPECT_EQ(back, list);
  }
}

TEST(Symbols, CostAtMostFourPercentMoreThanTheEntropy) {
  for (const double density : {0.02, 0.1, 0.3, 0.5}) {
    const std::vector<std::uint32_t> list = geometric(65536, density, 1000);
    ByteWriter bytes;
    append_symbols(list, bytes);
    EXPECT_LE(8.0 * static_cast<double>(bytes.size()), 1.04 * symbols_entropy_bits(list)) << density;
  }
}

TEST(Symbols, EntropyIsThatOfTheHistogram) {
  EXPECT_NEAR(symbols_entropy_bits(std::vector<std::uint32_t>{1, 2, 3, 4}), 8.0, 1e-12);
  EXPECT_NEAR(symbols_entropy_bits(std::vector<std::uint32_t>{1, 1, 1, 9}), 3 * std::log2(4.0 / 3.0) + 2, 1e-12);
  EXPECT_EQ(symbols_entropy_bits(std::vector<std::uint32_t>{5, 5}), 0.0);
}

TEST(Symbols, RefuseWhatIsOutOfRange) {
  const std::vector<std::uint32_t> list = {3, 9, 4, 4};
  ByteWriter bytes;
  append_symbols(list, bytes);
  std::vector<std::uint32_t> back(list.size());
  const auto read = [&](std::uint32_t lowest, std::uint32_t highest) {
    ByteReader in(bytes.bytes(), "symbols");
    read_symbols(in, lowest, highest, back);
  };
  EXPECT_NO_THROW(read(3, 9));
  EXPECT_THROW(read(3, 8), DecodeError);
  EXPECT_THROW(read(4, 9), DecodeError);
}

TEST(Symbols, SurviveHostileBytes) {
  for (const double density : {0.1, 0.8}) {
    ByteWriter bytes;
    append_symbols(geometric(700, density, 100), bytes);
    expect_hostile_bytes_are_survived(bytes.bytes(), [](std::span<const std::byte> code) {
      ByteReader in(code, "symbols");
      std::vector<std::uint32_t> symbols(700);
      read_symbols(in, 0, 100, symbols);
      ASSERT_LE(*std::max_element(symbols.begin(), symbols.end()), 100U);
    });
  }
}

TEST(FloatList, GivesBackEveryEncoding) {
  RandomStream stream(4, "floats");
  for (const FloatShape shape : {FloatShape{8, 23}, FloatShape{8, 7}, FloatShape{5, 10}}) {
    for (const std::size_t count : {0UL, 1UL, 5UL, 1000UL, 65537UL}) {
      std::vector<std::uint32_t> any(count);
      std::vector<std::uint32_t> alike(count);
      for (std::size_t i = 0; i < count; ++i) {
        any[i] = static_cast<std::uint32_t>(stream() >> (64 - shape.width()));
        alike[i] = (any[i] & ~(((1U << shape.exponent_bits) - 1) << shape.mantissa_bits)) |
                   static_cast<std::uint32_t>(12 + stream.below(3)) << shape.mantissa_bits;
      }
      for (const std::vector<std::uint32_t>& words : {any, alike}) {
        ByteWriter bytes;
        append_float_list(words, shape, bytes);
        // Never much longer than the values themselves.
        EXPECT_LE(bytes.size(), count * shape.width() / 8 + (count + 16383) / 16384);
        ByteReader in(bytes.bytes(), "floats");
        const std::vector<std::uint32_t> back = read_floats(in, shape, count);
        in.expect_end();
        ASSERT_EQ(back, words);
      }
    }
  }
}

TEST(FloatList, ValuesOfAFewBinadesCostTheirMantissaAndAboutABit) {
  RandomStream stream(5, "binades");
  std::vector<std::uint32_t> words(10000);
  for (std::uint32_t& word : words) {
    // As the largest of many Gaussian values: mostly in the lowest binade.
    const double value = 2.3 + 0.4 * -std::log(1.0 - stream.uniform());
    word = std::bit_cast<std::uint32_t>(static_cast<float>(value)) >> 16;
  }
  ByteWriter bytes;
  append_float_list(words, {8, 7}, bytes);
  EXPECT_LT(8.0 * static_cast<double>(bytes.size()) / 10000.0, 8.0 + 0.5);
  EXPECT_LT(float_list_entropy_bits(words, {8, 7}), 8.0 * static_cast<double>(bytes.size()));
}

TEST(FloatList, SurvivesHostileBytes) {
  RandomStream stream(6, "floats");
  std::vector<std::uint32_t> words(300);
  for (std::uint32_t& word : words) word = static_cast<std::uint32_t>(0x3f00 + stream.below(0x200));
  ByteWriter bytes;
  append_float_list(words, {8, 7}, bytes);
  expect_hostile_bytes_are_survived(bytes.bytes(), [](std::span<const std::byte> code) {
    ByteReader in(code, "floats");
    const std::vector<std::uint32_t> back = read_floats(in, {8, 7}, 300);
    ASSERT_LE(*std::max_element(back.begin(), back.end()), 0xffffU);
  });
}

TEST(LevelChunk, GivesBackTheLevels) {
  RandomStream stream(7, "levels");
  for (const std::size_t count : {1UL, 2UL, 1000UL, kLevelChunk}) {
    for (const double density : {0.0, 0.01, 0.5, 1.0}) {
      const std::vector<std::uint32_t> indices = random_set(count, density, 8);
      std::vector<std::uint32_t> symbols;
      for (std::size_t i = 0; i < indices.size(); ++i)
        symbols.push_back(static_cast<std::uint32_t>(2 * (1 + stream.below(20)) + stream.below(2)));
      ByteWriter bytes;
      append_level_chunk(indices, symbols, count, bytes);
      std::vector<std::uint32_t> indices_back;
      std::vector<std::uint32_t> symbols_back;
      ByteReader in(bytes.bytes(), "levels");
      read_level_chunk(in, count, 20, indices_back, symbols_back);
      in.expect_end();
      EXPECT_EQ(indices_back, indices);
      EXPECT_EQ(symbols_back, symbols);
    }
  }
}

}  // namespace
}  // namespace laconic::compress
