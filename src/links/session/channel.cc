#include "links/session/channel.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/byte_stream.h"
#include "base/canary.h"
#include "base/error.h"

namespace laconic::session {
namespace {

constexpr Seconds kNever{std::numeric_limits<double>::infinity()};
// So much is acknowledged at once, and less than that when so much time has passed.
constexpr std::uint64_t kAckBytes = 2 * kPieceSize;
constexpr Seconds kAckDelay{0.02};
// Records handed to a stream ahead of what it takes: one is always there.
constexpr std::size_t kBacklog = 2 * kPieceSize;
// Records taken in one call, so that a sender that never stops does not keep its receiver from everything else.
constexpr int kMaxTaken = 64;

RecordKind kind_of(node::Part part) {
  switch (part) {
    case node::Part::kWhole:
      return RecordKind::kWhole;
    case node::Part::kOpening:
      return RecordKind::kOpening;
    case node::Part::kPiece:
      break;
  }
  return RecordKind::kPiece;
}

node::Part part_of(RecordKind kind) {
  return kind == RecordKind::kWhole     ? node::Part::kWhole
         : kind == RecordKind::kOpening ? node::Part::kOpening
                                        : node::Part::kPiece;
}

}  // namespace

Channel::Channel(std::uint64_t max_payload) : max_payload_(max_payload), ack_due_(kNever) { reset(); }

void Channel::reset() {
  stream_.reset();
  if (!canary(Canary::kOldIncarnation)) outbox_.clear();
  ends_.clear();
  sent_.clear();
  first_ = next_ = bytes_ = limit_ = 0;
  assemblies_.assign(node::kLanes, node::Assembly(kPieceSize, max_payload_ + kMaxHeaderSize));
  received_ = consumed_ = granted_ = unacknowledged_ = 0;
  ack_due_ = kNever;
}

void Channel::rewind() {
  LACONIC_CHECK(!has_history(), "a session that has " << first_ << " records behind it");
  stream_.reset();
  next_ = limit_ = granted_ = 0;
}

void Channel::attach(RecordStream stream, std::uint64_t taken_by_peer, std::uint64_t limit) {
  acknowledge(taken_by_peer, limit);
  if (canary(Canary::kLostRecord) && !sent_.empty()) sent_.pop_front();
  if (canary(Canary::kRepeatedRecord) && !sent_.empty()) sent_.push_front(sent_.front());
  stream_.emplace(std::move(stream));
  next_ = first_;  // what was on the last stream and did not come
  // Its hello has just said what came.
  unacknowledged_ = 0;
  ack_due_ = kNever;
}

void Channel::acknowledge(std::uint64_t received, std::uint64_t limit) {
  if (received < first_ || received > first_ + sent_.size()) {
    throw DecodeError("it has taken " + std::to_string(received) + " records, of " +
                      std::to_string(first_ + sent_.size()) + " sent and " + std::to_string(first_) + " acknowledged");
  }
  if (limit < limit_) throw DecodeError("it takes back what it granted");
  limit_ = limit;
  sent_.erase(sent_.begin(), sent_.begin() + static_cast<std::ptrdiff_t>(received - first_));
  first_ = received;
  next_ = std::max(next_, first_);
}

Seconds Channel::next_event() const { return stream_ ? ack_due_ : kNever; }

void Channel::beat() {
  if (stream_ && stream_->backlog() == 0) stream_->write(RecordKind::kAlive, {});
}

void Channel::bye() {
  if (!stream_) return;
  stream_->write(RecordKind::kBye, {});
  stream_->flush();
}

bool Channel::progress(Seconds now, const ChannelHandlers& handlers, std::string& problem) {
  if (!stream_) return false;
  bool moved = false;
  try {
    moved = read(now, handlers);
    if (stream_) moved = write(now) || moved;
  } catch (const DecodeError& error) {
    problem = error.what();
    detach();
    return true;
  }
  if (stream_ && stream_->stream().is_over()) {
    detach();
    moved = true;
  }
  return moved;
}

bool Channel::read(Seconds now, const ChannelHandlers& handlers) {
  bool moved = false;
  for (int taken = 0; stream_ && taken < kMaxTaken;) {
    if (const std::optional<Record> record = stream_->next()) {
      take(*record, now, handlers);
      ++taken;
      moved = true;
    } else if (!stream_->fill(now)) {
      break;
    }
  }
  return moved;
}

void Channel::take(const Record& record, Seconds now, const ChannelHandlers& handlers) {
  switch (record.kind) {
    case RecordKind::kHello:
    case RecordKind::kRefuse:
      throw DecodeError("record: a hello or a refusal inside a session");
    case RecordKind::kAck:
      take_ack(record);
      return;
    case RecordKind::kAlive:
      return;
    case RecordKind::kBye:
      handlers.bye();
      return;
    default:
      break;
  }
  if (consumed_ + record.body.size() > granted_) throw DecodeError("record: more than was granted");
  ++received_;
  consumed_ += record.body.size();
  unacknowledged_ += record.body.size();
  ack_due_ = std::min(ack_due_, unacknowledged_ >= kAckBytes ? now : now + kAckDelay);
  if (record.kind == RecordKind::kEnd) {
    handlers.end(node::end_text(record.body));
  } else {
    take_part(record, handlers);
  }
}

void Channel::take_ack(const Record& record) {
  ByteReader in(record.body, "acknowledgement");
  const std::uint64_t received = in.varint();
  const std::uint64_t limit = in.varint();
  in.expect_end();
  if (received > next_) in.fail("of what was not sent");
  acknowledge(received, limit);
}

void Channel::take_part(const Record& record, const ChannelHandlers& handlers) {
  Frame frame;
  try {
    const auto wire = assemblies_[record.lane].take(part_of(record.kind), record.body);
    if (!wire) return;
    frame = Frame::decode(*wire, max_payload_);
  } catch (const DecodeError& error) {
    handlers.refused(record.lane, error.what());
    return;
  }
  handlers.frame(record.lane, std::move(frame));
}

bool Channel::number_next() {
  Numbered next;
  if (!ends_.empty()) {
    next.text = std::move(ends_.front());
    ends_.pop_front();
  } else if (!outbox_.empty()) {
    next.part.emplace(outbox_.pop());
    next.kind = kind_of(next.part->part());
    next.lane = next.part->lane();
  } else {
    return false;
  }
  bytes_ += next.body().size();
  next.sent = bytes_;
  sent_.push_back(std::move(next));
  return true;
}

bool Channel::write(Seconds now) {
  if (now >= ack_due_) {
    ByteWriter ack;
    ack.varint(received_);
    ack.varint(grant());
    stream_->write(RecordKind::kAck, ack.bytes());
    unacknowledged_ = 0;
    ack_due_ = kNever;
  }
  while (stream_->backlog() < kBacklog) {
    if (next_ == first_ + sent_.size() && !number_next()) break;
    Numbered& record = sent_[static_cast<std::size_t>(next_ - first_)];
    if (record.sent > limit_) break;
    ++next_;
    stream_->write(record.kind, record.lane, record.body(), record.part ? &record.part->frame() : nullptr);
    if (record.part && !std::exchange(record.is_counted, true)) {
      if (record.part->is_last()) ++carried_.frames;
      carried_.bytes += record.body().size();
    }
    if (stream_->backlog() >= kBacklog && !stream_->flush()) break;
  }
  return stream_->flush();
}

}  // namespace laconic::session
