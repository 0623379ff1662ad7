#include "comm/attendance.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/byte_stream.h"
#include "base/error.h"

namespace laconic {
namespace {

constexpr FrameHeader kQuiet{.traffic = Traffic::kState, .tag = Tag::kReduceMean, .round = {7}};

Frame part_with(const Standing& standing, const FrameHeader& header) {
  return Frame(header, encode_standing(standing, header));
}

std::vector<std::byte> bytes_of(std::initializer_list<unsigned> values) {
  std::vector<std::byte> bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

TEST(Standings, OfAQuietRoundAreOneByteAndOfManyStepsFive) {
  EXPECT_EQ(encode_standing({.step = {12}, .history = 9, .heard = {10}}, kQuiet), bytes_of({2}));
  EXPECT_EQ(encode_standing({.step = {263}, .history = 9, .heard = {10}}, kQuiet), bytes_of({253}));
  EXPECT_EQ(encode_standing({.step = {264}, .history = 9, .heard = {10}}, kQuiet), bytes_of({8, 1, 0, 0, 255}));
}

TEST(Standings, TellAllOfModelsOfGradientsAndEvery64thRound) {
  const std::vector<std::byte> all = bytes_of({12, 0, 0, 0, 9, 0, 0, 0, 254});
  const Standing standing{.step = {12}, .history = 9, .heard = {10}};
  EXPECT_EQ(encode_standing(standing, {Traffic::kModel, Tag::kGather, {7}}), all);
  EXPECT_EQ(encode_standing(standing, {Traffic::kGradient, Tag::kReduceMean, {7}}), all);
  EXPECT_EQ(encode_standing(standing, {Traffic::kState, Tag::kReduceMean, {128}}), all);
  EXPECT_EQ(all.size(), kFullStanding);
}

TEST(Standings, AreReadFromTheNewestResultOn) {
  for (const std::uint64_t step : {10U, 12U, 263U, 264U, 100'000U}) {
    for (const Round round : {Round{7}, Round{64}}) {
      FrameHeader header = kQuiet;
      header.round = round;
      const Frame part = part_with({.step = {step}, .history = 9, .heard = {10}}, header);
      const SaidStanding said = decode_standing(part, {10});
      EXPECT_EQ(said.step, Step{step});
      EXPECT_EQ(said.history, tells_all(header) ? std::optional<std::uint32_t>(9) : std::nullopt);
      EXPECT_EQ(standing_size(part), part.payload().size());
    }
  }
}

TEST(Standings, ThatAreCutAreRefused) {
  EXPECT_THROW(standing_size(Frame(kQuiet, std::span<const std::byte>())), DecodeError);
  for (const unsigned kind : {254U, 255U}) {
    EXPECT_THROW(decode_standing(Frame(kQuiet, bytes_of({1, 2, 3, kind})), {}), DecodeError);
  }
}

TEST(Views, AreToldWhereTheyAreNews) {
  const View before{.number = 3, .members = {{0}, {2}}};
  const View now{.number = 4, .members = {{0}, {1}, {2}}};
  const auto result = [](const View& view, bool is_news) {
    ByteWriter out;
    out.f32(1.0F);
    out.raw(encode_view(view, is_news, 9));
    return Frame(FrameHeader{Traffic::kState, Tag::kReduced, {7}}, out.bytes());
  };
  EXPECT_EQ(result(now, false).payload().size(), sizeof(float));
  EXPECT_EQ(decode_view(result(now, false), sizeof(float), before, 9), before);
  EXPECT_EQ(result(now, true).payload().size(), sizeof(float) + named_view_size(9));
  EXPECT_EQ(decode_view(result(now, true), sizeof(float), before, 9), now);
  EXPECT_EQ(decode_view(result(now, true), sizeof(float), now, 9), now) << "who has just entered knows it";
  EXPECT_THROW(decode_view(result(before, true), sizeof(float), now, 9), DecodeError) << "a view goes backwards";
}

TEST(Histories, OfFramesWithADecisionAreOfThat) {
  const View view{.number = 4, .members = {{0}, {1}}};
  const auto answer = [&](unsigned word, std::uint32_t decision) {
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(word));
    out.raw(encode_decision(decision, view, 9));
    return Frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, {7}}, out.bytes());
  };
  EXPECT_EQ(next_history(5, answer(0, 77), 9), next_history(5, answer(1, 77), 9));
  EXPECT_NE(next_history(5, answer(0, 77), 9), next_history(5, answer(0, 78), 9));
  const Frame plain(FrameHeader{Traffic::kControl, Tag::kReduced, {7}}, bytes_of({1}));
  const Frame other(FrameHeader{Traffic::kControl, Tag::kReduced, {7}}, bytes_of({0}));
  EXPECT_NE(next_history(5, plain, 9), next_history(5, other, 9));
  EXPECT_THROW(next_history(5, Frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, {7}}, bytes_of({1, 2})), 9),
               DecodeError);
}

}  // namespace
}  // namespace laconic
