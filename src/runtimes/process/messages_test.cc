// Messages between the runtimes of the processes: what is written is read, and nothing else is.
#include "runtimes/process/messages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"

namespace laconic::process {
namespace {

constexpr std::size_t kDimension = 3;
constexpr std::size_t kBuffers = 2;

template <typename Message>
std::vector<std::byte> encoded(const Message& message) {
  ByteWriter out;
  message.encode(out);
  return {out.bytes().begin(), out.bytes().end()};
}

EvaluationReport example_report() {
  EvaluationReport report;
  static_cast<WorkerReport&>(report) = {.step = {300},
                                        .loss_sum = 12.5,
                                        .loss_steps = 40,
                                        .tested = {.loss = 3.25, .samples = 1280},
                                        .squared_norm = 9.75,
                                        .own = {.test = 0.875, .own_data = 0.75, .own_samples = 600},
                                        .traffic = {}};
  report.params = {1.0F, -2.0F, 3.5F};
  report.buffers = {0.25F, -0.5F};
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    report.traffic[kind] = {.frames = kind + 1, .payload = {1000 * kind}, .framed = {1000 * kind + 7}};
  }
  return report;
}

EvaluationReport read_report(std::span<const std::byte> bytes) {
  ByteReader in(bytes, "report of worker 1");
  return EvaluationReport::decode(in, kDimension, kBuffers);
}

void expect_same(const EvaluationReport& a, const EvaluationReport& b) {
  EXPECT_EQ(a.step, b.step);
  EXPECT_EQ(a.loss_sum, b.loss_sum);
  EXPECT_EQ(a.loss_steps, b.loss_steps);
  EXPECT_EQ(a.tested.loss, b.tested.loss);
  EXPECT_EQ(a.tested.samples, b.tested.samples);
  EXPECT_EQ(a.squared_norm, b.squared_norm);
  EXPECT_EQ(a.own, b.own);
  EXPECT_EQ(a.traffic, b.traffic);
  EXPECT_EQ(a.params, b.params);
  EXPECT_EQ(a.buffers, b.buffers);
}

TEST(EvaluationReport, IsReadAsItWasWritten) {
  const EvaluationReport report = example_report();
  expect_same(read_report(encoded(report)), report);
}

TEST(EvaluationReport, MayComeWithoutAModelAndWithoutAnAccuracy) {
  EvaluationReport report = example_report();
  report.params.clear();
  report.buffers.clear();
  report.own = {};
  expect_same(read_report(encoded(report)), report);
}

TEST(EvaluationReport, AScoreOnNoSamplesAndSamplesWithoutAScoreAreRefused) {
  EvaluationReport report = example_report();
  report.own.own_samples = 0;
  EXPECT_THROW(read_report(encoded(report)), DecodeError);
  report = example_report();
  report.own.own_data = std::nullopt;
  EXPECT_THROW(read_report(encoded(report)), DecodeError);
}

TEST(EvaluationReport, TellsOfAModelThatIsNotFinite) {
  EvaluationReport report = example_report();
  report.squared_norm = std::numeric_limits<double>::infinity();
  report.params[1] = std::numeric_limits<float>::quiet_NaN();
  const EvaluationReport read = read_report(encoded(report));
  EXPECT_EQ(read.squared_norm, report.squared_norm);
  EXPECT_TRUE(std::isnan(read.params[1]));
}

TEST(EvaluationReport, CutAnywhereItIsRefusedButWhereOnlyTheModelIsMissing) {
  const std::vector<std::byte> whole = encoded(example_report());
  const std::size_t without_model = whole.size() - (kDimension + kBuffers) * sizeof(float);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::span<const std::byte> cut = std::span(whole).first(size);
    if (size == without_model) {
      EXPECT_TRUE(read_report(cut).params.empty());
    } else {
      EXPECT_THROW(read_report(cut), DecodeError) << size << " of " << whole.size();
    }
  }
}

TEST(EvaluationReport, AModelOfAnotherSizeIsRefusedWithBothSizesAndItsWorker) {
  EvaluationReport report = example_report();
  report.params.push_back(1.0F);
  try {
    read_report(encoded(report));
    FAIL() << "taken";
  } catch (const DecodeError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("report of worker 1"), text.npos) << text;
    EXPECT_NE(text.find("a model of 24 bytes, 20 belong there"), text.npos) << text;
  }
}

TEST(EvaluationReport, AScoreAboveOneIsRefusedAndAnR2BelowZeroIsNot) {
  EvaluationReport worse_than_the_mean = example_report();
  worse_than_the_mean.own.test = -3.5;
  EXPECT_EQ(read_report(encoded(worse_than_the_mean)).own.test, -3.5);
  for (const double accuracy : {1.01, std::numeric_limits<double>::infinity()}) {
    EvaluationReport report = example_report();
    report.own.test = accuracy;
    EXPECT_THROW(read_report(encoded(report)), DecodeError) << accuracy;
  }
}

TEST(DrainReport, IsReadAsItWasWrittenAndRefusedWhenCutOrTooLong) {
  const DrainReport report{.step = {12'345}, .sent = 1'000'000'007, .delivered = 999};
  std::vector<std::byte> bytes = encoded(report);
  const auto read = [](std::span<const std::byte> from) {
    ByteReader in(from, "report");
    return DrainReport::decode(in);
  };
  const DrainReport again = read(bytes);
  EXPECT_EQ(again.step, report.step);
  EXPECT_EQ(again.sent, report.sent);
  EXPECT_EQ(again.delivered, report.delivered);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(read(std::span(bytes).first(size)), DecodeError) << size;
  }
  bytes.push_back(std::byte{0});
  EXPECT_THROW(read(bytes), DecodeError);
}

TEST(DrainReport, AStepThatNoRunReachesIsRefused) {
  const std::vector<std::byte> bytes = encoded(DrainReport{.step = {~std::uint64_t{0}}, .sent = 0, .delivered = 0});
  ByteReader in(bytes, "report");
  EXPECT_THROW(DrainReport::decode(in), DecodeError);
}

TEST(DrainVerdict, IsOneByteOfThree) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::byte bytes[] = {static_cast<std::byte>(byte)};
    ByteReader in(bytes, "word");
    if (byte <= 2) {
      EXPECT_EQ(static_cast<int>(decode_drain_verdict(in)), byte);
    } else {
      EXPECT_THROW(decode_drain_verdict(in), DecodeError) << byte;
    }
  }
  ByteReader nothing({}, "word");
  EXPECT_THROW(decode_drain_verdict(nothing), DecodeError);
}

TEST(PartOfACheckpoint, IsReadAsItWasWrittenAndRefusedWhenCut) {
  const PartRecord part{.name = "worker-3", .size = 123'456, .crc32c = 0xdeadbeef};
  ByteWriter out;
  encode_part(out, part);
  EXPECT_EQ(decode_part(out.bytes()), part);
  for (std::size_t size = 0; size < out.bytes().size(); ++size) {
    EXPECT_THROW(decode_part(out.bytes().first(size)), DecodeError) << size;
  }
}

TEST(KeptCheckpoints, AreReadAsTheyWereWrittenAndACountThatCannotBeIsRefused) {
  for (const std::vector<Step>& kept : {std::vector<Step>{}, std::vector<Step>{{300}, {200}}}) {
    ByteWriter out;
    encode_kept(out, kept);
    ByteReader in(out.bytes(), "word");
    EXPECT_EQ(decode_kept(in), kept);
  }
  ByteWriter claim;
  claim.varint(std::uint64_t{1} << 60);
  claim.varint(1);
  ByteReader in(claim.bytes(), "word");
  EXPECT_THROW(decode_kept(in), DecodeError);
}

TEST(EndReport, IsReadAsItWasWrittenAndRefusedWhenCut) {
  for (const std::optional<double> accuracy : {std::optional<double>(), std::optional(0.5)}) {
    const EndReport report{
        .steps = 77, .own = {.test = accuracy}, .ledger = {std::byte{1}, std::byte{2}, std::byte{3}}};
    const std::vector<std::byte> bytes = encoded(report);
    ByteReader in(bytes, "report");
    const EndReport read = EndReport::decode(in);
    EXPECT_EQ(read.steps, report.steps);
    EXPECT_EQ(read.own, report.own);
    EXPECT_EQ(read.ledger, report.ledger);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::span<const std::byte> first = std::span(bytes).first(size);
      ByteReader cut(first, "report");
      EXPECT_THROW(EndReport::decode(cut), DecodeError) << size;
    }
  }
}

TEST(EndReport, ALedgerThatNoNodeHasIsRefusedBeforeItIsAllocated) {
  ByteWriter out;
  out.varint(1);
  out.f64(0.5);
  out.varint(std::uint64_t{1} << 40);
  ByteReader in(out.bytes(), "report");
  EXPECT_THROW(EndReport::decode(in), DecodeError);
}

TEST(EndNotice, KeepsItsKindAndWithoutOneIsAFailure) {
  using enum EndNotice::Kind;
  for (const EndNotice::Kind kind : {kStop, kAsked, kLost, kFailed}) {
    const EndNotice read = EndNotice::decode(EndNotice{.kind = kind, .text = "worker 2 is late"}.encode());
    EXPECT_EQ(read.kind, kind);
    EXPECT_EQ(read.text, "worker 2 is late");
  }
  EXPECT_EQ(EndNotice::decode("?").kind, kFailed);
  EXPECT_EQ(EndNotice::decode("?").text, "?");
  EXPECT_EQ(EndNotice::decode("").kind, kFailed);
}

}  // namespace
}  // namespace laconic::process
