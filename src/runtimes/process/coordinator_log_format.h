// What the coordinator's log says, and its bytes.
//
//   log             := header record*
//   header          := magic version job epoch checksum       of every version; only what follows may differ
//   magic           := "laconic coordinator\n"                20 bytes
//   version         := u32                                    1
//   job             := u64                                    fingerprint of the job
//   epoch           := u64                                    from 1; one higher each time a run resumes from a checkpoint
//   checksum        := u32                                    crc32c of all before it in the header or in the record
//
//   record          := kind length guard body checksum
//   kind            := u8                                     1 started, 2 view, 3 synchronisation
//   length          := u32                                    bytes of the body, at most kMaxLogBody
//   guard           := u32                                    crc32c of kind and length
//   body            := started | view | synchronisation
//
//   started         := incarnation:varint                     of the coordinator: how often it was started in this job
//   view            := number:varint slots:varint incarnation:varint{slots} present
//   present         := one bit per slot, low bits first, in ceil(slots / 8) bytes; the bits behind are 0
//   synchronisation := number:varint view:varint step:varint round:varint model:u32 state
//   state           := name:text size:varint crc32c:u32       of the file beside the log; "" 0 0 where there is none
//   text            := size:varint bytes
//
// Numbers are little-endian, varints as in docs/wire_format.md. An example: started, for the second time,
//
//   01  01 00 00 00  21 b3 26 a0  02  c2 06 49 a4
//
// The first record is `started`. Incarnations and the numbers of views and of synchronisations grow; step, round and
// view of synchronisations, and incarnations of slots, do not fall; a synchronisation is of a view before it.
//
// Each record is appended and synced before the next one. So a death leaves at most the last one torn: cut, or with
// sectors that are zeros (file systems write a length before the bytes, and sectors in any order). Such a tail was never
// durable, and is no part of the log. Whatever else is wrong is damage: the guard tells a record that is cut from a
// length that is damaged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/byte_stream.h"
#include "base/ids.h"

namespace laconic::process {

inline constexpr std::size_t kMaxSlots = std::size_t{1} << 20;
inline constexpr std::size_t kMaxLogBody = std::size_t{1} << 24;
inline constexpr std::uint64_t kMaxStateSize = std::uint64_t{1} << 42;

// Which workers take part.
struct LoggedView {
  std::uint64_t number = 0;
  std::vector<Rank> present;                // rising
  std::vector<std::uint64_t> incarnations;  // by slot, the highest given so far; 0: none yet, as for nobody present

  void encode(ByteWriter& out) const;
  // Throws DecodeError for what encode() does not give, as all decoders here.
  static LoggedView decode(ByteReader& in);
  friend bool operator==(const LoggedView&, const LoggedView&) = default;
};

// A file with what only the coordinator has.
struct StateFile {
  std::string name;  // as state_file_name() gives; empty where there is none
  std::uint64_t size = 0;
  std::uint32_t crc32c = 0;

  void encode(ByteWriter& out) const;
  static StateFile decode(ByteReader& in);
  friend bool operator==(const StateFile&, const StateFile&) = default;
};

// The name of the `count`-th state file that the coordinator's `incarnation` writes. No name is given twice, so that no
// file that some log may name is ever overwritten.
std::string state_file_name(std::uint64_t incarnation, std::uint64_t count);
bool is_state_file_name(std::string_view name);

// All members of a view have the same model.
struct Synchronisation {
  std::uint64_t number = 0;
  std::uint64_t view = 0;  // number of the view whose members took part
  Step step;
  Round round;              // of the next collective
  std::uint32_t model = 0;  // crc32c of the common model
  StateFile state;

  void encode(ByteWriter& out) const;
  static Synchronisation decode(ByteReader& in);
  friend bool operator==(const Synchronisation&, const Synchronisation&) = default;
};

// What a log says up to some record.
struct LogContents {
  std::uint64_t job = 0;
  std::uint64_t epoch = 1;
  std::uint64_t incarnation = 0;  // of the coordinator; 0 before the first `started`
  std::optional<LoggedView> view;
  std::optional<Synchronisation> synchronisation;

  // Why the next entry cannot follow; empty where it can.
  std::string objection_to(const LoggedView& next) const;
  std::string objection_to(const Synchronisation& next) const;

  // The shortest log that says this.
  std::vector<std::byte> encode() const;
  // What a log says; its torn tail, if it has one, is left out. Throws DecodeError for damage and for entries that
  // cannot follow each other, UsageError for a log of another version; both begin with `what`, and a DecodeError names
  // the byte.
  static LogContents decode(std::span<const std::byte> bytes, std::string_view what);
  friend bool operator==(const LogContents&, const LogContents&) = default;
};

// A record of the log with its head and checksum.
std::vector<std::byte> log_record(const LoggedView& view);
std::vector<std::byte> log_record(const Synchronisation& synchronisation);

}  // namespace laconic::process
