#include "runtimes/node/checkpoint_store.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <barrier>
#include <filesystem>
#include <functional>
#include <thread>

#include "base/error.h"
#include "runtimes/node/checkpoint_test_support.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

std::string step_folder(const std::string& folder, std::string_view digits) {
  return folder + "/step-" + std::string(digits);
}

std::vector<std::string> entries_of(const std::string& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

// The text of the error that `action` throws.
template <typename Expected>
std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Expected& error) {
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return {};
}

void damage(const std::string& path, std::size_t at) {
  std::string bytes = read_text(path);
  ASSERT_LT(at, bytes.size());
  bytes[at] = static_cast<char>(bytes[at] ^ 1);
  write_text(path, bytes);
}

class CheckpointStoreTest : public testing::Test {
 protected:
  const TemporaryFolder scratch_;
  const std::string folder_ = scratch_.path("run.checkpoint");
};

TEST_F(CheckpointStoreTest, WhatIsSavedIsFoundAndRead) {
  CheckpointStore store(example_options(folder_));
  EXPECT_EQ(save_example(store, Step{1200}), std::vector{Step{1200}});
  EXPECT_EQ(entries_of(folder_), (std::vector<std::string>{"lock", "step-000000001200"}));
  EXPECT_EQ(entries_of(step_folder(folder_, "000000001200")),
            (std::vector<std::string>{"coordinator", "job.resolved.toml", "manifest", "worker-0"}));
  const std::optional<FoundCheckpoint> found = store.newest();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->manifest.step, Step{1200});
  EXPECT_TRUE(found->passed_over.empty());
  EXPECT_TRUE(holds_example(store, found->manifest));
}

TEST_F(CheckpointStoreTest, NoFolderHoldsNoCheckpointAndIsNotMadeByLooking) {
  CheckpointStoreOptions options = example_options(folder_);
  options.completes = false;
  EXPECT_FALSE(CheckpointStore(options).newest());
  EXPECT_FALSE(fs::exists(folder_));
}

TEST_F(CheckpointStoreTest, NewestIsByNumberWhateverTheDigits) {
  CheckpointStoreOptions options = example_options(folder_);
  options.keep = 9;
  CheckpointStore store(options);
  for (const std::uint64_t step : {9ULL, 10ULL, 999'999'999'999ULL, 1'000'000'000'000ULL}) {
    save_example(store, Step{step});
    EXPECT_EQ(store.newest().value().manifest.step, Step{step});
  }
}

TEST_F(CheckpointStoreTest, WithoutItsManifestACheckpointDoesNotCount) {
  CheckpointStore store(example_options(folder_));
  store.write_part(Step{1}, "worker-0", {});
  EXPECT_FALSE(store.newest());
  save_example(store, Step{2});
  store.write_part(Step{3}, "worker-0", {});
  EXPECT_EQ(store.newest().value().manifest.step, Step{2});
}

TEST_F(CheckpointStoreTest, KeepsTheNewestCompleteOnesAndNoLeftoversBeforeThem) {
  for (const std::size_t keep : {1U, 2U, 3U}) {
    CheckpointStoreOptions options = example_options(folder_);
    options.keep = keep;
    CheckpointStore store(options);
    for (std::uint64_t step = 10; step <= 50; step += 10) {
      store.write_part(Step{step - 5}, "worker-0", {});  // never completed
      const std::vector<Step> kept = save_example(store, Step{step});
      EXPECT_EQ(kept.size(), std::min<std::size_t>(keep, step / 10)) << keep;
      EXPECT_EQ(kept.front(), Step{step});
      EXPECT_EQ(entries_of(folder_).size(), kept.size() + 1) << "the lock, and what is kept";
    }
    store.remove_all();
  }
}

TEST_F(CheckpointStoreTest, WhatIsNewerThanACompletedOneStays) {
  CheckpointStore store(example_options(folder_));
  store.write_part(Step{20}, "worker-0", {});
  save_example(store, Step{10});
  EXPECT_TRUE(fs::exists(step_folder(folder_, "000000000020") + "/worker-0"));
  store.remove_newer(Step{10});
  EXPECT_EQ(entries_of(folder_), (std::vector<std::string>{"lock", "step-000000000010"}));
}

TEST_F(CheckpointStoreTest, OnADiskOfItsOwnAProcessKeepsWhatTheCompletingOneKeeps) {
  const std::string own = scratch_.path("worker.checkpoint");
  CheckpointStore completing(example_options(folder_));
  CheckpointStoreOptions options = example_options(own);
  options.completes = false;
  CheckpointStore worker(options);
  for (std::uint64_t step = 1; step <= 5; ++step) {
    PartRecord record = worker.write_part(Step{step}, "worker-1", state_at(Step{step}, "worker-1", 50));
    if (step == 3) continue;  // the run was killed here, and went on
    worker.remove_older(completing.complete(Step{step}, kExampleJob, {record}));
  }
  EXPECT_EQ(entries_of(own), (std::vector<std::string>{"step-000000000004", "step-000000000005"}));
  EXPECT_FALSE(worker.newest()) << "it has no manifest";
  // What the completing process found travels to it.
  const std::vector<std::byte> sent = completing.newest().value().manifest.encode();
  const CheckpointManifest manifest = CheckpointManifest::decode(sent, "from process 0");
  EXPECT_EQ(worker.read_part(manifest, "worker-1"), state_at(Step{5}, "worker-1", 50));
  const std::string missing = error_of<DecodeError>([&] { completing.read_part(manifest, "worker-1"); });
  EXPECT_NE(missing.find("worker-1: is not on this disk"), std::string::npos) << missing;
}

TEST_F(CheckpointStoreTest, ProcessesThatShareAFolderMayRemoveTheSameCheckpointsAtTheSameTime) {
  constexpr int kWorkers = 4;
  CheckpointStore completing(example_options(folder_));
  CheckpointStoreOptions options = example_options(folder_);
  options.completes = false;
  save_example(completing, Step{1});
  for (int time = 0; time < 20; ++time) {
    for (std::uint64_t step = 2; step <= 6; ++step) {
      const std::string folder = step_folder(folder_, "00000000000" + std::to_string(step));
      fs::create_directory(folder);
      for (int part = 0; part < 20; ++part) write_text(folder + "/worker-" + std::to_string(part), "state");
      write_text(folder + "/manifest", "of that step");
    }
    std::vector<std::string> problems(kWorkers);
    std::vector<std::thread> workers;
    std::barrier start(kWorkers);
    for (std::string& problem : problems) {
      workers.emplace_back([&] {
        CheckpointStore own(options);
        start.arrive_and_wait();
        try {
          own.remove_newer(Step{1});
        } catch (const std::exception& error) {
          problem = error.what();
        }
      });
    }
    for (std::thread& worker : workers) worker.join();
    ASSERT_EQ(problems, std::vector<std::string>(kWorkers)) << "the " << time << "th time";
    ASSERT_EQ(entries_of(folder_), (std::vector<std::string>{"lock", "step-000000000001"}));
  }
}

TEST_F(CheckpointStoreTest, ADamagedManifestIsPassedOverForAnOlderCheckpoint) {
  CheckpointStore store(example_options(folder_));
  save_example(store, Step{1});
  save_example(store, Step{2});
  const std::string manifest = step_folder(folder_, "000000000002") + "/manifest";
  const std::string whole = read_text(manifest);
  for (std::size_t i = 0; i < whole.size(); ++i) {
    damage(manifest, i);
    const std::optional<FoundCheckpoint> found = store.newest();
    ASSERT_EQ(found->manifest.step, Step{1}) << "byte " << i;
    ASSERT_EQ(found->passed_over.size(), 1U);
    ASSERT_TRUE(found->passed_over[0].starts_with(manifest + ": ")) << found->passed_over[0];
    ASSERT_TRUE(holds_example(store, found->manifest));
    write_text(manifest, whole.substr(0, i));
    ASSERT_EQ(store.newest()->manifest.step, Step{1}) << "cut at " << i;
    write_text(manifest, whole);
  }
  EXPECT_EQ(store.newest()->manifest.step, Step{2});
}

TEST_F(CheckpointStoreTest, WhereEveryCompleteCheckpointIsDamagedNoneIsInvented) {
  CheckpointStore store(example_options(folder_));
  save_example(store, Step{1});
  const std::string manifest = step_folder(folder_, "000000000001") + "/manifest";
  damage(manifest, 30);
  const std::string text = error_of<DecodeError>([&] { store.newest(); });
  EXPECT_TRUE(text.starts_with(manifest + ": damaged")) << text;
  EXPECT_NE(text.find("remove " + folder_), std::string::npos) << text;
}

TEST_F(CheckpointStoreTest, AManifestUnderTheNameOfAnotherStepIsPassedOver) {
  CheckpointStore store(example_options(folder_));
  save_example(store, Step{1});
  fs::copy(step_folder(folder_, "000000000001"), step_folder(folder_, "000000000007"), fs::copy_options::recursive);
  const std::optional<FoundCheckpoint> found = store.newest();
  EXPECT_EQ(found->manifest.step, Step{1});
  EXPECT_NE(found->passed_over.at(0).find("is of step 1"), std::string::npos) << found->passed_over[0];
}

TEST_F(CheckpointStoreTest, APartOfAnotherSizeIsPassedOver) {
  CheckpointStore store(example_options(folder_));
  save_example(store, Step{1});
  save_example(store, Step{2});
  const std::string part = step_folder(folder_, "000000000002") + "/worker-0";
  fs::resize_file(part, kWorkerStateSize - 1);
  const std::optional<FoundCheckpoint> found = store.newest();
  EXPECT_EQ(found->manifest.step, Step{1});
  EXPECT_TRUE(found->passed_over.at(0).starts_with(part + ": ")) << found->passed_over[0];
}

TEST_F(CheckpointStoreTest, EveryDamagedByteOfAPartIsSeenAndItsFileNamed) {
  CheckpointStore store(example_options(folder_));
  save_example(store, Step{1});
  const CheckpointManifest manifest = store.newest().value().manifest;
  const std::string part = step_folder(folder_, "000000000001") + "/coordinator";
  for (std::size_t i = 0; i < kCoordinatorStateSize; ++i) {
    damage(part, i);
    const std::string text = error_of<DecodeError>([&] { store.read_part(manifest, "coordinator"); });
    ASSERT_EQ(text, part + ": damaged: its checksum is wrong; remove " + step_folder(folder_, "000000000001") +
                        " to go on from the checkpoint before it");
    damage(part, i);
  }
  EXPECT_TRUE(holds_example(store, manifest));
}

TEST_F(CheckpointStoreTest, APartIsAFileAndNothingElse) {
  CheckpointStore store(example_options(folder_));
  save_example(store, Step{1});
  const CheckpointManifest manifest = store.newest().value().manifest;
  const std::string part = step_folder(folder_, "000000000001") + "/worker-0";
  EXPECT_THROW(store.read_part(manifest, "worker-7"), DecodeError);
  EXPECT_THROW(store.read_part(manifest, "../lock"), DecodeError);
  // A copy elsewhere of the right bytes, by a link: who made it may change them meanwhile.
  fs::rename(part, scratch_.path("elsewhere"));
  fs::create_symlink(scratch_.path("elsewhere"), part);
  EXPECT_THROW(store.read_part(manifest, "worker-0"), DecodeError);
  fs::remove(part);
  ASSERT_EQ(mkfifo(part.c_str(), 0600), 0);
  EXPECT_THROW(store.read_part(manifest, "worker-0"), DecodeError) << "and it waits for no writer";
  fs::remove(part);
  fs::create_directory(part);
  EXPECT_THROW(store.read_part(manifest, "worker-0"), DecodeError);
}

TEST_F(CheckpointStoreTest, WhatIsNoCheckpointOfOursIsLeftAlone) {
  CheckpointStore store(example_options(folder_));
  const std::vector<std::string> others = {"step-1", "step-00000000000x",           "step-", "step-0000000000001",
                                           "notes",  "step-99999999999999999999999"};
  for (const std::string& name : others) fs::create_directory(folder_ + "/" + name);
  write_text(folder_ + "/step-000000000009", "a file");
  save_example(store, Step{10});
  store.remove_newer(Step{0});
  store.remove_all();
  EXPECT_EQ(entries_of(folder_).size(), others.size() + 1);
}

TEST_F(CheckpointStoreTest, RemoveAllLeavesNothing) {
  CheckpointStore store(example_options(folder_));
  save_example(store, Step{1});
  save_example(store, Step{2});
  store.write_part(Step{3}, "worker-0", {});
  store.remove_all();
  EXPECT_FALSE(fs::exists(folder_));
  store.remove_all();
  EXPECT_FALSE(store.newest());
}

TEST_F(CheckpointStoreTest, APartWrittenAnewMakesItsCheckpointIncompleteFirst) {
  CheckpointStore store(example_options(folder_));
  save_example(store, Step{1});
  save_example(store, Step{2});
  store.write_part(Step{2}, "worker-0", state_at(Step{7}, "worker-0", kWorkerStateSize));
  EXPECT_EQ(store.newest().value().manifest.step, Step{1});
}

TEST_F(CheckpointStoreTest, AnotherVersionOfTheProgramIsRefusedByName) {
  {
    CheckpointStore store(example_options(folder_));
    save_example(store, Step{1});
  }
  CheckpointStoreOptions options = example_options(folder_);
  options.program = "1.3.0";
  const CheckpointStore store(options);
  const std::string text = error_of<UsageError>([&] { store.newest(); });
  EXPECT_NE(text.find("is of version 1.2.3, and this program is version 1.3.0; go on with"), std::string::npos) << text;
}

TEST_F(CheckpointStoreTest, AnotherJobIsRefusedByItsFirstDifference) {
  CheckpointStore store(example_options(folder_));
  save_example(store, Step{1});
  const CheckpointManifest manifest = store.newest().value().manifest;
  CheckpointJob renamed = kExampleJob;
  renamed.resolved.replace(renamed.resolved.find("example"), 7, "renamed");
  EXPECT_NO_THROW(store.expect_job(manifest, renamed)) << "its name decides nothing";
  CheckpointJob other = kExampleJob;
  for (std::string* text : {&other.resolved, &other.identity}) text->replace(text->find("0.1"), 3, "0.2");
  const std::string text = error_of<UsageError>([&] { store.expect_job(manifest, other); });
  EXPECT_EQ(text, folder_ +
                      ": holds checkpoints of another job: optimizer.learning_rate is 0.1 in the checkpoint and 0.2 in "
                      "the job; give the job as it was, or remove the folder to start from the beginning");
}

TEST_F(CheckpointStoreTest, TwoRunsDoNotCompleteInOneFolder) {
  std::optional<CheckpointStore> first(std::in_place, example_options(folder_));
  const std::string text = error_of<UsageError>([&] { CheckpointStore(example_options(folder_)); });
  EXPECT_EQ(text, folder_ + ": another run keeps its checkpoints there; wait for it, or give another place");
  CheckpointStoreOptions worker = example_options(folder_);
  worker.completes = false;
  EXPECT_NO_THROW(CheckpointStore{worker}) << "a process of the same run";
  EXPECT_THROW(CheckpointStore(worker).complete(Step{1}, kExampleJob, {}), CheckFailed);
  first->remove_all();
  EXPECT_NO_THROW(CheckpointStore{example_options(folder_)}) << "the first has ended";
  first.reset();
  EXPECT_NO_THROW(CheckpointStore{example_options(folder_)});
}

TEST_F(CheckpointStoreTest, APlaceThatCannotHoldCheckpointsIsRefusedBeforeTheRun) {
  write_text(folder_, "a file");
  const std::string text = error_of<UsageError>([&] { CheckpointStore(example_options(folder_)); });
  EXPECT_EQ(text, folder_ + ": is no folder, and checkpoints go into one; move it, or give another place");
  EXPECT_THROW(CheckpointStore(example_options(folder_ + "/below")), UsageError);
  EXPECT_THROW(CheckpointStore(example_options("/proc/run.checkpoint")), UsageError);
}

TEST_F(CheckpointStoreTest, AFolderThatVanishedIsAnErrorOfTheRun) {
  const fs::path before = fs::current_path();
  const std::string vanishing = scratch_.path("vanishing");
  fs::create_directory(vanishing);
  fs::current_path(vanishing);
  fs::remove(vanishing);
  CheckpointStoreOptions options = example_options("run.checkpoint");
  options.completes = false;
  CheckpointStore store(options);
  EXPECT_THROW(store.write_part(Step{1}, "worker-0", {}), RunError);
  EXPECT_THROW(CheckpointStore(example_options("run.checkpoint")), UsageError);
  fs::current_path(before);
}

TEST_F(CheckpointStoreTest, WhatDoesNotFitIsAnErrorWithItsPathAndLeavesTheFormerCheckpoint) {
  CheckpointStore store(example_options(folder_));
  save_example(store, Step{1});
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &limit), 0);
  const auto former = signal(SIGXFSZ, SIG_IGN);
  rlimit small = limit;
  small.rlim_cur = kWorkerStateSize / 2;
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string text = error_of<RunError>([&] { save_example(store, Step{2}); });
  setrlimit(RLIMIT_FSIZE, &limit);
  signal(SIGXFSZ, former);
  EXPECT_TRUE(text.starts_with(step_folder(folder_, "000000000002") + "/worker-0: cannot be written (")) << text;
  EXPECT_NE(text.find("free space there"), std::string::npos) << text;
  EXPECT_TRUE(entries_of(step_folder(folder_, "000000000002")).empty()) << "what was written takes no space";
  EXPECT_TRUE(holds_example(store, store.newest().value().manifest));
}

TEST_F(CheckpointStoreTest, NamesThatLeadElsewhereAreAnErrorOfTheCaller) {
  CheckpointStore store(example_options(folder_));
  for (const char* name : {"", "..", "../a", "a/b", "manifest", ".hidden"}) {
    EXPECT_THROW(store.write_part(Step{1}, name, {}), CheckFailed) << name;
  }
  PartRecord outside{.name = "../a", .size = 1, .crc32c = 1};
  EXPECT_THROW(store.complete(Step{1}, kExampleJob, {outside}), CheckFailed);
  PartRecord twice{.name = "a", .size = 1, .crc32c = 1};
  EXPECT_THROW(store.complete(Step{1}, kExampleJob, {twice, twice}), CheckFailed);
  EXPECT_FALSE(store.newest());
}

}  // namespace
}  // namespace laconic
