// Alarms: how workers that nothing keeps in lock step come together for an exchange, number 0, 1, 2, ... of the run.
//
// A worker that wants exchange n alarms all others and begins it; they take part after the step that they are in. Who
// begins an exchange waits until all have, so that an alarm is for the receiver's next exchange, or for one that it has
// taken part in: several workers may raise the same. No bytes go while nobody wants one.
//
//   alarm := varint n        Tag::kBroadcast, Traffic::kControl, round 0; to every other worker
#pragma once

#include <cstdint>

#include "comm/comm.h"

namespace laconic {

// Sends the alarm for exchange `number` to the other workers.
void raise_alarm(Comm& comm, std::uint64_t number);

// Whether an alarm for exchange `number`, this worker's next one, has come. Throws DecodeError for one further ahead.
Task<bool> alarm_raised(Comm& comm, std::uint64_t number);

// Waits for it. Throws PeerLost when none comes within the deadline.
Task<void> await_alarm(Comm& comm, std::uint64_t number);

// Payload bytes of the first alarms: to K - 1 workers.
std::uint64_t alarm_payload(int world_size);

}  // namespace laconic
