// A byte stream as a sequence of records. docs/wire_format.md is the specification.
//
//   record   := kind length body checksum
//   kind     := u8        low 4 bits: RecordKind; bits 4 and 5: the lane of a part of a frame, else 0; high bits 0
//   length   := varint    bytes of the body, at most kMaxBody
//   checksum := u32       crc32c over kind, length and body
//
// So a damaged byte ends a stream and not a session, which goes on over the next stream with what was not acknowledged.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/units.h"
#include "comm/frame.h"
#include "runtimes/node/stream.h"

namespace laconic::session {

// The pieces in which a long frame travels. On a link of 1 Mbit/s one takes half a second.
inline constexpr std::size_t kPieceSize = std::size_t{64} << 10;
inline constexpr std::size_t kMaxBody = kPieceSize;
// Bytes of a record beside its body, at most.
inline constexpr std::size_t kMaxFraming = 1 + 3 + 4;

enum class RecordKind : std::uint8_t {
  kHello,   // the first of a stream, each way
  kRefuse,  // the last of a stream: why there is no session
  // Numbered: kept by the sender until they are acknowledged.
  kWhole,    // a frame
  kOpening,  // the size of a frame that follows in pieces
  kPiece,    // the next part of it
  kEnd,      // the text of an end
  // Not numbered.
  kAck,    // what was taken, and how much more may come
  kAlive,  // nothing
  kBye,    // the sender has left for good
};
inline constexpr unsigned kRecordKinds = 9;
constexpr bool is_numbered(RecordKind kind) { return kind >= RecordKind::kWhole && kind <= RecordKind::kEnd; }

struct Record {
  RecordKind kind = RecordKind::kAlive;
  std::size_t lane = 0;
  std::span<const std::byte> body;
};

// Takes records apart. Its input is hostile: it holds at most what came, and one record, whatever length one claims.
class RecordReader {
 public:
  // Where the next bytes that come are to be written; at least one byte.
  std::span<std::byte> room();
  // So many bytes were written there.
  void came(std::size_t bytes);
  // The next record that is whole. Its body is valid until room() is called again. Throws DecodeError for what is no
  // record; then nothing more is to be taken from this reader.
  std::optional<Record> next();

 private:
  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;  // of what came and was not taken
  std::size_t end_ = 0;
};

// The records of one stream, both ways.
class RecordStream {
 public:
  // `now`: when it is made.
  RecordStream(std::unique_ptr<node::ByteStream> stream, Seconds now) : stream_(std::move(stream)), heard_(now) {}

  const node::ByteStream& stream() const { return *stream_; }

  // Queues a record. Its body is copied, but for a long part of a frame, which stays shared until it has left.
  void write(RecordKind kind, std::span<const std::byte> body) { write(kind, 0, body, nullptr); }
  void write(RecordKind kind, std::size_t lane, std::span<const std::byte> body, const Frame* frame);
  // Bytes queued that the stream has not taken.
  std::size_t backlog() const { return backlog_; }
  // Hands the stream what it has room for. Returns whether it took anything.
  bool flush();

  // Reads some of what has come. Returns whether anything came.
  bool fill(Seconds now);
  std::optional<Record> next() { return reader_.next(); }
  // When bytes came last, or else when this was made.
  Seconds heard() const { return heard_; }

 private:
  struct Chunk {
    std::vector<std::byte> copied;
    std::size_t frame_begin = 0;
    std::size_t frame_size = 0;  // 0: the chunk is what was copied
    Frame frame;
    std::span<const std::byte> bytes() const {
      return frame_size == 0 ? std::span<const std::byte>(copied) : frame.wire().subspan(frame_begin, frame_size);
    }
  };
  void append(std::span<const std::byte> bytes);

  std::unique_ptr<node::ByteStream> stream_;
  std::deque<Chunk> chunks_;
  std::size_t taken_ = 0;  // of the first chunk
  std::size_t backlog_ = 0;
  RecordReader reader_;
  Seconds heard_;
};

}  // namespace laconic::session
