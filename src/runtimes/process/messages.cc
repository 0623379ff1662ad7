#include "runtimes/process/messages.h"

#include <cmath>
#include <limits>
#include <string>

#include "base/error.h"

namespace laconic::process {
namespace {

constexpr std::uint64_t kMostSteps = std::uint64_t{1} << 62;
constexpr std::size_t kLargestLedger = 1 << 16;

// An accuracy or an R2; not a number where there is none.
void encode_score(ByteWriter& out, std::optional<double> score) {
  out.f64(score.value_or(std::numeric_limits<double>::quiet_NaN()));
}

std::optional<double> decode_score(ByteReader& in) {
  const double value = in.f64();
  if (std::isnan(value)) return std::nullopt;
  if (value > 1.0) in.fail("an accuracy of " + std::to_string(value));
  return value;
}

void encode_own(ByteWriter& out, const WorkerScore& own) {
  encode_score(out, own.test);
  encode_score(out, own.own_data);
  out.varint(own.own_samples);
}

WorkerScore decode_own(ByteReader& in) {
  WorkerScore own;
  own.test = decode_score(in);
  own.own_data = decode_score(in);
  own.own_samples = in.varint();
  if (own.own_data.has_value() != (own.own_samples > 0)) {
    in.fail("a score on " + std::to_string(own.own_samples) + " samples of its own");
  }
  return own;
}

Step decode_step(ByteReader& in) {
  const std::uint64_t step = in.varint();
  if (step > kMostSteps) in.fail("step " + std::to_string(step));
  return {step};
}

}  // namespace

void EvaluationReport::encode(ByteWriter& out) const {
  out.varint(step.value);
  out.f64(loss_sum);
  out.varint(loss_steps);
  out.f64(tested.loss);
  out.varint(tested.samples);
  out.f64(squared_norm);
  encode_own(out, own);
  for (const Tally& tally : traffic) {
    out.varint(tally.frames);
    out.varint(tally.payload.value);
    out.varint(tally.framed.value);
  }
  out.floats(params);
  out.floats(buffers);
}

EvaluationReport EvaluationReport::decode(ByteReader& in, std::size_t dimension, std::size_t buffers_size) {
  EvaluationReport report;
  report.step = decode_step(in);
  report.loss_sum = in.f64();
  report.loss_steps = in.varint();
  report.tested.loss = in.f64();
  report.tested.samples = in.varint();
  report.squared_norm = in.f64();
  report.own = decode_own(in);
  for (Tally& tally : report.traffic) {
    tally.frames = in.varint();
    tally.payload.value = in.varint();
    tally.framed.value = in.varint();
  }
  if (in.remaining() > 0) {
    if (in.remaining() != (dimension + buffers_size) * sizeof(float)) {
      in.fail("a model of " + std::to_string(in.remaining()) + " bytes, " +
              std::to_string((dimension + buffers_size) * sizeof(float)) + " belong there");
    }
    report.params.resize(dimension);
    in.floats(report.params);
    report.buffers.resize(buffers_size);
    in.floats(report.buffers);
  }
  in.expect_end();
  return report;
}

void DrainReport::encode(ByteWriter& out) const {
  out.varint(step.value);
  out.varint(sent);
  out.varint(delivered);
}

DrainReport DrainReport::decode(ByteReader& in) {
  DrainReport report;
  report.step = decode_step(in);
  report.sent = in.varint();
  report.delivered = in.varint();
  in.expect_end();
  return report;
}

DrainVerdict decode_drain_verdict(ByteReader& in) {
  const std::uint8_t verdict = in.u8();
  if (verdict > static_cast<std::uint8_t>(DrainVerdict::kGoOn)) in.fail("verdict " + std::to_string(verdict));
  in.expect_end();
  return static_cast<DrainVerdict>(verdict);
}

void encode_part(ByteWriter& out, PartRecord part) {
  Archive archive;
  part.archive(archive);
  out.raw(archive.take());
}

PartRecord decode_part(std::span<const std::byte> payload) {
  Archive archive(payload);
  PartRecord part;
  part.archive(archive);
  archive.expect_end();
  return part;
}

void encode_kept(ByteWriter& out, std::span<const Step> kept) {
  out.varint(kept.size());
  for (const Step step : kept) out.varint(step.value);
}

std::vector<Step> decode_kept(ByteReader& in) {
  const std::uint64_t count = in.varint();
  if (count > in.remaining()) in.fail(std::to_string(count) + " checkpoints kept");
  std::vector<Step> kept;
  for (std::uint64_t i = 0; i < count; ++i) kept.push_back(decode_step(in));
  in.expect_end();
  return kept;
}

void EndReport::encode(ByteWriter& out) const {
  out.varint(steps);
  encode_own(out, own);
  out.varint(ledger.size());
  out.raw(ledger);
}

EndReport EndReport::decode(ByteReader& in) {
  EndReport report;
  report.steps = decode_step(in).value;
  report.own = decode_own(in);
  const std::uint64_t size = in.varint();
  if (size > kLargestLedger) in.fail("a ledger of " + std::to_string(size) + " bytes");
  const auto bytes = in.raw(static_cast<std::size_t>(size));
  report.ledger.assign(bytes.begin(), bytes.end());
  in.expect_end();
  return report;
}

EndNotice EndNotice::decode(const std::string& text) {
  using enum Kind;
  for (const Kind kind : {kStop, kAsked, kLost, kFailed}) {
    if (text.starts_with(static_cast<char>(kind))) return {.kind = kind, .text = text.substr(1)};
  }
  return {.kind = kFailed, .text = text};
}

}  // namespace laconic::process
