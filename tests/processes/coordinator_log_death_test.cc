// The coordinator's log on a disk whose process dies at each of its writes in turn: what the next coordinator finds is
// the state before or after what was interrupted, and going on from there leads to the undisturbed end.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "runtimes/process/coordinator_log.h"
#include "runtimes/sim/memory_disk.h"

namespace laconic {
namespace {

using process::CoordinatorLog;
using process::LoggedView;
using process::Synchronisation;
using sim::DiskFaults;
using sim::MemoryDisk;
using sim::ProcessDeath;
using Bytes = std::vector<std::byte>;

constexpr std::uint64_t kJob = 42;
constexpr std::uint64_t kSeeds = 12;

struct Stored {
  Synchronisation synchronisation;
  Bytes state;
};
using Operation = std::variant<LoggedView, Stored>;
using Script = std::vector<Operation>;

Bytes state_of(std::uint64_t number, std::size_t size) {
  RandomStream stream(number, "state");
  Bytes bytes(size);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(stream.below(256));
  return bytes;
}

// Views and synchronisations by turns, some of these without a state; `slots` decides how long an entry is.
Script script_of(std::size_t operations, std::size_t slots) {
  Script script;
  LoggedView view{.number = 0, .present = {}, .incarnations = std::vector<std::uint64_t>(slots, 1)};
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < operations; ++i) {
    if (i % 3 == 0) {
      ++view.number;
      view.incarnations[i % slots] += 1;
      view.present.clear();
      for (std::size_t slot = i % 2; slot < slots; slot += 2) {
        view.present.push_back(Rank{static_cast<std::int32_t>(slot)});
      }
      script.emplace_back(view);
    } else {
      ++number;
      const std::size_t size = i % 5 == 1 ? 0 : 100 * (1 + i % 4);
      script.emplace_back(Stored{.synchronisation = {.number = number,
                                                     .view = view.number,
                                                     .step = {10 * number},
                                                     .round = {2 * number},
                                                     .model = static_cast<std::uint32_t>(7 * number),
                                                     .state = {}},
                                 .state = state_of(number, size)});
    }
  }
  return script;
}

// What the first operations of a script come to; of a synchronisation all but the name of its file.
struct State {
  std::optional<LoggedView> view;
  std::optional<Synchronisation> synchronisation;
  Bytes bytes;
  friend bool operator==(const State&, const State&) = default;
};

State state_behind(const Script& script, std::size_t operations) {
  State state;
  for (std::size_t i = 0; i < operations; ++i) {
    if (const auto* view = std::get_if<LoggedView>(&script[i])) {
      state.view = *view;
    } else {
      const auto& stored = std::get<Stored>(script[i]);
      state.synchronisation = stored.synchronisation;
      state.bytes = stored.state;
    }
  }
  return state;
}

State state_found(CoordinatorLog& log) {
  State state{
      .view = log.contents().view, .synchronisation = log.contents().synchronisation, .bytes = log.take_state()};
  if (state.synchronisation) state.synchronisation->state = {};
  return state;
}

void carry_out(CoordinatorLog& log, const Operation& operation) {
  if (const auto* view = std::get_if<LoggedView>(&operation)) {
    log.append(*view);
  } else {
    const auto& stored = std::get<Stored>(operation);
    log.append(stored.synchronisation, stored.state);
  }
}

// One coordinator after another on one disk.
class Coordinators {
 public:
  Coordinators(const Script& script, std::uint64_t seed) : script_(script), disk_(seed) {}

  MemoryDisk& disk() { return disk_; }

  // A coordinator starts, checks what it finds, and carries out what is left of the script. Returns whether it came to
  // the end; else it has died.
  bool live() {
    try {
      CoordinatorLog log(disk_, kJob);
      EXPECT_GT(log.contents().incarnation, incarnation_) << "an incarnation is given once";
      incarnation_ = log.contents().incarnation;
      const State found = state_found(log);
      const bool is_after = was_interrupted_ && done_ < script_.size() && found == state_behind(script_, done_ + 1);
      EXPECT_TRUE(is_after || found == state_behind(script_, done_)) << "behind " << done_ << " operations";
      if (is_after) ++done_;
      was_interrupted_ = false;
      while (done_ < script_.size()) {
        was_interrupted_ = true;
        carry_out(log, script_[done_]);
        was_interrupted_ = false;
        ++done_;
      }
      return true;
    } catch (const ProcessDeath&) {
      disk_.restart();
      return false;
    }
  }

  // A coordinator that nothing disturbs finds the end of the script, and no file more than it needs.
  void expect_end() {
    disk_.set_faults({});
    EXPECT_TRUE(live());
    CoordinatorLog log(disk_, kJob);
    EXPECT_EQ(state_found(log), state_behind(script_, script_.size()));
    std::vector<std::string> files = {process::kCoordinatorLog};
    const auto& last = log.contents().synchronisation;
    if (last && !last->state.name.empty()) files.push_back(last->state.name);
    EXPECT_EQ(disk_.list(), files);
  }

 private:
  const Script& script_;
  MemoryDisk disk_;
  std::size_t done_ = 0;
  std::uint64_t incarnation_ = 0;
  bool was_interrupted_ = false;  // by a death, in the operation `done_`
};

// Kills at each write in turn, and goes on. Returns how many writes there are.
std::uint64_t kill_at_each_write(const Script& script, std::uint64_t seed) {
  for (std::uint64_t write = 1;; ++write) {
    SCOPED_TRACE("seed " + std::to_string(seed) + ", killed at write " + std::to_string(write));
    Coordinators coordinators(script, seed);
    coordinators.disk().set_faults({.die_at = write});
    const bool was_undisturbed = coordinators.live();
    coordinators.expect_end();
    if (was_undisturbed || testing::Test::HasFailure()) return write - 1;
  }
}

TEST(CoordinatorLogDeaths, KilledAtEachWriteItIsFoundBeforeOrAfterTheOperationAndComesToTheSameEnd) {
  const Script script = script_of(13, 5);
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const std::uint64_t writes = kill_at_each_write(script, seed);
    if (HasFailure()) return;
    // Its start; an append and a sync each; a state each and its removal, but for the last one and those that are empty.
    EXPECT_GT(writes, 1U + 2 * script.size() + 8) << "every kind of write was there";
  }
}

TEST(CoordinatorLogDeaths, AnEntryOfManySectorsIsWholeOrNotThere) {
  const Script script = script_of(7, 1'500);
  for (std::uint64_t seed = 0; seed < 3 * kSeeds; ++seed) {
    kill_at_each_write(script, seed);
    if (HasFailure()) return;
  }
}

TEST(CoordinatorLogDeaths, KilledAtEachWriteWhileItIsWrittenAnewItLosesNothing) {
  // Each view takes a fifth of what a log may have before it is written as a whole.
  const Script script = script_of(24, 12'000);
  {
    MemoryDisk disk(1);
    CoordinatorLog log(disk, kJob);
    std::size_t last = 0;
    std::uint64_t times_shorter = 0;
    for (const Operation& operation : script) {
      carry_out(log, operation);
      const std::size_t size = disk.read(process::kCoordinatorLog, std::uint64_t{1} << 30)->size();
      times_shorter += size < last ? 1 : 0;
      last = size;
    }
    ASSERT_GE(times_shorter, 1U) << "the script is long enough";
  }
  for (std::uint64_t seed = 0; seed < 3; ++seed) {
    kill_at_each_write(script, seed);
    if (HasFailure()) return;
  }
}

TEST(CoordinatorLogDeaths, KilledAgainAndAgainItComesToTheSameEnd) {
  const Script script = script_of(30, 40);
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Coordinators coordinators(script, seed);
    RandomStream lives(seed, "lives");
    for (int life = 0; life < 1'000; ++life) {
      coordinators.disk().set_faults({.die_at = coordinators.disk().writes() + 1 + lives.below(12)});
      if (coordinators.live()) break;
    }
    coordinators.expect_end();
    if (HasFailure()) return;
  }
}

TEST(CoordinatorLogDeaths, ALogStaysShortHoweverManyEntriesItGets) {
  MemoryDisk disk(1);
  CoordinatorLog log(disk, kJob);
  LoggedView view{.number = 0, .present = {Rank{0}}, .incarnations = {1, 1, 1}};
  std::size_t longest = 0;
  std::uint64_t written_anew = 0;
  for (std::size_t last = 0; view.number < 10'000;) {
    ++view.number;
    log.append(view);
    const std::size_t size = disk.read(process::kCoordinatorLog, std::uint64_t{1} << 20)->size();
    written_anew += size < last ? 1 : 0;
    longest = std::max(longest, size);
    last = size;
  }
  EXPECT_LE(longest, std::size_t{64} << 10);
  EXPECT_GE(written_anew, 1U);
  EXPECT_LE(written_anew, 4U) << "an entry is an append, and seldom a whole log";
}

TEST(CoordinatorLogDeaths, AnEpochThatBeginsIsThereOrNot) {
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const Script script = script_of(5, 3);
    for (const std::uint64_t write : {1, 2}) {
      MemoryDisk disk(seed);
      {
        CoordinatorLog log(disk, kJob);
        for (const Operation& operation : script) carry_out(log, operation);
        disk.set_faults({.die_at = disk.writes() + write});
        EXPECT_THROW(log.begin_epoch(), ProcessDeath) << "it replaces the log and removes a state";
      }
      disk.restart();
      CoordinatorLog log(disk, kJob);
      const std::uint64_t epoch = log.contents().epoch;
      EXPECT_TRUE(epoch == 2 || (epoch == 1 && write == 1)) << epoch;
      EXPECT_EQ(state_found(log), epoch == 1 ? state_behind(script, script.size()) : State{});
    }
  }
}

TEST(CoordinatorLogDeaths, AFullDiskIsSaidAndTheLogGoesOnOnceThereIsSpace) {
  const Script script = script_of(13, 5);
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    for (std::uint64_t write = 2;; ++write) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", full from write " + std::to_string(write));
      MemoryDisk disk(seed);
      CoordinatorLog log(disk, kJob);
      disk.set_faults({.full_from = write});
      bool was_full = false;
      for (std::size_t done = 0; done < script.size(); ++done) {
        try {
          carry_out(log, script[done]);
        } catch (const RunError& error) {
          was_full = true;
          EXPECT_NE(std::string(error.what()).find("free space there"), std::string::npos) << error.what();
          const State before = state_behind(script, done);
          EXPECT_EQ(log.contents().view, before.view);
          EXPECT_EQ(log.contents().synchronisation.has_value(), before.synchronisation.has_value());
          // Some die before there is space; the next one finds the state before or after.
          if (seed % 2 == 0) {
            disk.set_faults({});
            disk.die();
            disk.restart();
            CoordinatorLog next(disk, kJob);
            const State found = state_found(next);
            EXPECT_TRUE(found == before || found == state_behind(script, done + 1));
            break;
          }
          EXPECT_THROW(carry_out(log, script[done]), RunError) << "it is still full";
          disk.set_faults({});
          carry_out(log, script[done]);
        }
      }
      if (HasFailure()) return;
      if (!was_full) break;
      if (seed % 2 == 0) continue;
      disk.die();
      disk.restart();
      CoordinatorLog next(disk, kJob);
      ASSERT_EQ(state_found(next), state_behind(script, script.size()));
    }
  }
}

TEST(CoordinatorLogDeaths, AnotherStateForASynchronisationThatFailedNeverMixesWithTheFirst) {
  Synchronisation synchronisation{.number = 1, .view = 1, .step = {1}, .round = {1}, .model = 1, .state = {}};
  const Script script = script_of(1, 3);
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    for (const std::uint64_t again : {1, 2, 3}) {
      MemoryDisk disk(seed);
      {
        CoordinatorLog log(disk, kJob);
        carry_out(log, script[0]);
        disk.set_faults({.full_from = disk.writes() + 3});  // the state is stored, the entry appended and not synced
        EXPECT_THROW(log.append(synchronisation, state_of(1, 600)), RunError);
        disk.set_faults({.die_at = disk.writes() + again});
        try {
          log.append(synchronisation, state_of(2, 500));
        } catch (const ProcessDeath&) {
        }
      }
      disk.set_faults({});
      disk.restart();
      CoordinatorLog log(disk, kJob);
      const State found = state_found(log);
      EXPECT_TRUE(found.bytes == state_of(1, 600) || found.bytes == state_of(2, 500) || !found.synchronisation);
    }
  }
}

TEST(CoordinatorLogDeaths, ADamagedByteOnTheDiskIsRefusedWhereverItIs) {
  const Script script = script_of(9, 5);
  MemoryDisk sound(1);
  {
    CoordinatorLog log(sound, kJob);
    for (const Operation& operation : script) carry_out(log, operation);
  }
  for (const std::string& name : sound.list()) {
    const std::size_t size = sound.read(name, std::uint64_t{1} << 20)->size();
    for (std::size_t at = 0; at < size; ++at) {
      MemoryDisk disk = sound;
      disk.damage(name, at, std::byte{0x10});
      const std::uint64_t before = disk.writes();
      try {
        CoordinatorLog log(disk, kJob);
        ADD_FAILURE() << "byte " << at << " of " << name;
      } catch (const DecodeError& refusal) {
        EXPECT_TRUE(std::string(refusal.what()).starts_with(disk.path(name))) << refusal.what();
      }
      EXPECT_EQ(disk.writes(), before) << "nothing is written over what is damaged";
    }
  }
}

}  // namespace
}  // namespace laconic
