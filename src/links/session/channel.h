// One direction-pair of a session: messages each way, in order and each once, over one stream after another.
//
// A sender numbers its records and keeps them until they are acknowledged. When a stream breaks, the next one begins
// with what the receiver says it has (hello.h), and the sender goes on from there. A receiver grants bytes; a sender
// sends no more than it was granted, so what is on its way, and what waits at a receiver that stands still, is bounded.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "links/session/record.h"
#include "runtimes/node/link.h"
#include "runtimes/node/pieces.h"

namespace laconic::session {

// What a receiver lets a sender have on its way, in bytes of bodies: a link of 500 Mbit/s is busy with it for 0.13 s.
inline constexpr std::uint64_t kWindow = std::uint64_t{8} << 20;

// What arrives. Each must be set.
struct ChannelHandlers {
  std::function<void(std::size_t lane, Frame frame)> frame;
  std::function<void(std::size_t lane, const std::string& problem)> refused;
  std::function<void(const std::string& text)> end;
  // The other side has left for good.
  std::function<void()> bye;
};

class Channel {
 public:
  // Frames of more than `max_payload` bytes are refused when they arrive.
  explicit Channel(std::uint64_t max_payload);

  // Queue, and return.
  void push(std::size_t lane, const Frame& frame) { outbox_.push(lane, frame); }
  void push_end(const std::string& text) { ends_.push_back(text); }

  // Goes on over `stream`, after both hellos: of the peer's, how many records it has taken and how much it grants.
  // Throws DecodeError where these cannot be true of this session.
  void attach(RecordStream stream, std::uint64_t taken_by_peer, std::uint64_t limit);
  // Drops the stream; what was not acknowledged waits for the next one.
  void detach() { stream_.reset(); }
  bool is_attached() const { return stream_.has_value(); }
  // What the hello of this side says.
  std::uint64_t received() const { return received_; }
  std::uint64_t grant() { return granted_ = consumed_ + kWindow; }

  // Both directions begin anew. What was sent and not acknowledged, and what waits, is dropped.
  void reset();
  // Whether a record has come or was acknowledged.
  bool has_history() const { return first_ > 0 || received_ > 0; }
  // Of a session without history: begins anew with all that was to be sent.
  void rewind();

  // Takes what came, and sends what may be sent. Returns whether anything moved. A stream that is over, or that carried
  // what no peer may send, is dropped: `problem` says why where there is more to say than that it is over.
  bool progress(Seconds now, const ChannelHandlers& handlers, std::string& problem);
  // Sends what may be sent now, for who may not come back to progress().
  void push_out(Seconds now) {
    if (stream_) write(now);
  }
  // A sign of life, unless something waits to leave.
  void beat();
  // The last record: this side leaves for good.
  void bye();

  // When progress() has to be called though nothing came.
  Seconds next_event() const;
  // Whether nothing waits, and all that was sent is acknowledged.
  bool is_settled() const { return sent_.empty() && outbox_.empty() && ends_.empty(); }
  // When something came over the present stream, or else when that began; 0 where there is none.
  Seconds heard() const { return stream_ ? stream_->heard() : Seconds{}; }
  const node::Carried& carried() const { return carried_; }

 private:
  // A numbered record.
  struct Numbered {
    RecordKind kind = RecordKind::kEnd;
    std::size_t lane = 0;
    std::optional<node::Outgoing> part;  // of a frame; else the text
    std::string text;
    std::uint64_t sent = 0;  // bytes of bodies of this session, up to the end of this one
    bool is_counted = false;
    std::span<const std::byte> body() const { return part ? part->bytes() : std::as_bytes(std::span(text)); }
  };

  bool read(Seconds now, const ChannelHandlers& handlers);
  void take(const Record& record, Seconds now, const ChannelHandlers& handlers);
  void take_ack(const Record& record);
  void take_part(const Record& record, const ChannelHandlers& handlers);
  bool write(Seconds now);
  // Numbers what waits next. Returns whether there was anything.
  bool number_next();
  void acknowledge(std::uint64_t received, std::uint64_t limit);

  std::uint64_t max_payload_;
  std::optional<RecordStream> stream_;

  // What leaves. Records first_ .. first_ + sent_.size() are not acknowledged; those before next_ are on the stream.
  node::Outbox outbox_{kPieceSize};
  std::deque<std::string> ends_;
  std::deque<Numbered> sent_;
  std::uint64_t first_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t bytes_ = 0;  // of bodies that were numbered
  std::uint64_t limit_ = 0;  // of these that may leave
  node::Carried carried_;

  // What comes.
  std::vector<node::Assembly> assemblies_;  // one a lane
  std::uint64_t received_ = 0;
  std::uint64_t consumed_ = 0;        // bytes of their bodies
  std::uint64_t granted_ = 0;         // of which so many may come
  std::uint64_t unacknowledged_ = 0;  // that came since the last acknowledgement
  Seconds ack_due_;                   // infinity: nothing is to be acknowledged
};

}  // namespace laconic::session
