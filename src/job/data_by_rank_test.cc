// Data that lie in a folder for each worker.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "job/job_data.h"
#include "job/one_worker_test.h"

namespace laconic {
namespace {

using testing::TemporaryFolder;

TEST(DataByRank, EachWorkerTrainsOnTheSamplesOfItsFolder) {
  const TemporaryFolder root;
  for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
    const std::string number = std::to_string(worker);
    write_femnist(root.path("site/" + number + "/" + number + "-femnist"), 60 + 20 * worker);
  }
  const std::string text = job_text("femnist", root.path("site/{rank}/{rank}-femnist"));
  for (const std::vector<std::string>& overrides :
       {std::vector<std::string>{}, std::vector<std::string>{"data.validation=0.2", "data.sampling=epoch"}}) {
    const Job job = parse(text, overrides);
    const JobSetup setup = set_up(job);
    const std::size_t held = overrides.empty() ? 0 : 12;
    EXPECT_EQ(setup.data->validation.count(), held);
    EXPECT_EQ(setup.strategy_setting.samples, (std::vector<std::uint64_t>{60 - held, 80, 100, 120}));
    EXPECT_EQ(setup.training->training_samples(), 360 - held);
    for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
      const std::string number = std::to_string(worker);
      const Dataset folder = load_dataset(*job.dataset, root.path("site/" + number + "/" + number + "-femnist"));
      if (worker == 0) {
        EXPECT_TRUE(same_samples(setup.data->test, folder.test));
        if (held > 0) continue;
      }
      ASSERT_EQ(setup.partition[worker].size(), folder.train.count());
      for (std::size_t i = 0; i < folder.train.count(); ++i) {
        const std::size_t sample = setup.partition[worker][i];
        ASSERT_EQ(setup.data->train.labels[sample], folder.train.labels[i]);
        ASSERT_EQ(setup.data->train.users[sample], folder.train.users[i]);
        ASSERT_TRUE(std::equal(folder.train.pixels.begin() + static_cast<std::ptrdiff_t>(36 * i),
                               folder.train.pixels.begin() + static_cast<std::ptrdiff_t>(36 * (i + 1)),
                               setup.data->train.pixels.begin() + static_cast<std::ptrdiff_t>(36 * sample)));
      }
    }
    expect_alone_as_among_all(job, "{rank}");
  }
}

TEST(DataByRank, OnlyWorkerZerosFolderNeedsATestSplit) {
  const TemporaryFolder root;
  for (const char* folder : {"0", "1", "2", "3"}) {
    write_femnist(root.path(folder), 60);
    write_play(root.path(folder), "abc\n", 800);
    if (*folder == '0') continue;
    for (const char* file : {"femnist-test-images-idx3-ubyte", "femnist-test-labels-idx1-ubyte"}) {
      std::filesystem::remove(root.path(std::string(folder) + "/" + file));
    }
  }
  expect_alone_as_among_all(parse(job_text("femnist", root.path("{rank}"))), "images");
  std::filesystem::remove(root.path("0/femnist-test-images-idx3-ubyte"));
  EXPECT_NE(refusal(parse(job_text("femnist", root.path("{rank}")))).find("femnist-test-images-idx3-ubyte: no such"),
            std::string::npos);
}

TEST(DataByRank, FoldersThatAreMissingOrDoNotAgreeAreNamed) {
  const TemporaryFolder root;
  const std::string images = job_text("mnist", root.path("{rank}/images"));
  const std::string plays = job_text("tinyshakespeare", root.path("{rank}/play"));
  for (const char* worker : {"0", "1", "3"}) {
    testing::write_tiny_data(root.path(std::string(worker) + "/images"));
    write_play(root.path(std::string(worker) + "/play"), "abc\n", 800);
  }
  const std::string missing = refusal(parse(images));
  EXPECT_EQ(missing.find("job.toml:5: " + root.path("2/images") + ": no such folder"), 0U) << missing;
  EXPECT_EQ(refusal_of_processes(parse(images)), missing);

  std::filesystem::create_directories(root.path("2/images"));
  testing::write_idx(root.path("2/images/train-images-idx3-ubyte"), {4, 5, 6}, std::vector<std::uint8_t>(120, 7));
  testing::write_idx(root.path("2/images/train-labels-idx1-ubyte"), {4}, {0, 1, 2, 3});
  const std::string agree =
      "; all workers learn one model: give them data of one size and type, with the same classes, and of text the same "
      "words";
  EXPECT_EQ(refusal(parse(images)), "job.toml:5: data.dir: " + root.path("2/images") +
                                        " has images of 1x5x6 in 10 classes and " + root.path("0/images") +
                                        " images of 1x6x6 in 10 classes" + agree);
  EXPECT_EQ(refusal_of_processes(parse(images)),
            "job.toml:5: data.dir: the data of worker 2 differ in kind from worker 0's; " + root.path("0/images") +
                " has images of 1x6x6 in 10 classes" + agree);

  write_play(root.path("2/play"), "abd\n", 800);
  EXPECT_EQ(refusal(parse(plays)), "job.toml:5: data.dir: " + root.path("2/play") +
                                       " has text of 5 different tokens and " + root.path("0/play") +
                                       " as many others" + agree);
  EXPECT_NE(refusal_of_processes(parse(plays)).find("the data of worker 2 differ"), std::string::npos);
  write_play(root.path("2/play"), "abc\n", 900);
  expect_alone_as_among_all(parse(plays), "text of one vocabulary");
}

TEST(DataByRank, HasNoPartitionAndNoStatisticsOverFolders) {
  const std::string text = job_text("mnist", "/site/{rank}/mnist");
  EXPECT_EQ(refusal(text), "accepted");
  EXPECT_EQ(
      refusal(text, {"data.partition=iid"}),
      "--set: data.partition: data.dir names a folder for each worker with {rank}, which is the partition; remove "
      "it");
  EXPECT_EQ(refusal(job_text("cifar10", "/site/{rank}")),
            "job.toml:5: data.dir: with {rank} no worker knows the mean and deviation over all training images; set "
            "data.normalise = false");
  EXPECT_EQ(refusal(job_text("cifar10", "/site/{rank}"), {"data.normalise=false"}), "accepted");
  EXPECT_EQ(refusal(text, {"data.dir=/site/{rank"}),
            "--set: data.dir: '/site/{rank': the brace at character 7 is not of {rank}, the only word that is filled "
            "in; correct it, or rename the folder");
  for (const char* dir : {"/site/{Rank}", "/{rank}/{name}", "/site/rank}", "/{{rank}}", "{}"}) {
    EXPECT_NE(refusal(text, {std::string("data.dir=") + dir}), "accepted") << dir;
  }

  // What a job says of itself can be run again, and a folder from the command line puts a partition aside.
  const std::string resolved = parse(text).resolved_text();
  EXPECT_EQ(resolved.find("partition"), std::string::npos);
  EXPECT_NE(resolved.find("dir = \"/site/{rank}/mnist\"\n"), std::string::npos);
  EXPECT_EQ(parse(resolved).resolved_text(), resolved);
  std::string dealt = job_text("mnist", "/mnist");
  dealt.replace(dealt.find("batch = 8"), 9, "partition = \"shards:2\"");
  EXPECT_EQ(parse(dealt, {"data.dir=/site/{rank}"}).section("data").text("partition"), "iid");
}

}  // namespace
}  // namespace laconic
