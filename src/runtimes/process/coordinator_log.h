// What the coordinator keeps across its own death: views, synchronisations, and what only it has. Killed at any write
// and started again, it goes on in the state before or after what it was writing.
//
//   coordinator   the log; coordinator_log_format.h has its bytes
//   state-I-N     the N-th state that the coordinator's incarnation I has stored; one that the log does not name is
//                 left over
//
// The coordinator tells nobody of a view or of a synchronisation before its call has returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "runtimes/node/storage.h"
#include "runtimes/process/coordinator_log_format.h"

namespace laconic::process {

inline constexpr const char* kCoordinatorLog = "coordinator";

// One thread at a time. Every write throws RunError when storage does; what the log says here is then as before, and on
// disk it is that or what was written, as a whole. The caller may write again, the same or something else. Another
// exception out of a write ends the log's use.
class CoordinatorLog {
 public:
  // Reads the log that the coordinator of `job` (its fingerprint) left in `storage`, or begins one, and adds that it was
  // started, which is durable when this returns. A tail that a death has torn is gone then, and so are state files that
  // the log does not name. `storage` outlives the log, and nobody else writes there.
  //
  // Throws UsageError for a log of another job or version; DecodeError for one that is damaged, or whose state file is
  // missing or damaged; both with place and remedy, and nothing has been written. RunError when storage cannot write.
  CoordinatorLog(node::Storage& storage, std::uint64_t job);
  CoordinatorLog(const CoordinatorLog&) = delete;
  CoordinatorLog& operator=(const CoordinatorLog&) = delete;

  // What the log says now. `incarnation` is that of this start: above those of all starts before.
  const LogContents& contents() const { return contents_; }
  // The state stored with the synchronisation that was found, once: it may be large. Empty where there is none.
  std::vector<std::byte> take_state() { return std::move(state_); }

  // Adds a view; durable when this returns. It follows the last one as LogContents::objection_to() says.
  void append(LoggedView view);
  // Adds a synchronisation and the bytes that only the coordinator has; both are durable when this returns. `state` may
  // be empty: then nothing is stored. Sets `synchronisation.state` itself. The former state's file goes away once it is
  // not needed any more.
  void append(Synchronisation synchronisation, std::span<const std::byte> state);
  // Begins the next epoch, for a run that resumes from a checkpoint: no view and no synchronisation, so that their
  // numbers may begin anew. Durable when this returns.
  void begin_epoch();

 private:
  template <typename Entry>
  void add(std::optional<Entry>& last, Entry next, std::span<const std::byte> record);
  void rewrite(std::span<const std::byte> bytes);
  void remove_needless_states();

  node::Storage& storage_;
  LogContents contents_;
  std::vector<std::byte> state_;
  std::vector<std::string> state_files_;  // those that may be there
  std::uint64_t states_written_ = 0;
  std::uint64_t size_ = 0;        // bytes of the log
  std::uint64_t short_size_ = 0;  // those it had when it was last written as a whole
  bool is_end_known_ = true;      // no write has failed since then
};

}  // namespace laconic::process
