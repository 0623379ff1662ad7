// Reports of workers to worker 0 and its verdicts, each awaited until a deadline; and the stop of all processes in
// which nothing of the strategies is on its way.
#include <utility>

#include "base/error.h"
#include "runtimes/process/run.h"

namespace laconic::process {
namespace {

// Worker 0 waits a little longer for a worker than that one may wait for another, which is who it would be late for: the
// one that knows whom it waits for then speaks first. Who waits for worker 0 waits twice as long.
constexpr double kForReport = 1.25;
constexpr double kForVerdict = 2.5;
// How long a checkpoint waits until it counts again.
constexpr Seconds kRecount{0.002};

}  // namespace

void Run::send_report(const FrameHeader& header, std::span<const std::byte> payload) {
  const Frame frame(header, payload);
  local_.ledger.record_sent({rank_}, frame);
  link_.send({rank_}, {0}, frame);
}

void Run::send_verdict(Rank to, const FrameHeader& header, std::span<const std::byte> payload) {
  const Frame frame(header, payload);
  local_.ledger.record_sent({0}, frame);
  link_.send({0}, to, frame);
}

Task<std::optional<Arrival>> Run::take(Tag tag, Round round, std::optional<Rank> from, Seconds patience) {
  const Pattern pattern{.from = from, .tags = tag, .round = round};
  return control_.receive(pattern, local_.clock.now(), patience);
}

Task<Frame> Run::take_report(Round round, Rank from, std::string_view what) {
  const Seconds patience = of_deadline(kForReport);
  std::optional<Arrival> arrival = co_await take(Tag::kReport, round, from, patience);
  if (!arrival) {
    throw PeerLost("worker 0 got no " + std::string(what) + " from worker " + std::to_string(from.value) + " within " +
                   to_text(patience) +
                   "; see whether that process still runs and how far it is behind, or raise network.deadline");
  }
  co_return std::move(arrival->frame);
}

Task<Frame> Run::take_verdict(Round round, std::string_view what) {
  const Seconds patience = of_deadline(kForVerdict);
  const Rank leader{0};
  std::optional<Arrival> arrival = co_await take(Tag::kVerdict, round, leader, patience);
  if (!arrival) {
    throw PeerLost(name() + " got no word from worker 0 " + std::string(what) + " within " + to_text(patience) +
                   "; see whether that process still runs, or raise network.deadline");
  }
  co_return std::move(arrival->frame);
}

// Says how much has been sent and delivered here until worker 0 is content.
Task<void> Run::follow_drain(Round exchange) {
  for (;;) {
    const DrainReport report{.step = worker().step(), .sent = local_.sent, .delivered = local_.delivered};
    ByteWriter out;
    report.encode(out);
    const FrameHeader header{Traffic::kControl, Tag::kReport, exchange};
    send_report(header, out.bytes());
    const DrainVerdict verdict = co_await take_drain_verdict(exchange);
    if (verdict == DrainVerdict::kGoOn) co_return;
  }
}

Task<DrainVerdict> Run::take_drain_verdict(Round exchange) {
  const Frame frame = co_await take_verdict(exchange, "on where all have stopped");
  ByteReader in(frame.payload(), "word on where all have stopped");
  co_return decode_drain_verdict(in);
}

void Run::tell_all(Round exchange, DrainVerdict verdict) {
  const std::byte byte{static_cast<std::uint8_t>(verdict)};
  const FrameHeader header{Traffic::kControl, Tag::kVerdict, exchange};
  for (Rank rank{1}; rank.value < size_; ++rank.value) send_verdict(rank, header, std::span(&byte, 1));
}

std::string Run::drain_text(std::uint64_t sent, std::uint64_t delivered) {
  return "all workers stopped after step " + std::to_string(worker().step().value) +
         " for what is on its way, and within " + to_text(deadline()) + " only " + std::to_string(delivered) + " of " +
         std::to_string(sent) + " frames have been delivered" + waits_text() +
         "; see whether the network loses frames, or raise network.deadline";
}

// All have stopped, and then only the coordinator speaks, when something comes for it. A count of what workers have
// got is older than the one of what was sent; where the two are equal nothing is on its way.
Task<void> Run::lead_drain(Round exchange) {
  const Seconds begin = local_.clock.now();
  for (;;) {
    std::uint64_t sent = 0;
    std::uint64_t delivered = 0;
    for (Rank rank{1}; rank.value < size_; ++rank.value) {
      const Frame frame = co_await take_report(exchange, rank, "word that it has come to where all stop");
      ByteReader in(frame.payload(), "report of worker " + std::to_string(rank.value));
      const DrainReport report = DrainReport::decode(in);
      if (exchange == kCheckpoints && report.step != worker().step()) in.fail("it is at another step's checkpoint");
      sent += report.sent;
      delivered += report.delivered;
    }
    sent += local_.sent;
    delivered += local_.delivered;
    const bool is_idle = exchange == kEnd || !coordinator_ || coordinator_->endpoint.mailbox().is_idle();
    if (sent == delivered && is_idle) break;
    // A frame that the network lost is never delivered.
    if (local_.clock.now() - begin > deadline()) throw PeerLost(drain_text(sent, delivered));
    co_await worker_seat_.endpoint.sleep(kRecount);
    tell_all(exchange, DrainVerdict::kCountAgain);
  }
  tell_all(exchange, DrainVerdict::kGoOn);
}

}  // namespace laconic::process
