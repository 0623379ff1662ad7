#include "links/session/record.h"

#include <algorithm>
#include <string>

#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"

namespace laconic::session {
namespace {

constexpr unsigned kKindBits = 0x0f;
constexpr unsigned kLaneShift = 4;
constexpr unsigned kLanesMask = 0x30;
// Parts of frames up to this size are copied behind the records before them, so that one call hands over many.
constexpr std::size_t kWorthSharing = 4096;
constexpr std::size_t kFirstBuffer = 1024;

bool has_lane(RecordKind kind) {
  return kind == RecordKind::kWhole || kind == RecordKind::kOpening || kind == RecordKind::kPiece;
}

}  // namespace

std::span<std::byte> RecordReader::room() {
  if (begin_ > 0) {
    std::copy(buffer_.begin() + static_cast<std::ptrdiff_t>(begin_),
              buffer_.begin() + static_cast<std::ptrdiff_t>(end_), buffer_.begin());
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) buffer_.resize(std::min(std::max(kFirstBuffer, 2 * end_), kMaxBody + kMaxFraming));
  return std::span(buffer_).subspan(end_);
}

void RecordReader::came(std::size_t bytes) { end_ += bytes; }

std::optional<Record> RecordReader::next() {
  const auto left = std::span<const std::byte>(buffer_).subspan(begin_, end_ - begin_);
  if (left.empty()) return std::nullopt;
  const auto first = static_cast<unsigned>(left[0]);
  Record record{
      .kind = static_cast<RecordKind>(first & kKindBits), .lane = (first & kLanesMask) >> kLaneShift, .body = {}};
  const bool is_known = (first & kKindBits) < kRecordKinds && (first & ~(kKindBits | kLanesMask)) == 0 &&
                        (record.lane == 0 || has_lane(record.kind));
  if (!is_known) throw DecodeError("record: no kind " + std::to_string(first));
  // The length is a varint of at most three bytes, of which the last may not be there yet.
  std::uint64_t length = 0;
  std::size_t header = 1;
  for (;; ++header) {
    if (header == left.size()) return std::nullopt;
    const auto byte = static_cast<std::uint64_t>(left[header]);
    length |= (byte & 0x7f) << (7 * (header - 1));
    if ((byte & 0x80) == 0) {
      if (byte == 0 && header > 1) throw DecodeError("record: a length longer than needed");
      ++header;
      break;
    }
    if (header == 3) throw DecodeError("record: a length of more than three bytes");
  }
  if (length > kMaxBody) {
    throw DecodeError("record: a body of " + std::to_string(length) + " bytes, at most " + std::to_string(kMaxBody));
  }
  const std::size_t checked = header + static_cast<std::size_t>(length);
  if (left.size() < checked + sizeof(std::uint32_t)) return std::nullopt;
  ByteReader checksum(left.subspan(checked, sizeof(std::uint32_t)), "record");
  if (checksum.u32() != crc32c(left.first(checked))) throw DecodeError("record: damaged");
  record.body = left.subspan(header, static_cast<std::size_t>(length));
  begin_ += checked + sizeof(std::uint32_t);
  return record;
}

void RecordStream::append(std::span<const std::byte> bytes) {
  if (chunks_.empty() || chunks_.back().frame_size > 0) chunks_.emplace_back();
  std::vector<std::byte>& copied = chunks_.back().copied;
  copied.insert(copied.end(), bytes.begin(), bytes.end());
  backlog_ += bytes.size();
}

void RecordStream::write(RecordKind kind, std::size_t lane, std::span<const std::byte> body, const Frame* frame) {
  LACONIC_CHECK(body.size() <= kMaxBody, "a record of " << body.size() << " bytes");
  ByteWriter header;
  header.u8(static_cast<std::uint8_t>(static_cast<unsigned>(kind) | static_cast<unsigned>(lane) << kLaneShift));
  header.varint(body.size());
  append(header.bytes());
  if (frame != nullptr && body.size() > kWorthSharing) {
    Chunk shared;
    shared.frame = *frame;
    shared.frame_begin = static_cast<std::size_t>(body.data() - frame->wire().data());
    shared.frame_size = body.size();
    chunks_.push_back(std::move(shared));
    backlog_ += body.size();
  } else {
    append(body);
  }
  ByteWriter checksum;
  checksum.u32(crc32c(body, crc32c(header.bytes())));
  append(checksum.bytes());
}

bool RecordStream::flush() {
  bool moved = false;
  while (!chunks_.empty()) {
    const auto left = chunks_.front().bytes().subspan(taken_);
    const std::size_t taken = stream_->write(left);
    moved = moved || taken > 0;
    taken_ += taken;
    backlog_ -= taken;
    if (taken < left.size()) break;
    chunks_.pop_front();
    taken_ = 0;
  }
  return moved;
}

bool RecordStream::fill(Seconds now) {
  const std::size_t read = stream_->read(reader_.room());
  if (read == 0) return false;
  reader_.came(read);
  heard_ = now;
  return true;
}

}  // namespace laconic::session
