// Who is there: signs of life, what others say of an end, and what this process says of its own.
#include <algorithm>
#include <limits>
#include <utility>

#include "base/error.h"
#include "runtimes/node/waiting.h"
#include "runtimes/process/run.h"

namespace laconic::process {
namespace {

// Signs of life in a deadline, each way.
constexpr double kBeats = 8.0;
// The part of a deadline after which silence is a loss: a stall that begins right after a sign of life is then noticed
// within the deadline.
constexpr double kSilence = 0.9;
// How long a process that was asked to end listens for the others, which the launcher asks at the same time.
constexpr Seconds kListening{0.25};
// How long the news of an end may take to leave.
constexpr Seconds kFarewell{0.3};

}  // namespace

void Run::keep_alive() {
  const Seconds now = clock_.now();
  if (now >= next_beat_) {
    link_.beat();
    next_beat_ = now + of_deadline(1.0 / kBeats);
  }
  if (asked_ || error_) return;
  const int last = leads() ? size_ - 1 : 0;
  for (int process = leads() ? 1 : 0; process <= last; ++process) {
    const Seconds since = std::max(link_.last_heard(process), heard_since_);
    if (now - since <= of_deadline(kSilence)) continue;
    lost_ = process;
    fail(std::make_exception_ptr(PeerLost(name() + " has heard nothing of worker " + std::to_string(process) + " for " +
                                          to_text(now - since) + waits_text() +
                                          "; see whether that process still runs, or raise network.deadline (" +
                                          to_text(deadline()) + ")")));
    return;
  }
}

// When the silence of some process becomes a loss unless it is heard of before.
Seconds Run::silence_ends() const {
  Seconds first{std::numeric_limits<double>::infinity()};
  if (asked_ || error_) return first;
  const int last = leads() ? size_ - 1 : 0;
  for (int process = leads() ? 1 : 0; process <= last; ++process) {
    first = std::min(first, std::max(link_.last_heard(process), heard_since_) + of_deadline(kSilence));
  }
  return first;
}

// "; worker 3 waits for the result of a reduction (round 17) from the coordinator since second 12.3 of the run"
std::string Run::waits_text() const {
  std::string text;
  for (const std::string& line : local_.waits.describe(false)) text += "; " + line;
  return text;
}

void Run::hear_end(int process, const EndNotice& notice) {
  ends_[static_cast<std::size_t>(process)] = true;
  const std::string told = "worker " + std::to_string(process) + ": " + notice.text;
  switch (notice.kind) {
    case EndNotice::Kind::kStop:
      stopped_ = true;
      return;
    case EndNotice::Kind::kAsked:
      if (!asked_) be_asked();
      return;
    case EndNotice::Kind::kLost:
      told_ = true;
      fail(std::make_exception_ptr(PeerLost("the run is over, as told by " + told + waits_text())));
      return;
    case EndNotice::Kind::kFailed:
      told_ = true;
      fail(std::make_exception_ptr(RunError("the run is over, as told by " + told)));
      return;
  }
}

void Run::hear_failure(int process, const std::string& problem) {
  if (asked_) return;
  // The launcher asks us to end in a moment; who else is there will tell by then.
  lost_ = process;
  lost_problem_ = problem;
  be_asked();
}

// By the user, who wants an end, or by the launcher, which asks all that are left when one of them has died. Who is
// left says so to the others.
void Run::be_asked() {
  look_around();
  supervisor_.give_up();
  asked_ = clock_.now();
  waits_when_asked_ = waits_text();
  told_ = true;
  link_.broadcast_end(EndNotice{.kind = EndNotice::Kind::kAsked, .text = "asked to end"}.encode());
}

// Whether it was asked to end, and what others have to say to that should be there.
bool Run::has_listened() const { return asked_ && clock_.now() > listening_ends(); }

Seconds Run::listening_ends() const { return *asked_ + kListening; }

// Those of whom nothing was heard after this process was asked to end.
std::string Run::silent() const {
  std::string text;
  for (int process = 0; process < size_; ++process) {
    if (process == rank_ || ends_[static_cast<std::size_t>(process)]) continue;
    text += (text.empty() ? "worker " : ", worker ") + std::to_string(process);
  }
  return text;
}

// Who is gone when this process is first asked to end; a moment later all are on their way out. Any thread.
void Run::look_around() {
  const std::lock_guard lock(gone_mutex_);
  if (!gone_) gone_ = peers_.gone();
}

// "; worker 2 is lost: ...", or empty. `silent`: the ones that did not speak.
std::string Run::lost_text(const std::string& silent) const {
  const std::lock_guard lock(gone_mutex_);
  if (const std::string gone = gone_.value_or(peers_.gone()); !gone.empty())
    return "; lost: " + gone + ", no longer there";
  if (lost_) return "; lost: worker " + std::to_string(*lost_) + " (" + lost_problem_ + ")";
  return silent.empty() ? std::string() : "; lost: " + silent + ", of which nothing is heard any more";
}

Outcome::End Run::end_of_run() {
  if (asked_ && !error_) {
    const std::string lost = lost_text(silent());
    if (lost.empty()) return Outcome::End::kInterrupted;
    fail(std::make_exception_ptr(PeerLost(name() + " was asked to end" + lost + waits_when_asked_)));
  }
  if (error_) return Outcome::End::kFailed;
  if (!stopped_) return Outcome::End::kSteps;
  return evaluation_.is_out_of_patience() ? Outcome::End::kPatience : Outcome::End::kUntil;
}

void Run::tell_end() {
  told_ = true;
  EndNotice notice;
  try {
    std::rethrow_exception(error_);
  } catch (const PeerLost& error) {
    notice = {.kind = EndNotice::Kind::kLost, .text = error.what()};
  } catch (const std::exception& error) {
    notice = {.kind = EndNotice::Kind::kFailed, .text = error.what()};
  }
  link_.broadcast_end(notice.encode());
  flush(kFarewell);
}

// Lets what was said last leave.
void Run::flush(Seconds limit) {
  node::LinkHandlers ignore = handlers_;
  ignore.end = [](int, const std::string&) {};
  ignore.failed = [](int, const std::string&) {};
  ignore.frame = [this](Rank from, Rank to, Frame frame) {
    if (Meeting::is_word(frame)) meeting_.keep({.from = from, .to = to, .frame = std::move(frame)});
  };
  node::flush(link_, clock_, limit, ignore);
}

}  // namespace laconic::process
