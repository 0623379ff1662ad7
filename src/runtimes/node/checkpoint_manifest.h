// What makes a checkpoint complete: the record of its parts, written when all of them are on disk.
//
//   manifest := magic format program job step count part* checksum
//   magic    := "laconic checkpoint\n"
//   format   := u32        1
//   program  := text       version of the program
//   job      := size:u64 fnv1a:u64 crc32c:u32        of the lines of the job that decide the results
//   step     := u64
//   count    := varint     parts, 1 to kMaxParts
//   part     := name:text size:varint crc32c:u32     by rising names, each once
//   checksum := u32        crc32c of all before; every format ends with it
//   text     := size:varint bytes
//
// Little-endian; a varint as in docs/wire_format.md. A manifest that decodes has one encoding.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/archive.h"
#include "base/ids.h"
#include "runtimes/node/checkpoint_job.h"

namespace laconic {

inline constexpr std::size_t kMaxPartNameSize = 64;
inline constexpr std::size_t kMaxParts = std::size_t{1} << 17;
inline constexpr std::uint64_t kMaxPartSize = std::uint64_t{1} << 42;
inline constexpr std::size_t kMaxProgramSize = 64;

// Names that no part may have: what the folder of a checkpoint holds besides.
inline constexpr std::string_view kManifestFile = "manifest";

// Letters, digits, '-', '_' and '.', not in front; at most kMaxPartNameSize of them; not kManifestFile. So it names a
// file of one folder, whatever bytes it came from.
bool is_part_name(std::string_view name);

// A part as the process that wrote it tells of it.
struct PartRecord {
  std::string name;
  std::uint64_t size = 0;
  std::uint32_t crc32c = 0;

  // For a message between processes. Loading throws DecodeError for what no part can be.
  void archive(Archive& archive);
  friend bool operator==(const PartRecord&, const PartRecord&) = default;
};

struct CheckpointManifest {
  std::string program;
  TextDigest job;
  Step step;
  std::vector<PartRecord> parts;  // by rising names

  // Throws CheckFailed unless all is within its limits and in its order.
  std::vector<std::byte> encode() const;
  // Throws DecodeError, in which `what` names the bytes, for all that encode() does not give; UsageError for what is
  // whole, but of another format.
  static CheckpointManifest decode(std::span<const std::byte> bytes, std::string_view what);

  // The record of the part; null when there is none.
  const PartRecord* find(std::string_view name) const;
  friend bool operator==(const CheckpointManifest&, const CheckpointManifest&) = default;
};

// No manifest is longer, in bytes.
inline constexpr std::size_t kMaxManifestSize = 256 + kMaxParts * (1 + kMaxPartNameSize + 10 + 4);

}  // namespace laconic
