// A process that is killed while it saves leaves a checkpoint that is whole: at moments of time, and between any two of
// its calls of the system, one after the other.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <filesystem>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "runtimes/node/checkpoint_test_support.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

constexpr int kNotAllowed = 9;
constexpr std::size_t kMaxCalls = 10'000;

// The newest checkpoint as a run that starts now finds it: nothing damaged on the way, all as it was saved.
std::optional<Step> newest_whole(const std::string& folder) {
  const CheckpointStore store(example_options(folder));
  const std::optional<FoundCheckpoint> found = store.newest();
  if (!found) return std::nullopt;
  EXPECT_TRUE(found->passed_over.empty()) << found->passed_over.front();
  EXPECT_TRUE(holds_example(store, found->manifest)) << "step " << found->manifest.step.value;
  return found->manifest.step;
}

// Saves from the step behind the newest on, for ever, and reports each checkpoint that is complete.
[[noreturn]] void save_until_killed(const std::string& folder, int reports) {
  try {
    CheckpointStore store(example_options(folder));
    for (Step step = store.newest().value().manifest.step;;) {
      ++step.value;
      save_example(store, step);
      if (write(reports, &step.value, sizeof step.value) != sizeof step.value) _exit(1);
    }
  } catch (...) {
    _exit(1);
  }
}

TEST(CheckpointCrash, AKillAtAnyMomentLeavesTheNewestCompleteCheckpointWhole) {
  const TemporaryFolder scratch;
  const std::string folder = scratch.path("run.checkpoint");
  {
    CheckpointStore store(example_options(folder));
    save_example(store, Step{1});
  }
  constexpr std::array<int, 10> kDelaysUs = {100, 300, 700, 1'100, 1'900, 3'100, 5'300, 9'700, 21'000, 47'000};
  constexpr int kRepeats = 12;
  std::uint64_t complete = 1;
  for (int i = 0; i < kRepeats * static_cast<int>(kDelaysUs.size()); ++i) {
    std::array<int, 2> reports{};
    ASSERT_EQ(pipe(reports.data()), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) save_until_killed(folder, reports[1]);
    close(reports[1]);
    std::this_thread::sleep_for(std::chrono::microseconds(kDelaysUs[static_cast<std::size_t>(i) % kDelaysUs.size()]));
    ASSERT_EQ(kill(child, SIGKILL), 0);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << "it could not save";
    for (std::uint64_t step = 0; read(reports[0], &step, sizeof step) == sizeof step;) complete = step;
    close(reports[0]);

    const std::optional<Step> newest = newest_whole(folder);
    ASSERT_TRUE(newest);
    ASSERT_GE(newest->value, complete);
    ASSERT_LE(newest->value, complete + 1) << "killed between completing and reporting, at most";
    complete = newest->value;
  }
  EXPECT_GT(complete, 1U) << "no process came to save anything";
}

// A child that does something with its store and stops before each of its calls of the system.
class TracedChild {
 public:
  TracedChild(const std::string& folder, const std::function<void(CheckpointStore&)>& action) : id_(fork()) {
    if (id_ != 0) {
      advance(0);
      if (!ended_) ptrace(PTRACE_SETOPTIONS, id_, nullptr, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
      return;
    }
    try {
      CheckpointStoreOptions options = example_options(folder);
      options.keep = 1;  // so that the former one goes away before our eyes
      CheckpointStore store(options);
      if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(kNotAllowed);
      raise(SIGSTOP);
      action(store);
    } catch (...) {
      _exit(1);
    }
    _exit(0);
  }
  ~TracedChild() { end(); }
  TracedChild(const TracedChild&) = delete;
  TracedChild& operator=(const TracedChild&) = delete;

  // Lets it go on to its next call, but for those of memory. The number of that, which has not been carried out; nothing
  // once the child has ended.
  std::optional<std::uint64_t> next_call() {
    while (!ended_) {
      ptrace(PTRACE_SYSCALL, id_, nullptr, nullptr);
      advance(0);
      __ptrace_syscall_info info{};
      if (ended_ || ptrace(PTRACE_GET_SYSCALL_INFO, id_, sizeof info, &info) <= 0) continue;
      if (info.op == PTRACE_SYSCALL_INFO_ENTRY && !is_of_memory(info.entry.nr)) return info.entry.nr;
    }
    return std::nullopt;
  }

  void end() {
    if (ended_) return;
    kill(id_, SIGKILL);
    while (!ended_) advance(__WALL);
  }

  bool ended() const { return ended_; }
  // Once it has ended: by itself.
  int exit_code() const { return WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }

 private:
  // These leave no trace in files, and two children that do the same need not have as many, with a sanitizer least.
  static bool is_of_memory(std::uint64_t call) {
    constexpr std::array<std::uint64_t, 8> kCalls = {SYS_mmap, SYS_munmap,  SYS_mremap,      SYS_mprotect,
                                                     SYS_brk,  SYS_madvise, SYS_sched_yield, SYS_futex};
    return std::find(kCalls.begin(), kCalls.end(), call) != kCalls.end();
  }

  void advance(int options) {
    if (waitpid(id_, &status_, options) != id_ || WIFEXITED(status_) || WIFSIGNALED(status_)) ended_ = true;
  }

  pid_t id_;
  int status_ = 0;
  bool ended_ = false;
};

TEST(CheckpointCrash, AnEndBetweenAnyTwoCallsOfTheSystemLeavesTheNewOrTheFormerCheckpointWhole) {
  const TemporaryFolder scratch;
  const std::string former = scratch.path("former");
  {
    CheckpointStore store(example_options(former));
    save_example(store, Step{1});
  }
  const auto save_second = [](CheckpointStore& store) { save_example(store, Step{2}); };
  std::size_t with_former = 0;
  std::size_t with_new = 0;
  for (std::size_t calls = 1; calls < kMaxCalls; ++calls) {
    const std::string folder = scratch.path("run.checkpoint");
    fs::remove_all(folder);
    fs::copy(former, folder, fs::copy_options::recursive);
    TracedChild child(folder, save_second);
    for (std::size_t call = 0; call < calls && child.next_call();) ++call;
    const bool saved_all = child.ended();
    if (saved_all && child.exit_code() == kNotAllowed) GTEST_SKIP() << "this system lets nobody trace its children";
    ASSERT_TRUE(!saved_all || child.exit_code() == 0) << "it could not save";
    child.end();

    const std::optional<Step> newest = newest_whole(folder);
    ASSERT_TRUE(newest) << "ended before call " << calls;
    ASSERT_TRUE(*newest == Step{1} || *newest == Step{2}) << newest->value;
    ASSERT_FALSE(*newest == Step{1} && with_new > 0) << "ended before call " << calls << ", it lost what was complete";
    ++(*newest == Step{1} ? with_former : with_new);

    // A run that goes on from there saves the same step again, over what was left.
    CheckpointStore store(example_options(folder));
    store.remove_newer(*newest);
    save_example(store, Step{2});
    ASSERT_EQ(store.newest().value().manifest.step, Step{2});
    if (saved_all) break;
  }
  EXPECT_GT(with_former, 10U);
  EXPECT_GT(with_new, 3U) << "the former one is removed after the new one is complete, by several calls";
}

TEST(CheckpointCrash, AnEndBetweenAnyTwoCallsWhileCheckpointsAreRemovedLeavesNoneOfThemHalf) {
  const TemporaryFolder scratch;
  const std::string former = scratch.path("former");
  {
    CheckpointStoreOptions options = example_options(former);
    options.keep = 3;
    CheckpointStore store(options);
    for (const std::uint64_t step : {1, 2, 3}) save_example(store, Step{step});
  }
  std::set<std::uint64_t> found;
  bool removed_all = false;
  for (std::size_t calls = 1; calls < kMaxCalls && !removed_all; ++calls) {
    const std::string folder = scratch.path("run.checkpoint");
    fs::remove_all(folder);
    fs::copy(former, folder, fs::copy_options::recursive);
    TracedChild child(folder, [](CheckpointStore& store) { store.remove_newer(Step{1}); });
    for (std::size_t call = 0; call < calls && child.next_call();) ++call;
    removed_all = child.ended();
    if (removed_all && child.exit_code() == kNotAllowed) GTEST_SKIP() << "this system lets nobody trace its children";
    child.end();
    const std::optional<Step> newest = newest_whole(folder);
    ASSERT_TRUE(newest) << "ended before call " << calls;
    found.insert(newest->value);
  }
  EXPECT_EQ(found, (std::set<std::uint64_t>{1, 2, 3}));
}

TEST(CheckpointCrash, BytesAreOnDiskBeforeTheirNameAndAllNamesBeforeTheManifests) {
  const TemporaryFolder scratch;
  const std::string folder = scratch.path("run.checkpoint");
  TracedChild child(folder, [](CheckpointStore& store) { save_example(store, Step{1}); });
  const std::set<std::uint64_t> renames = {
#ifdef SYS_rename
      SYS_rename,
#endif
#ifdef SYS_renameat
      SYS_renameat,
#endif
      SYS_renameat2};
  bool written = false;
  bool renamed = false;
  int files = 0;
  while (const std::optional<std::uint64_t> call = child.next_call()) {
    if (*call == SYS_write) written = true;
    if (*call == SYS_fsync) written = renamed = false;
    if (!renames.contains(*call)) continue;
    ++files;
    EXPECT_FALSE(written) << "file " << files << " gets its name before its bytes are on disk";
    EXPECT_FALSE(renamed) << "file " << files << " gets its name before the former's is on disk";
    renamed = true;
  }
  if (child.exit_code() == kNotAllowed) GTEST_SKIP() << "this system lets nobody trace its children";
  EXPECT_EQ(child.exit_code(), 0);
  EXPECT_FALSE(renamed) << "the manifest's name is not on disk";
  EXPECT_EQ(files, 4) << "two states, the job and the manifest";
}

}  // namespace
}  // namespace laconic
