#include "runtimes/process/coordinator_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "base/error.h"
#include "base/scratch_folder.h"
#include "comm/crc32c.h"
#include "runtimes/node/disk_storage.h"

namespace laconic::process {
namespace {

using Bytes = std::vector<std::byte>;
constexpr std::uint64_t kJob = 0x1122334455667788ULL;

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

Bytes joined(std::initializer_list<std::span<const std::byte>> parts) {
  Bytes all;
  for (const auto part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// By the grammar, written without the log.
Bytes header(std::uint64_t job, std::uint64_t epoch, std::uint32_t version = 1) {
  ByteWriter out;
  out.raw(bytes_of("laconic coordinator\n"));
  out.u32(version);
  out.u64(job);
  out.u64(epoch);
  out.u32(crc32c(out.bytes()));
  return out.take();
}

Bytes record(unsigned kind, std::initializer_list<unsigned> body) {
  ByteWriter out;
  out.u8(static_cast<std::uint8_t>(kind));
  out.u32(static_cast<std::uint32_t>(body.size()));
  out.u32(crc32c(out.bytes()));
  for (const unsigned byte : body) out.u8(static_cast<std::uint8_t>(byte));
  out.u32(crc32c(out.bytes()));
  return out.take();
}

// Slots 0 and 2 of 3, of which slot 1 was there once.
const LoggedView kView{.number = 4, .present = {Rank{0}, Rank{2}}, .incarnations = {1, 7, 300}};
const Bytes kViewRecord = record(2, {4, 3, 1, 7, 0xac, 0x02, 0b101});
const Synchronisation kSynchronisation{
    .number = 9, .view = 4, .step = {200}, .round = {5}, .model = 0x04030201, .state = {}};
const Bytes kSynchronisationRecord = record(3, {9, 4, 0xc8, 0x01, 5, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0});

template <typename Failure>
std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Failure& failure) {
    return failure.what();
  }
  return "";
}

template <typename Failure = DecodeError>
std::string refusal_of(const Bytes& log) {
  return refusal<Failure>([&] { static_cast<void>(LogContents::decode(log, "log")); });
}

TEST(CoordinatorLogFormat, IsLaidOutAsItsHeaderSays) {
  LogContents contents{.job = kJob, .epoch = 3, .incarnation = 2, .view = kView, .synchronisation = kSynchronisation};
  const Bytes log = joined({header(kJob, 3), record(1, {2}), kViewRecord, kSynchronisationRecord});
  EXPECT_EQ(contents.encode(), log);
  EXPECT_EQ(LogContents::decode(log, "log"), contents);
  EXPECT_EQ(log_record(kView), kViewRecord);

  contents.synchronisation->state = {.name = "state-2-1", .size = 300, .crc32c = 0x0d0c0b0a};
  EXPECT_EQ(log_record(*contents.synchronisation),
            record(3, {9,   4,   0xc8, 0x01, 5,   1,   2,    3,    4,    9,    's',  't', 'a',
                       't', 'e', '-',  '2',  '-', '1', 0xac, 0x02, 0x0a, 0x0b, 0x0c, 0x0d}));
  EXPECT_EQ(LogContents::decode(contents.encode(), "log"), contents);

  // The example.
  const Bytes example = record(1, {2});
  const std::vector<unsigned> expected = {0x01, 0x01, 0x00, 0x00, 0x00, 0x21, 0xb3,
                                          0x26, 0xa0, 0x02, 0xc2, 0x06, 0x49, 0xa4};
  ASSERT_EQ(example.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_EQ(static_cast<unsigned>(example[i]), expected[i]) << i;
}

TEST(CoordinatorLogFormat, SaysTheLastOfEachKind) {
  const Bytes log = joined({header(kJob, 1), record(1, {2}), record(2, {1, 1, 1, 1}), record(2, {2, 1, 1, 0}),
                            record(1, {5}), record(2, {6, 1, 9, 1})});
  const LogContents contents = LogContents::decode(log, "log");
  EXPECT_EQ(contents.incarnation, 5U);
  EXPECT_EQ(contents.view, (LoggedView{.number = 6, .present = {Rank{0}}, .incarnations = {9}}));
  EXPECT_FALSE(contents.synchronisation);
}

TEST(CoordinatorLogFormat, RefusesEntriesThatCannotBeOrCannotFollow) {
  const Bytes begin = joined({header(kJob, 1), record(1, {2})});
  const auto refusal_behind_begin = [&](std::initializer_list<Bytes> records) {
    Bytes log = begin;
    for (const Bytes& one : records) log.insert(log.end(), one.begin(), one.end());
    return refusal_of(log);
  };
  const Bytes view = record(2, {4, 1, 2, 1});
  const auto sync = [](unsigned number, unsigned of_view, unsigned step, unsigned round) {
    return record(3, {number, of_view, step, round, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  };
  ASSERT_EQ(refusal_behind_begin({view, sync(3, 4, 9, 9), record(2, {5, 1, 2, 0}), sync(4, 5, 9, 9)}), "");

  EXPECT_NE(refusal_of({}), "");
  EXPECT_NE(refusal_of(header(kJob, 1)), "") << "nobody was started";
  EXPECT_NE(refusal_of(joined({header(kJob, 1), view})), "") << "a view before anybody was started";
  EXPECT_NE(refusal_of(joined({header(kJob, 0), record(1, {2})})), "") << "no epoch";
  EXPECT_NE(refusal_behind_begin({record(1, {2})}), "") << "started for the second time again";
  EXPECT_NE(refusal_behind_begin({record(0, {2})}), "") << "no kind";
  EXPECT_NE(refusal_behind_begin({record(4, {2})}), "") << "no kind";
  EXPECT_NE(refusal_behind_begin({record(1, {3, 0})}), "") << "more behind an entry";
  EXPECT_NE(refusal_behind_begin({record(2, {4, 1, 2})}), "") << "less of an entry";
  EXPECT_NE(refusal_behind_begin({record(2, {4, 1, 0, 1})}), "") << "present without an incarnation";
  EXPECT_NE(refusal_behind_begin({record(2, {4, 1, 2, 2})}), "") << "a slot that is none";
  EXPECT_NE(refusal_behind_begin({record(2, {4, 0xff, 0xff, 0xff, 0x7f, 1})}), "") << "more slots than bytes";
  EXPECT_NE(refusal_behind_begin({view, view}), "") << "the same view";
  EXPECT_NE(refusal_behind_begin({view, record(2, {3, 1, 2, 1})}), "") << "an older view";
  EXPECT_NE(refusal_behind_begin({view, record(2, {5, 1, 1, 1})}), "") << "an older incarnation";
  EXPECT_NE(refusal_behind_begin({view, record(2, {5, 2, 2, 0, 1})}), "") << "another number of slots";
  EXPECT_NE(refusal_behind_begin({sync(3, 0, 9, 9)}), "") << "no view";
  EXPECT_NE(refusal_behind_begin({view, sync(3, 5, 9, 9)}), "") << "of a view that was not decided";
  EXPECT_NE(refusal_behind_begin({view, sync(3, 4, 9, 9), sync(3, 4, 9, 9)}), "") << "twice";
  EXPECT_NE(refusal_behind_begin({view, sync(3, 4, 9, 9), sync(4, 3, 9, 9)}), "") << "an older view";
  EXPECT_NE(refusal_behind_begin({view, sync(3, 4, 9, 9), sync(4, 4, 8, 9)}), "") << "an older step";
  EXPECT_NE(refusal_behind_begin({view, sync(3, 4, 9, 9), sync(4, 4, 9, 8)}), "") << "an older round";
  const Bytes outside = record(3, {3, 4, 9, 9, 0, 0, 0, 0, 4, '.', '.', '/', 'a', 1, 0, 0, 0, 0});
  EXPECT_NE(refusal_behind_begin({view, outside}), "") << "a file that is no state";
  EXPECT_EQ(refusal_behind_begin({view, sync(3, 4, 9, 9), sync(4, 4, 8, 9)}),
            "log, entry at byte 102: synchronisation 4: step 8 behind step 9");
}

TEST(CoordinatorLogFormat, ATailThatIsCutAtAnyByteIsNoPartOfTheLog) {
  const Bytes begin = joined({header(kJob, 1), record(1, {2})});
  const Bytes log = joined({begin, kViewRecord, kSynchronisationRecord});
  for (std::size_t size = 0; size < log.size(); ++size) {
    const Bytes cut(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(size));
    if (size < begin.size()) {
      EXPECT_NE(refusal_of(cut), "") << size << ": a log is made with these bytes";
      continue;
    }
    const LogContents contents = LogContents::decode(cut, "log");
    EXPECT_EQ(contents.view.has_value(), size >= begin.size() + kViewRecord.size()) << size;
    EXPECT_FALSE(contents.synchronisation) << size;
  }
}

TEST(CoordinatorLogFormat, EveryDamagedBitIsRefusedWhereverItIs) {
  const Bytes log = joined({header(kJob, 1), record(1, {2}), kViewRecord, kSynchronisationRecord});
  for (std::size_t at = 0; at < log.size(); ++at) {
    for (unsigned value = 0; value < 256; ++value) {
      Bytes damaged = log;
      damaged[at] = static_cast<std::byte>(value);
      EXPECT_EQ(refusal_of(damaged).empty(), damaged == log) << value << " at byte " << at;
    }
  }
}

TEST(CoordinatorLogFormat, ALastEntryWithASectorOfZerosIsATornTailAndOneInTheMiddleIsDamage) {
  // A view of so many slots that it lies in several sectors.
  LoggedView view{.number = 1, .present = {}, .incarnations = std::vector<std::uint64_t>(2'000, 3)};
  const Bytes begin = joined({header(kJob, 1), record(1, {2})});
  const Bytes entry = log_record(view);
  view.number = 2;
  const Bytes next = log_record(view);
  const LogContents before = LogContents::decode(begin, "log");
  constexpr std::size_t kSector = 512;
  ASSERT_GT(entry.size(), 3 * kSector);
  for (std::size_t sector = 0; sector * kSector < begin.size() + entry.size(); ++sector) {
    Bytes torn = joined({begin, entry});
    for (std::size_t at = std::max(begin.size(), sector * kSector); at < std::min(torn.size(), (sector + 1) * kSector);
         ++at) {
      torn[at] = std::byte{0};
    }
    EXPECT_EQ(LogContents::decode(torn, "log"), before) << sector;
    EXPECT_NE(refusal_of(joined({torn, next})), "") << sector << ": an entry behind it was durable";
  }
  Bytes never_written = joined({begin, entry});
  std::fill(never_written.begin() + static_cast<std::ptrdiff_t>(begin.size()), never_written.end(), std::byte{0});
  EXPECT_EQ(LogContents::decode(never_written, "log"), before);
}

TEST(CoordinatorLogFormat, ANewerVersionIsToldFromDamage) {
  const std::string problem = refusal_of<UsageError>(joined({header(kJob, 1, 2), bytes_of("of another kind")}));
  EXPECT_EQ(problem, "log: is of version 2, and this program reads version 1; go on with the program that wrote it");
}

TEST(CoordinatorLogFormat, NamesOfStateFilesHaveOneSpelling) {
  EXPECT_EQ(state_file_name(3, 12), "state-3-12");
  EXPECT_TRUE(is_state_file_name("state-3-12"));
  EXPECT_TRUE(node::is_storage_name(state_file_name(UINT64_MAX, UINT64_MAX)));
  EXPECT_TRUE(is_state_file_name(state_file_name(UINT64_MAX, UINT64_MAX)));
  for (const char* name : {"", "state-", "state-3", "state-3-", "state--3", "state-03-1", "state-3-1 ", "state-3x1",
                           "state-3-18446744073709551616", "coordinator"}) {
    EXPECT_FALSE(is_state_file_name(name)) << name;
  }
}

// The log of one coordinator after another, on a disk.
class CoordinatorLogs : public testing::Test {
 protected:
  std::string path(std::string_view name) const { return folder_.path(name); }
  std::string text(std::string_view name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void put(std::string_view name, std::string_view text) const { std::ofstream(path(name), std::ios::binary) << text; }
  std::vector<std::string> files() const { return node::DiskStorage(folder_.path()).list(); }

  // What a coordinator finds that starts now.
  struct Found {
    LogContents contents;
    std::string state;
  };
  Found open(std::uint64_t job = kJob) const {
    node::DiskStorage storage(folder_.path());
    CoordinatorLog log(storage, job);
    const Bytes state = log.take_state();
    return {log.contents(), {reinterpret_cast<const char*>(state.data()), state.size()}};
  }
  template <typename Failure = DecodeError>
  std::string problem(std::uint64_t job = kJob) const {
    return refusal<Failure>([&] { open(job); });
  }

  // A view and two synchronisations with a state.
  void run_one() const {
    node::DiskStorage storage(folder_.path());
    CoordinatorLog log(storage, kJob);
    log.append(kView);
    log.append(kSynchronisation, bytes_of("the first state"));
    Synchronisation next = kSynchronisation;
    next.number = 10;
    log.append(next, bytes_of("the second state"));
  }

 private:
  ScratchFolder folder_;
};

TEST_F(CoordinatorLogs, ACoordinatorFindsWhatTheLastOneHasDecided) {
  const Found first = open();
  EXPECT_EQ(first.contents,
            (LogContents{.job = kJob, .epoch = 1, .incarnation = 1, .view = {}, .synchronisation = {}}));
  EXPECT_EQ(open().contents.incarnation, 2U);
  run_one();
  for (const std::uint64_t incarnation : {4, 5}) {
    const Found found = open();
    EXPECT_EQ(found.contents.incarnation, incarnation);
    EXPECT_EQ(found.contents.view, kView);
    ASSERT_TRUE(found.contents.synchronisation);
    EXPECT_EQ(found.contents.synchronisation->number, 10U);
    EXPECT_EQ(found.state, "the second state");
  }
  EXPECT_EQ(files(), (std::vector<std::string>{"coordinator", "state-3-2"})) << "the first state is not needed";
}

TEST_F(CoordinatorLogs, ASynchronisationWithoutAStateStoresNone) {
  {
    node::DiskStorage storage(path(""));
    CoordinatorLog log(storage, kJob);
    log.append(kView);
    log.append(kSynchronisation, {});
  }
  EXPECT_EQ(files(), std::vector<std::string>{"coordinator"});
  const Found found = open();
  EXPECT_EQ(found.contents.synchronisation, kSynchronisation);
  EXPECT_EQ(found.state, "");
}

TEST_F(CoordinatorLogs, WhatCannotFollowIsTheCallersBugAndChangesNothing) {
  node::DiskStorage storage(path(""));
  CoordinatorLog log(storage, kJob);
  EXPECT_THROW(log.append(kSynchronisation, {}), CheckFailed) << "no view";
  log.append(kView);
  log.append(kSynchronisation, {});
  const std::string before = text("coordinator");
  EXPECT_THROW(log.append(kView), CheckFailed);
  Synchronisation older = kSynchronisation;
  older.number = 10;
  older.step = {199};
  EXPECT_THROW(log.append(older, bytes_of("state")), CheckFailed);
  EXPECT_EQ(text("coordinator"), before);
}

TEST_F(CoordinatorLogs, AnEpochBeginsWithoutViewsAndItsNumbersAnew) {
  run_one();
  {
    node::DiskStorage storage(path(""));
    CoordinatorLog log(storage, kJob);
    log.begin_epoch();
    EXPECT_FALSE(log.contents().view);
    LoggedView first = kView;
    first.number = 1;
    log.append(first);
  }
  EXPECT_EQ(files(), std::vector<std::string>{"coordinator"});
  const Found found = open();
  EXPECT_EQ(found.contents.epoch, 2U);
  EXPECT_EQ(found.contents.incarnation, 3U);
  EXPECT_EQ(found.contents.view->number, 1U);
  EXPECT_FALSE(found.contents.synchronisation);
}

TEST_F(CoordinatorLogs, ALogOfAnotherJobIsRefusedAndStays) {
  run_one();
  const std::string before = text("coordinator");
  EXPECT_EQ(problem<UsageError>(kJob + 1),
            path("coordinator") + ": is of another job; give the job as it was, or another folder than " + path(""));
  EXPECT_EQ(text("coordinator"), before);
}

TEST_F(CoordinatorLogs, ADamagedLogIsRefusedWithItsPlaceAndARemedyAndStays) {
  run_one();
  std::string damaged = text("coordinator");
  damaged[70] = static_cast<char>(damaged[70] ^ 1);
  put("coordinator", damaged);
  EXPECT_EQ(problem(), path("coordinator") + ": damaged at byte 58 of " + std::to_string(damaged.size()) +
                           "; put back a copy of it, or move " + path("") + " away and resume from a checkpoint");
  EXPECT_EQ(text("coordinator"), damaged);
  EXPECT_EQ(text("state-1-2"), "the second state");
}

TEST_F(CoordinatorLogs, AStateThatIsMissingOrNotWhatTheLogNamesIsRefused) {
  run_one();
  const std::string file = path("state-1-2");
  const std::string end = "; put back a copy of it, or move " + path("") + " away and resume from a checkpoint";
  put("state-1-2", "the second stat");
  EXPECT_EQ(problem(), file + ": has 15 bytes, 16 belong there" + end);
  put("state-1-2", "the second state.");
  EXPECT_EQ(problem(), file + ": has 17 bytes, 0 to 16 belong there" + end);
  put("state-1-2", "the second stake");
  EXPECT_EQ(problem(), file + ": damaged: its checksum is wrong" + end);
  std::filesystem::remove(file);
  EXPECT_EQ(problem(), file + ": is missing, and the last synchronisation needs it" + end);
  put("state-1-2", "the second state");
  EXPECT_EQ(open().state, "the second state") << "until now nothing was changed";
}

TEST_F(CoordinatorLogs, StatesWithoutALogAreNoBeginning) {
  run_one();
  std::filesystem::remove(path("coordinator"));
  EXPECT_EQ(problem(), path("coordinator") + ": is missing, and " + path("state-1-2") +
                           " is there; put back a copy of it, or move " + path("") +
                           " away and resume from a checkpoint");
}

}  // namespace
}  // namespace laconic::process
