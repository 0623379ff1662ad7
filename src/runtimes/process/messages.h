// What the runtimes of the processes tell each other beside the strategies' frames: frames of the tags kReport, from a
// worker to worker 0, and kVerdict, from worker 0 to a worker. docs/wire_format.md has them byte by byte.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/byte_stream.h"
#include "comm/ledger.h"
#include "protocol/learner.h"
#include "runtimes/node/checkpoint.h"
#include "runtimes/node/evaluation.h"

namespace laconic::process {

// The rounds of these frames: which exchange they belong to.
inline constexpr Round kMeetings{0};
inline constexpr Round kEvaluations{1};
inline constexpr Round kCheckpoints{2};
inline constexpr Round kEnd{3};

// A worker's part of a measurement; `traffic` is that of the nodes of its process. All decoders here throw DecodeError.
struct EvaluationReport : WorkerReport {
  // Where the average is measured: d and as many elements as there are buffers; else empty.
  std::vector<float> params;
  std::vector<float> buffers;

  void encode(ByteWriter& out) const;
  static EvaluationReport decode(ByteReader& in, std::size_t dimension, std::size_t buffers);
};

// A worker has reached a checkpoint; or, again, what has changed since.
struct DrainReport {
  Step step;
  std::uint64_t sent = 0;       // Local::sent of its process
  std::uint64_t delivered = 0;  // and Local::delivered

  void encode(ByteWriter& out) const;
  static DrainReport decode(ByteReader& in);
};

// Worker 0's word to those who have reached a checkpoint.
enum class DrainVerdict : std::uint8_t { kCountAgain, kSave, kGoOn };
DrainVerdict decode_drain_verdict(ByteReader& in);

// A part of a checkpoint that is saved.
void encode_part(ByteWriter& out, PartRecord part);
PartRecord decode_part(std::span<const std::byte> payload);
// Worker 0's word that a checkpoint is whole: the steps whose checkpoints are kept.
void encode_kept(ByteWriter& out, std::span<const Step> kept);
std::vector<Step> decode_kept(ByteReader& in);

// A worker has come to its end.
struct EndReport {
  std::uint64_t steps = 0;
  WorkerScore own;
  std::vector<std::byte> ledger;  // the archive of its row

  void encode(ByteWriter& out) const;
  static EndReport decode(ByteReader& in);
};

// Why a process tells all others that the run ends (Link::broadcast_end), and what it says of it.
struct EndNotice {
  enum class Kind : char {
    kStop = 's',    // the job's end is reached
    kAsked = 'a',   // the process was asked to end, by its user or by the launcher
    kLost = 'l',    // a peer was late or is gone
    kFailed = 'f',  // the run cannot go on
  };
  Kind kind = Kind::kFailed;
  std::string text;

  std::string encode() const { return static_cast<char>(kind) + text; }
  // What begins with no kind is a failure.
  static EndNotice decode(const std::string& text);
};

}  // namespace laconic::process
