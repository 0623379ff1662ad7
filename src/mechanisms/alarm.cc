#include "mechanisms/alarm.h"

#include <algorithm>
#include <optional>
#include <string>

#include "base/byte_stream.h"
#include "base/error.h"

namespace laconic {
namespace {

constexpr Round kAnyRound{0};  // the number is in the payload

// Whether it is for exchange `number` and not for one that is over.
bool is_for(const Comm& comm, const Arrival& arrival, std::uint64_t number) {
  const std::string what = "alarm of " + comm.name(arrival.from);
  ByteReader in(arrival.frame.payload(), what);
  const std::uint64_t wanted = in.varint();
  in.expect_end();
  if (wanted > number) {
    in.fail("it is for exchange " + std::to_string(wanted) + ", and " + comm.name(comm.self()) +
            " has not taken part in exchange " + std::to_string(number));
  }
  return wanted == number;
}

}  // namespace

void raise_alarm(Comm& comm, std::uint64_t number) {
  ByteWriter out;
  out.varint(number);
  const Frame frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, kAnyRound}, out.bytes());
  for (Rank rank{0}; rank.value < comm.world_size(); ++rank.value) {
    if (rank != comm.self()) comm.send(rank, frame);
  }
}

Task<bool> alarm_raised(Comm& comm, std::uint64_t number) {
  bool raised = false;
  while (const std::optional<Arrival> arrival = co_await comm.poll(Tag::kBroadcast, kAnyRound)) {
    raised = is_for(comm, *arrival, number) || raised;
  }
  co_return raised;
}

Task<void> await_alarm(Comm& comm, std::uint64_t number) {
  const Seconds since = comm.now();
  const Seconds deadline = comm.options().deadline;
  const Pattern pattern{.from = std::nullopt, .tags = Tag::kBroadcast, .round = kAnyRound};
  for (;;) {
    const Seconds left{std::max(0.0, (since - comm.now()).value + deadline.value)};
    const std::optional<Arrival> arrival = co_await comm.transport().receive(pattern, left);
    if (!arrival) {
      throw PeerLost(comm.name(comm.self()) + " has done its steps up to a checkpoint or the end, and got no alarm " +
                     "(exchange " + std::to_string(number) + ") from any other worker within " + to_text(deadline) +
                     ", waiting since " + moment_text(since) +
                     "; see whether the others still run, or raise network.deadline above the time by which the "
                     "slowest of them is behind");
    }
    if (is_for(comm, *arrival, number)) co_return;
  }
}

std::uint64_t alarm_payload(int world_size) { return static_cast<std::uint64_t>(world_size) - 1; }

}  // namespace laconic
