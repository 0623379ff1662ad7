// What a memory keeps from round to round.
#include "mechanisms/link_memory.h"
#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

constexpr std::size_t kSize = 12;

TEST(LinkMemory, SavedAndLoadedBetweenTwoRoundsGoesOnBitForBit) {
  const CompressorFactory random_k = operator_of("random_k", {{"k", "3"}}, kSize);
  const std::vector<WeightedNeighbor> receivers = {{{1}, 0.25}, {{2}, 0.5}};
  const LinkMemory::MakeFrame make_frame = [](std::size_t size, const auto& write) {
    return Frame(FrameHeader{Traffic::kModel, Tag::kGossip, {0}}, size, write);
  };
  const auto course = [&](const auto& make, int load_at) {
    std::unique_ptr<LinkMemory> sender = make();
    std::unique_ptr<LinkMemory> end = make();
    RandomStream random(1, "test");
    std::vector<float> x = gaussian_vector(kSize, 1);
    std::vector<float> other(kSize, 0.0F);
    std::vector<std::vector<std::byte>> all;
    for (int round = 0; round < 12; ++round) {
      if (round == load_at) {
        for (std::unique_ptr<LinkMemory>* memory : {&sender, &end}) {
          const std::vector<std::byte> bytes = saved(**memory);
          *memory = make();
          load(**memory, bytes);
          EXPECT_EQ(saved(**memory), bytes);
          for (std::size_t size = 0; size < bytes.size(); size += 3) {
            EXPECT_THROW(load(*make(), std::span(bytes).first(size)), DecodeError) << size;
          }
        }
      }
      const std::vector<float> before = x;
      x[static_cast<std::size_t>(round)] += 1.0F;
      std::vector<std::span<const std::byte>> messages;
      const std::vector<Frame> frames = sender->encode(x, before, 1.0, receivers, random, make_frame);
      for (const Frame& frame : frames) {
        messages.push_back(frame.payload());
        all.emplace_back(frame.payload().begin(), frame.payload().end());
      }
      sender->give(receivers, 0.5, 1.0, messages, x);
      end->take({0}, messages.back(), 0.25, 1.0, other);
    }
    for (const auto* values : {&x, &other}) {
      const auto bytes = std::as_bytes(std::span(*values));
      all.emplace_back(bytes.begin(), bytes.end());
    }
    return all;
  };
  const auto expect_same = [&](const auto& make) { EXPECT_EQ(course(make, 6), course(make, -1)); };
  expect_same([&] { return make_error_memory(random_k(), kSize, false); });
  expect_same([&] { return make_error_memory(random_k(), kSize, true); });
  for (const bool same : {false, true}) {
    expect_same(
        [&] { return make_difference_memory(random_k(), kSize, {}, {.of_models = true, .same_receivers = same}); });
  }
}

TEST(DifferenceMemory, StateOfANodeThatNoJobHasIsRefused) {
  for (const std::uint64_t rank : {std::uint64_t{kMaxNodes} + 1, ~std::uint64_t{0}}) {
    Archive save;
    std::vector<float> start(kSize);
    save.floats("difference.start", start);
    std::uint64_t copies = 1;
    save.value("difference.copies", copies);
    std::uint64_t of = rank;
    save.value("difference.of", of);
    const std::vector<std::byte> bytes = save.take();
    const CompressorFactory top_k = operator_of("top_k", {{"k", "2"}}, kSize);
    const std::string text =
        error_of<DecodeError>([&] { load(*make_difference_memory(top_k(), kSize, {}, {}), bytes); });
    EXPECT_TRUE(contains(text, "node " + std::to_string(rank))) << text;
  }
}

}  // namespace
}  // namespace laconic
