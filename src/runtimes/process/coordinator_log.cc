#include "runtimes/process/coordinator_log.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "comm/crc32c.h"

namespace laconic::process {
namespace {

// The log is written as a whole when it would be longer than both: so it stays short beside what a job stores, and each
// byte is written twice at most.
constexpr std::uint64_t kLongLog = std::uint64_t{64} << 10;
constexpr std::uint64_t kLongLogRatio = 8;  // of its length to that of the shortest log that says the same
// No log is longer by this rule: a view and a synchronisation are no longer than kMaxLogBody each.
constexpr std::uint64_t kMaxLog = (kLongLogRatio + 1) * 3 * kMaxLogBody;

std::string remedy(const node::Storage& storage) {
  return "; put back a copy of it, or move " + storage.path() + " away and resume from a checkpoint";
}

LogContents read_log(const node::Storage& storage, std::span<const std::byte> bytes, std::uint64_t job) {
  const std::string path = storage.path(kCoordinatorLog);
  LogContents contents = LogContents::decode(bytes, path);
  if (contents.job != job) {
    throw UsageError(path + ": is of another job; give the job as it was, or another folder than " + storage.path());
  }
  return contents;
}

std::vector<std::byte> read_state(const node::Storage& storage, const StateFile& file) {
  if (file.name.empty()) return {};
  std::optional<std::vector<std::byte>> bytes = storage.read(file.name, file.size);
  const std::string path = storage.path(file.name);
  if (!bytes) throw DecodeError(path + ": is missing, and the last synchronisation needs it");
  if (bytes->size() != file.size) {
    throw DecodeError(path + ": has " + std::to_string(bytes->size()) + " bytes, " + std::to_string(file.size) +
                      " belong there");
  }
  if (crc32c(*bytes) != file.crc32c) throw DecodeError(path + ": damaged: its checksum is wrong");
  return *std::move(bytes);
}

}  // namespace

CoordinatorLog::CoordinatorLog(node::Storage& storage, std::uint64_t job) : storage_(storage) {
  contents_.job = job;
  state_files_ = storage_.list();
  std::erase_if(state_files_, [](const std::string& name) { return !is_state_file_name(name); });
  try {
    if (const auto bytes = storage_.read(kCoordinatorLog, kMaxLog)) {
      contents_ = read_log(storage_, *bytes, job);
      if (contents_.synchronisation) state_ = read_state(storage_, contents_.synchronisation->state);
    } else if (!state_files_.empty()) {
      // A log is there before any state.
      throw DecodeError(storage_.path(kCoordinatorLog) + ": is missing, and " + storage_.path(state_files_.front()) +
                        " is there");
    }
  } catch (const DecodeError& problem) {
    throw DecodeError(problem.what() + remedy(storage_));
  }
  ++contents_.incarnation;
  // As a whole, and not by one more entry: a torn tail goes away by the same write.
  rewrite(contents_.encode());
  remove_needless_states();
}

void CoordinatorLog::append(LoggedView view) {
  const std::string objection = contents_.objection_to(view);
  LACONIC_CHECK(objection.empty(), objection);
  const std::vector<std::byte> record = log_record(view);
  add(contents_.view, std::move(view), record);
}

void CoordinatorLog::append(Synchronisation synchronisation, std::span<const std::byte> state) {
  const std::string objection = contents_.objection_to(synchronisation);
  LACONIC_CHECK(objection.empty(), objection);
  LACONIC_CHECK(state.size() <= kMaxStateSize, "a state of " << state.size() << " bytes");
  synchronisation.state = {};
  if (!state.empty()) {
    const std::string name = state_file_name(contents_.incarnation, ++states_written_);
    synchronisation.state = {.name = name, .size = state.size(), .crc32c = crc32c(state)};
    state_files_.push_back(name);
    storage_.replace(name, state);
  }
  const std::vector<std::byte> record = log_record(synchronisation);
  add(contents_.synchronisation, std::move(synchronisation), record);
}

void CoordinatorLog::begin_epoch() {
  LogContents next;
  next.job = contents_.job;
  next.epoch = contents_.epoch + 1;
  next.incarnation = contents_.incarnation;
  const std::vector<std::byte> bytes = next.encode();
  rewrite(bytes);
  contents_ = std::move(next);
  remove_needless_states();
}

template <typename Entry>
void CoordinatorLog::add(std::optional<Entry>& last, Entry next, std::span<const std::byte> record) {
  std::optional<Entry> former = std::exchange(last, std::move(next));
  try {
    const bool is_long = size_ + record.size() > std::max(kLongLog, kLongLogRatio * short_size_);
    // Behind a write that has failed there may be half a record, and syncing it again would tell nothing.
    if (is_long || !is_end_known_) {
      rewrite(contents_.encode());
    } else {
      is_end_known_ = false;
      storage_.append(kCoordinatorLog, record);
      storage_.sync(kCoordinatorLog);
      is_end_known_ = true;
      size_ += record.size();
    }
  } catch (...) {
    last = std::move(former);
    throw;
  }
  remove_needless_states();
}

void CoordinatorLog::rewrite(std::span<const std::byte> bytes) {
  is_end_known_ = false;
  storage_.replace(kCoordinatorLog, bytes);
  is_end_known_ = true;
  size_ = bytes.size();
  short_size_ = bytes.size();
}

void CoordinatorLog::remove_needless_states() {
  std::erase_if(state_files_, [this](const std::string& name) {
    if (contents_.synchronisation && contents_.synchronisation->state.name == name) return false;
    try {
      storage_.remove(name);
      return true;
    } catch (const RunError&) {
      return false;  // needless, but no reason to say that what was written is not; the next write tries again
    }
  });
}

}  // namespace laconic::process
