// What processes have to agree upon before a run: each says one thing, and all hear all of it.
#pragma once

#include <cstddef>
#include <deque>
#include <exception>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/units.h"
#include "runtimes/node/clock.h"
#include "runtimes/node/link.h"
#include "runtimes/process/node.h"

namespace laconic::process {

class Meeting {
 public:
  struct Options {
    Seconds deadline;                   // how long any process may keep the others waiting
    std::function<bool()> interrupted;  // asked again and again; may be empty
  };
  // `link` and `clock` outlive it.
  Meeting(node::Link& link, Clock& clock, Options options) : link_(link), clock_(clock), options_(std::move(options)) {}

  void set_deadline(Seconds deadline) { options_.deadline = deadline; }

  // What every process says, at most 1 MiB each, in the order of ranks. All processes call it equally often. Throws
  // what another one objected, PeerLost that names who is late, Interrupted.
  std::vector<std::string> share(std::string_view own);
  // What process 0 says, however long, in as many meetings as it takes; what the others say is not heard.
  std::vector<std::byte> hear_leader(std::span<const std::byte> own);
  // Says in the place of what share() would that this process cannot go on, and why. Every process, this one too, then
  // throws the same: UsageError where all that was objected is one, else RunError. After that nobody meets again.
  [[noreturn]] void object(const std::exception_ptr& error);

  // Whether what was thrown is known to all processes.
  bool has_objection() const { return has_objection_; }
  // Whether nobody has objected yet, and nobody is lost.
  bool can_object() const { return !has_objection_ && !is_over_; }

  // Does `part` and learns that all others have done theirs.
  template <typename Part>
  auto together(Part&& part) {
    const auto result = guarded([&] { return part(); });
    share("");
    return result;
  }
  // The same without the wait for others: an error is everybody's.
  template <typename Part>
  auto guarded(Part&& part) {
    try {
      return part();
    } catch (const std::exception&) {
      if (!can_object()) throw;
      object(std::current_exception());
    }
  }

  // Whether a frame belongs to a meeting, and not to a run.
  static bool is_word(const Frame& frame);
  // One of the next meeting, which came while a run went on: from a process that has come to the run's end before.
  void keep(Local::Parcel word) { arrived_.push_back(std::move(word)); }
  // Frames of the run that others began before this one did.
  std::deque<Local::Parcel> take_early() { return std::exchange(early_, {}); }

 private:
  struct Word {
    bool objects = false;
    bool is_usage = false;  // of an objection
    std::string text;
  };
  std::vector<Word> exchange(const Word& own);
  std::vector<Word> meet(const Word& own);
  [[noreturn]] void fail(const std::vector<Word>& words);
  // progress() until `done`, or throws.
  void wait(const std::function<bool()>& done, Seconds patience, const std::function<std::string()>& whom);
  node::LinkHandlers handlers();

  node::Link& link_;
  Clock& clock_;
  Options options_;
  std::deque<Local::Parcel> arrived_;  // words of meetings
  std::deque<Local::Parcel> early_;
  bool has_objection_ = false;
  bool is_over_ = false;  // somebody is lost
};

}  // namespace laconic::process
