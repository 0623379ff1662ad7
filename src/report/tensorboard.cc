#include "report/tensorboard.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "base/error.h"
#include "comm/crc32c.h"
#include "report/json.h"

namespace laconic {
namespace {

// Little-endian, `size` bytes.
void put(std::string& bytes, std::uint64_t number, int size) {
  for (int i = 0; i < size; ++i) bytes += static_cast<char>(number >> (8 * i) & 0xff);
}

void put_varint(std::string& bytes, std::uint64_t number) {
  for (; number >= 0x80; number >>= 7) bytes += static_cast<char>((number & 0x7f) | 0x80);
  bytes += static_cast<char>(number);
}

// Of protocol buffers: which field follows, and in what form.
enum class WireType { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };
void put_key(std::string& bytes, std::uint64_t field, WireType type) {
  put_varint(bytes, field << 3 | static_cast<std::uint64_t>(type));
}

void put_text(std::string& bytes, std::uint64_t field, std::string_view text) {
  put_key(bytes, field, WireType::kLengthDelimited);
  put_varint(bytes, text.size());
  bytes += text;
}

std::uint32_t masked_crc(std::string_view bytes) {
  constexpr std::uint32_t kMaskDelta = 0xa282ead8;
  return std::rotr(crc32c(std::as_bytes(std::span(bytes))), 15) + kMaskDelta;
}

void put_record(std::string& file, std::string_view event) {
  std::string length;
  put(length, event.size(), 8);
  file += length;
  put(file, masked_crc(length), 4);
  file += event;
  put(file, masked_crc(event), 4);
}

// The first record of a file: which form of events follows.
std::string version_event() {
  std::string event;
  put_key(event, 1, WireType::kFixed64);
  put(event, 0, 8);
  put_text(event, 3, "brain.Event:2");
  return event;
}

// The scalars of one moment.
class Scalars {
 public:
  // What is missing, null or not finite as float32 is left out.
  void add(const std::string& tag, const Json& object, const char* key) {
    const auto found = object.find(key);
    if (found != object.end()) add(tag, *found);
  }
  void add(const std::string& tag, const Json& number) {
    if (!number.is_number()) return;
    const auto value = number.get<double>();
    if (!(std::fabs(value) <= std::numeric_limits<float>::max())) return;
    std::string scalar;
    put_text(scalar, 1, tag);
    put_key(scalar, 2, WireType::kFixed32);
    put(scalar, std::bit_cast<std::uint32_t>(static_cast<float>(value)), 4);
    put_text(summary_, 1, scalar);
  }
  // As an event.
  std::string event(double wall_time, std::uint64_t step) const {
    std::string bytes;
    put_key(bytes, 1, WireType::kFixed64);
    put(bytes, std::bit_cast<std::uint64_t>(wall_time), 8);
    put_key(bytes, 2, WireType::kVarint);
    put_varint(bytes, step);
    put_text(bytes, 5, summary_);
    return bytes;
  }

 private:
  std::string summary_;
};

void add_watched(Scalars& scalars, const Json& line) {
  if (const auto watched = line.find("watched"); watched != line.end()) {
    for (const auto& [name, value] : watched->items()) scalars.add("monitor/" + name, value);
  }
}

Scalars of_measurement(const Json& line) {
  Scalars scalars;
  scalars.add("train/loss", line, "train_loss");
  scalars.add("evaluation/loss", line.at("test"), "loss");
  const auto add_scores = [&](const std::string& split, const Json& evaluation) {
    for (const char* score : {"accuracy", "r2", "mae"}) scalars.add(split + "/" + score, evaluation, score);
  };
  add_scores("evaluation", line.at("test"));
  if (const auto validation = line.find("validation"); validation != line.end()) {
    scalars.add("validation/loss", *validation, "loss");
    add_scores("validation", *validation);
  }
  if (const auto prequential = line.find("prequential"); prequential != line.end())
    scalars.add("evaluation/prequential_loss", *prequential, "cumulative_loss");
  if (const auto workers = line.find("workers"); workers != line.end()) {
    for (const char* name : {"mean", "minimum", "maximum"})
      scalars.add((line.at("test").contains("r2") ? "workers/r2_" : "workers/accuracy_") + std::string(name), *workers,
                  name);
  }
  scalars.add("consensus/distance", line, "consensus_distance");
  scalars.add("communication/bytes", line, "wire_bytes");
  scalars.add("communication/payload_bytes", line, "payload_bytes");
  for (const auto& [kind, tally] : line.at("traffic").items())
    scalars.add("communication/" + kind + "_bytes", tally, "wire_bytes");
  scalars.add("communication/syncs", line, "syncs");
  add_watched(scalars, line);
  return scalars;
}

Scalars of_sync(const Json& line) {
  Scalars scalars;
  scalars.add("communication/syncs", line, "syncs");
  scalars.add("monitor/threshold", line, "threshold");
  add_watched(scalars, line);
  return scalars;
}

}  // namespace

std::string tensorboard_events(std::string_view metrics) {
  std::string file;
  put_record(file, version_event());
  double wall_time = 0.0;
  for (std::size_t number = 1; !metrics.empty(); ++number) {
    const std::string_view text = metrics.substr(0, metrics.find('\n'));
    metrics.remove_prefix(std::min(metrics.size(), text.size() + 1));
    try {
      const Json line = Json::parse(text);
      const std::string type = line.at("type");
      if (type != "measurement" && type != "sync") throw DecodeError("unknown type '" + type + "'");
      if (type == "measurement") wall_time = line.at("time_s");
      const Scalars scalars = type == "sync" ? of_sync(line) : of_measurement(line);
      put_record(file, scalars.event(wall_time, line.at("step")));
    } catch (const Json::exception& bad) {
      throw DecodeError("line " + std::to_string(number) + ": " + bad.what());
    }
  }
  return file;
}

}  // namespace laconic
