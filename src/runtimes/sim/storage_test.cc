// What storage promises, on a disk and in memory; and what a seed does to the one in memory.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <string>

#include "base/error.h"
#include "base/scratch_folder.h"
#include "runtimes/node/disk_storage.h"
#include "runtimes/sim/memory_disk.h"

namespace laconic::sim {
namespace {

using Bytes = std::vector<std::byte>;
constexpr std::uint64_t kAnySize = 1 << 20;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string text_of(const node::Storage& storage, std::string_view name) {
  const std::optional<Bytes> bytes = storage.read(name, kAnySize);
  return bytes ? std::string(reinterpret_cast<const char*>(bytes->data()), bytes->size()) : "(none)";
}

template <typename Failure>
std::string failure_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "";
}

struct OnDisk {
  ScratchFolder folder;
  node::DiskStorage storage{folder.path("log")};
};
struct InMemory {
  MemoryDisk storage{1};
};

template <typename Place>
class Storages : public testing::Test {
 protected:
  Place place_;
  node::Storage& storage_ = place_.storage;
};
using Places = testing::Types<OnDisk, InMemory>;
TYPED_TEST_SUITE(Storages, Places);

TYPED_TEST(Storages, AFileGrowsAtItsEndAndIsReplacedAsAWhole) {
  node::Storage& storage = this->storage_;
  EXPECT_EQ(text_of(storage, "log"), "(none)");
  storage.append("log", bytes_of("one "));
  storage.append("log", bytes_of("two "));
  EXPECT_EQ(text_of(storage, "log"), "one two ");
  storage.sync("log");
  storage.replace("log", bytes_of("three "));
  EXPECT_EQ(text_of(storage, "log"), "three ");
  storage.append("log", bytes_of("four"));
  storage.sync("log");
  EXPECT_EQ(text_of(storage, "log"), "three four") << "what is appended goes to the new file";
  storage.sync("another");
}

TYPED_TEST(Storages, AFileThatIsRemovedIsGoneAndBeginsAnew) {
  node::Storage& storage = this->storage_;
  storage.remove("log");
  storage.append("log", bytes_of("old"));
  storage.replace("state-1", bytes_of(""));
  EXPECT_EQ(storage.list(), (std::vector<std::string>{"log", "state-1"}));
  EXPECT_EQ(text_of(storage, "state-1"), "");
  storage.remove("log");
  EXPECT_EQ(storage.list(), std::vector<std::string>{"state-1"});
  storage.append("log", bytes_of("new"));
  storage.sync("log");
  EXPECT_EQ(text_of(storage, "log"), "new");
}

TYPED_TEST(Storages, ANameThatCouldBeOutsideTheFolderIsRefused) {
  node::Storage& storage = this->storage_;
  const std::string long_name(node::kMaxStorageName + 1, 'a');
  for (const std::string& name : {std::string(), std::string("a/b"), std::string("../a"), std::string(".a"),
                                  std::string("/a"), std::string("a b"), std::string("a\0b", 3), long_name}) {
    EXPECT_THROW(storage.append(name, bytes_of("x")), CheckFailed) << name;
    EXPECT_THROW(storage.sync(name), CheckFailed) << name;
    EXPECT_THROW(storage.replace(name, bytes_of("x")), CheckFailed) << name;
    EXPECT_THROW(storage.remove(name), CheckFailed) << name;
    EXPECT_THROW(static_cast<void>(storage.read(name, kAnySize)), CheckFailed) << name;
  }
  storage.replace(long_name.substr(1), bytes_of("x"));
}

TYPED_TEST(Storages, AFileThatIsLargerThanTheReaderTakesIsRefusedWithItsPlace) {
  node::Storage& storage = this->storage_;
  storage.replace("log", bytes_of("12345"));
  const std::string problem = failure_of<DecodeError>([&] { static_cast<void>(storage.read("log", 4)); });
  EXPECT_TRUE(problem.starts_with(storage.path("log"))) << problem;
  EXPECT_EQ(storage.read("log", 5)->size(), 5U);
}

TEST(DiskStorage, TwoProcessesDoNotHoldOneFolder) {
  const ScratchFolder scratch;
  const std::string folder = scratch.path("log");
  {
    const node::DiskStorage first(folder);
    const std::string problem = failure_of<UsageError>([&] { const node::DiskStorage second(folder); });
    EXPECT_TRUE(problem.starts_with(folder + ": another process has it")) << problem;
  }
  const node::DiskStorage next(folder);
}

TEST(DiskStorage, WhatAFormerProcessLeftUnfinishedIsRemoved) {
  const ScratchFolder scratch;
  std::ofstream(scratch.path(".state-1-1.tmp")) << "half of";
  std::ofstream(scratch.path("state-1-1")) << "whole";
  const node::DiskStorage storage(scratch.path());
  EXPECT_FALSE(std::filesystem::exists(scratch.path(".state-1-1.tmp")));
  EXPECT_EQ(text_of(storage, "state-1-1"), "whole");
}

TEST(DiskStorage, ALinkInThePlaceOfAFileIsNotFollowed) {
  const ScratchFolder scratch;
  std::ofstream(scratch.path("elsewhere")) << "not ours";
  std::filesystem::create_symlink(scratch.path("elsewhere"), scratch.path("log"));
  node::DiskStorage storage(scratch.path());
  EXPECT_THROW(storage.append("log", bytes_of("x")), RunError);
  EXPECT_THROW(static_cast<void>(storage.read("log", kAnySize)), DecodeError);
}

TEST(DiskStorage, AFullDiskIsARunErrorThatSaysWhatToDo) {
  const ScratchFolder scratch;
  node::DiskStorage storage(scratch.path());
  // A device on which every write says that the disk is full; a link to it is not followed, so it is named directly.
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no device that is always full";
  AppendedFile full("/dev", "full");
  const std::string problem = failure_of<RunError>([&] { full.append(bytes_of("x")); });
  EXPECT_NE(problem.find("/dev/full: cannot be written"), std::string::npos) << problem;
  EXPECT_NE(problem.find("free space there"), std::string::npos) << problem;
}

TEST(MemoryDisk, WhatWasSyncedOrReplacedOutlivesEveryDeath) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    MemoryDisk disk(seed);
    disk.append("log", bytes_of("synced"));
    disk.sync("log");
    disk.replace("state", bytes_of("replaced"));
    disk.set_faults({.die_at = disk.writes() + 1});
    EXPECT_THROW(disk.append("log", bytes_of(" and more")), ProcessDeath);
    EXPECT_THROW(static_cast<void>(disk.list()), ProcessDeath) << "the process is dead";
    EXPECT_THROW(disk.sync("log"), ProcessDeath);
    disk.restart();
    EXPECT_TRUE(text_of(disk, "log").starts_with("synced"));
    EXPECT_EQ(text_of(disk, "state"), "replaced");
  }
}

// What is found after a death at a write, over many seeds.
std::set<std::string> found_after_death_at(std::uint64_t write) {
  std::set<std::string> found;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    MemoryDisk disk(seed);
    disk.replace("log", bytes_of("a"));
    disk.set_faults({.die_at = 1 + write});
    try {
      disk.append("log", bytes_of("bcd"));
      disk.sync("log");
      disk.replace("log", bytes_of("X"));
      disk.remove("log");
    } catch (const ProcessDeath&) {
    }
    disk.restart();
    found.insert(text_of(disk, "log"));
  }
  return found;
}

TEST(MemoryDisk, ADeathLosesCutsOrKeepsWhatWasAppendedAndReplacesAndRemovesWhollyOrNot) {
  const std::set<std::string> torn = {"a", "ab", "abc", "abcd", std::string("a\0\0\0", 4)};
  EXPECT_EQ(found_after_death_at(1), torn) << "while it is appended";
  EXPECT_EQ(found_after_death_at(2), torn) << "while it is synced";
  EXPECT_EQ(found_after_death_at(3), (std::set<std::string>{"abcd", "X"}));
  EXPECT_EQ(found_after_death_at(4), (std::set<std::string>{"X", "(none)"}));
}

TEST(MemoryDisk, ADeathLosesSectorsAndNotPartsOfThem) {
  const Bytes ones(3 * MemoryDisk::kSector, std::byte{1});
  bool lost_one_before_another = false;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    MemoryDisk disk(seed);
    disk.replace("log", std::span(ones).first(100));
    disk.append("log", ones);
    disk.die();
    disk.restart();
    const Bytes found = disk.read("log", kAnySize).value();
    ASSERT_GE(found.size(), 100U);
    if (found.size() < 100 + ones.size()) continue;
    const auto is_there = [&found](std::size_t at) { return found[at] == std::byte{1}; };
    EXPECT_TRUE(is_there(0) && is_there(99));
    for (std::size_t at = 101; at < found.size(); ++at) {
      if (at % MemoryDisk::kSector != 0) {
        ASSERT_EQ(is_there(at), is_there(at - 1)) << at;
      }
    }
    lost_one_before_another = lost_one_before_another || (!is_there(100) && is_there(600));
  }
  EXPECT_TRUE(lost_one_before_another);
}

TEST(MemoryDisk, AFileWhoseNameWasNotSyncedMayBeGone) {
  std::set<std::string> found;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    MemoryDisk disk(seed);
    disk.append("log", bytes_of("ab"));
    disk.die();
    disk.restart();
    found.insert(text_of(disk, "log"));
  }
  EXPECT_TRUE(found.contains("(none)"));
  EXPECT_TRUE(found.contains("ab"));
  EXPECT_TRUE(found.contains("a"));
}

TEST(MemoryDisk, AFullDiskRefusesEveryWriteButARemove) {
  MemoryDisk disk(3);
  disk.replace("log", bytes_of("1234"));
  disk.set_faults({.full_from = disk.writes() + 1});
  const std::string problem = failure_of<RunError>([&] { disk.append("log", bytes_of("56")); });
  EXPECT_EQ(problem, "memory/log: cannot be written (no space left); free space there");
  EXPECT_THROW(disk.sync("log"), RunError);
  EXPECT_THROW(disk.replace("state", bytes_of("x")), RunError);
  EXPECT_EQ(text_of(disk, "state"), "(none)");
  EXPECT_TRUE(std::string_view("123456").starts_with(text_of(disk, "log")));
  disk.remove("log");

  disk.set_faults({.capacity = 5});
  disk.replace("log", bytes_of("1234"));
  EXPECT_THROW(disk.replace("log", bytes_of("56")), RunError) << "both files are there for a while";
  EXPECT_EQ(text_of(disk, "log"), "1234");
  disk.append("log", bytes_of("5"));
  EXPECT_THROW(disk.append("log", bytes_of("6")), RunError);
}

TEST(MemoryDisk, TheSameSeedAndCallsLeaveTheSameBytes) {
  const auto found = [](std::uint64_t seed) {
    std::string all;
    MemoryDisk disk(seed);
    for (int death = 0; death < 20; ++death) {
      disk.append("log", bytes_of("some more bytes"));
      disk.die();
      disk.restart();
      all += text_of(disk, "log") + "|";
    }
    return all;
  };
  EXPECT_EQ(found(7), found(7));
  EXPECT_NE(found(7), found(8));
}

TEST(MemoryDisk, ADamagedByteIsOneByte) {
  MemoryDisk disk(1);
  disk.replace("log", bytes_of("abc"));
  disk.damage("log", 1, std::byte{1});
  EXPECT_EQ(text_of(disk, "log"), "acc");
  disk.cut("log", 1);
  EXPECT_EQ(text_of(disk, "log"), "a");
}

}  // namespace
}  // namespace laconic::sim
