#include "mechanisms/asynchronous.h"

#include <optional>

#include "base/canary.h"

namespace laconic {
namespace {

constexpr std::byte kAllRest{5};
constexpr std::byte kVoid{6};
constexpr std::byte kUnwanted{7};

bool says(std::byte word, const Frame& frame) {
  const std::span<const std::byte> payload = frame.payload();
  return frame.header().traffic == Traffic::kControl && payload.size() == 1 && payload.front() == word;
}

Frame frame_of(const std::byte& word) {
  return {FrameHeader{Traffic::kControl, Tag::kBroadcast, kAnyRound}, std::span(&word, 1)};
}

}  // namespace

Task<void> AsynchronousWorker::take_in(Comm& comm, const Frame& frame, const Ways& ways) {
  ++taken_in_;
  if (comm.is_member() && (says(kVoid, frame) || says(kUnwanted, frame))) {
    const bool is_meant = says(kUnwanted, frame) || sent_to_ != comm.coordinators();
    if (is_meant && ways.awaits_answer()) ways.forget();
    co_return;
  }
  co_await ways.take_in(frame);
}

Task<void> AsynchronousWorker::take_in_what_came(Comm& comm, const Ways& ways) {
  while (std::optional<Arrival> arrival = co_await comm.poll(Tag::kBroadcast, kAnyRound)) {
    co_await take_in(comm, arrival->frame, ways);
  }
}

Task<void> AsynchronousWorker::end_round(Worker& self, const Ways& ways) {
  if (self.step().value == steps_) {
    co_await leave(self.comm(), ways);
  } else if (!self.comm().is_member() && checkpoints_.due(self.step())) {
    co_await rest(self.comm(), ways);
  }
}

Task<void> AsynchronousWorker::rest(Comm& comm, const Ways& ways) {
  for (;;) {
    if (!ways.awaits_answer()) comm.send(comm.coordinator(), rest_frame(kAnyRound, taken_in_));
    const Frame frame = co_await receive_at_rest(comm, kAnyRound);
    if (says(kAllRest, frame)) break;
    co_await take_in(comm, frame, ways);
  }
  ++taken_in_;
}

Task<void> AsynchronousWorker::leave(Comm& comm, const Ways& ways) {
  while (ways.awaits_answer()) {
    Frame frame;
    if (comm.is_member()) {
      frame = co_await comm.receive_as_member(Tag::kBroadcast, kAnyRound);
    } else {
      frame = co_await comm.receive(comm.coordinator(), Tag::kBroadcast, kAnyRound);
    }
    co_await take_in(comm, frame, ways);
  }
  if (comm.is_member()) co_return;
  const FrameHeader header{Traffic::kControl, Tag::kGather, kAnyRound};
  comm.send(comm.coordinator(), Frame(header, std::span<const std::byte>()));
}

void AsynchronousWorkers::begin(Comm& comm) {
  const Attendance* const attendance = comm.attendance();
  if (attendance == nullptr || !attendance->was_restarted() || canary(Canary::kUntoldVoid)) return;
  // Not to one that is not there any more: a mean that it is in may not have come to it.
  for (const Rank worker : attendance->view().members) {
    if (attendance->is_there(worker)) comm.send(worker, frame_of(kVoid));
  }
}

void AsynchronousWorkers::refuse(Comm& comm, Rank worker) { comm.send(worker, frame_of(kUnwanted)); }

std::vector<Rank> AsynchronousWorkers::those_present() const {
  std::vector<Rank> result;
  for (Rank worker{0}; worker.value < static_cast<std::int32_t>(workers_); ++worker.value) {
    if (!has_left(worker)) result.push_back(worker);
  }
  return result;
}

bool AsynchronousWorkers::may_owe(const Comm& comm, Rank worker, const Frame& frame) {
  if (frame.payload().empty()) {
    left_.insert(worker.value);
  } else {
    resting_.said(comm, worker, frame);
  }
  return !has_left(worker) && !resting_.contains(worker);
}

void AsynchronousWorkers::tell_if_all_rest(Comm& comm) {
  if (present() == 0 || resting_.count() != present()) return;
  const Frame frame = frame_of(kAllRest);
  for (const Rank worker : those_present()) {
    comm.send(worker, frame);
    sent(worker);
  }
}

void AsynchronousWorkers::archive_left(Archive& archive, std::string_view name) {
  for (Rank worker{0}; worker.value < static_cast<std::int32_t>(workers_); ++worker.value) {
    bool left = has_left(worker);
    archive.value(name, left);
    if (left) left_.insert(worker.value);
  }
}

}  // namespace laconic
