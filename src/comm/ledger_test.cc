#include "comm/ledger.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "base/error.h"

namespace laconic {
namespace {

Frame frame_of(Traffic traffic, std::size_t floats) {
  const std::vector<float> values(floats);
  return {FrameHeader{.traffic = traffic, .tag = Tag::kGather, .round = {1}}, std::span<const float>(values)};
}

TEST(Ledger, CountsPayloadAndFramedBytesByNodeKindAndDirection) {
  Ledger ledger(3);
  const Frame model = frame_of(Traffic::kModel, 100);
  const Frame state = frame_of(Traffic::kState, 2);
  const Rank coordinator = ledger.coordinator();
  ledger.record_sent({0}, model);
  ledger.record_received(coordinator, model);
  ledger.record_sent({0}, state);
  ledger.record_sent({2}, state);

  EXPECT_EQ(ledger.sent({0}, Traffic::kModel), (Tally{1, {400}, model.wire_size()}));
  EXPECT_EQ(ledger.sent({0}, Traffic::kState), (Tally{1, {8}, {15}}));  // header: kind, round, length, checksum
  EXPECT_EQ(ledger.sent({1}), Tally{});
  EXPECT_EQ(ledger.received(coordinator), (Tally{1, {400}, model.wire_size()}));
  EXPECT_EQ(ledger.total(Traffic::kState), (Tally{2, {16}, {30}}));
  EXPECT_EQ(ledger.total().payload, Bytes{416});
}

TEST(Ledger, HasARowForEachWorkerAndAnotherForTheCoordinator) {
  Ledger ledger(2);
  const std::vector<Rank> nodes = ledger.nodes();
  EXPECT_EQ(nodes, (std::vector<Rank>{{0}, {1}, ledger.coordinator()}));
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    for (std::size_t frames = 0; frames <= i; ++frames) ledger.record_sent(nodes[i], frame_of(Traffic::kModel, 1));
  }
  for (std::size_t i = 0; i < nodes.size(); ++i) EXPECT_EQ(ledger.sent(nodes[i]).frames, i + 1);
  EXPECT_THROW(ledger.record_sent({1000}, frame_of(Traffic::kModel, 1)), std::out_of_range);
}

TEST(Ledger, CountsRefusedFramesApart) {
  Ledger ledger(2);
  ledger.record_refused({1});
  ledger.record_refused({1});
  EXPECT_EQ(ledger.refused({1}), 2U);
  EXPECT_EQ(ledger.refused({0}), 0U);
  EXPECT_EQ(ledger.refused(), 2U);
  EXPECT_EQ(ledger.total(), Tally{});
}

TEST(Ledger, CountsLostAndDoubledFramesWhereTheyWereSentOnce) {
  Ledger ledger(2);
  const Frame frame = frame_of(Traffic::kModel, 3);
  for (int i = 0; i < 3; ++i) ledger.record_sent({1}, frame);
  ledger.record_lost({1});
  ledger.record_lost({1});
  ledger.record_doubled({1});
  EXPECT_EQ(ledger.lost({1}), 2U);
  EXPECT_EQ(ledger.doubled({1}), 1U);
  EXPECT_EQ(ledger.lost({0}) + ledger.doubled({0}), 0U);
  EXPECT_EQ(ledger.lost(), 2U);
  EXPECT_EQ(ledger.doubled(), 1U);
  EXPECT_EQ(ledger.total().frames, 3U);
}

TEST(Ledger, OneNodesRowTravelsIntoTheLedgerOfAll) {
  const Frame model = frame_of(Traffic::kModel, 100);
  Ledger own(3);
  own.record_sent({2}, model);
  own.record_received({2}, model);
  own.record_local({2}, model);
  own.record_refused({2});
  own.record_lost({2});
  own.record_doubled({2});
  Archive save;
  own.archive(save, {2});
  const std::vector<std::byte> row = save.take();
  Ledger all(3);
  all.record_sent({0}, model);
  Archive load(row);
  all.archive(load, {2});
  load.expect_end();
  EXPECT_EQ(all.sent({2}, Traffic::kModel), own.sent({2}, Traffic::kModel));
  EXPECT_EQ(all.received({2}), own.received({2}));
  EXPECT_EQ(all.local(), own.local());
  EXPECT_EQ(all.refused({2}), 1U);
  EXPECT_EQ(all.lost({2}), 1U);
  EXPECT_EQ(all.doubled({2}), 1U);
  EXPECT_EQ(all.total().frames, 2U) << "the other rows are as they were";
  for (std::size_t size = 0; size < row.size(); ++size) {
    const std::span<const std::byte> first = std::span(row).first(size);
    Archive cut(first);
    EXPECT_THROW(
        {
          all.archive(cut, {2});
          cut.expect_end();
        },
        DecodeError)
        << size;
  }
}

TEST(Ledger, IsLoadedAsItWasSaved) {
  Ledger ledger(2);
  ledger.record_sent({1}, frame_of(Traffic::kState, 3));
  ledger.record_received(ledger.coordinator(), frame_of(Traffic::kState, 3));
  Archive save;
  ledger.archive(save);
  const std::vector<std::byte> bytes = save.take();
  Ledger again(2);
  Archive load(bytes);
  again.archive(load);
  load.expect_end();
  EXPECT_EQ(again.total(), ledger.total());
  EXPECT_EQ(again.received(again.coordinator()), ledger.received(ledger.coordinator()));
}

}  // namespace
}  // namespace laconic
