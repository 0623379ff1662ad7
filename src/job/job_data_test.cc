#include "job/job_data.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <filesystem>

#include "base/error.h"
#include "job/tiny_job_test.h"
#include "job/wiring.h"
#include "training/formats/test_archive.h"

namespace laconic {
namespace {

using testing::TemporaryFolder;

constexpr std::uint32_t kWorkers = 4;

// FEMNIST's files with `count` training samples of 30 users.
void write_femnist(const std::string& folder, std::uint32_t count) {
  std::filesystem::create_directories(folder);
  for (const auto& [stem, samples] : {std::pair{"femnist-train", count}, std::pair{"femnist-test", 50U}}) {
    testing::write_split(folder, stem, samples, samples);
    RandomStream stream(samples, "users");
    std::string users = {0, 0, 0x0c, 1, 0, 0, static_cast<char>(samples >> 8), static_cast<char>(samples & 0xff)};
    for (std::uint32_t i = 0; i < samples; ++i) users += std::string{0, 0, 0, static_cast<char>(stream.below(30))};
    testing::write_text(folder + "/" + stem + "-users-idx1-int32", users);
  }
}

// CIFAR-10's files with 40 training images.
void write_cifar10(const std::string& folder) {
  std::filesystem::create_directories(folder);
  for (const char* name :
       {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5", "test_batch"}) {
    RandomStream stream(static_cast<std::uint64_t>(name[11]), "cifar");
    std::string bytes;
    for (int i = 0; i < 8; ++i) {
      bytes += static_cast<char>(stream.below(10));
      for (int j = 0; j < 3072; ++j) bytes += static_cast<char>(stream.below(256));
    }
    testing::write_text(folder + "/" + name + ".bin", bytes);
  }
}

void write_play(const std::string& folder, std::string_view alphabet, std::size_t length) {
  std::filesystem::create_directories(folder);
  RandomStream stream(length, "play");
  std::string text(alphabet);
  while (text.size() < length) text += alphabet[stream.below(alphabet.size())];
  testing::write_text(folder + "/tinyshakespeare.txt", text);
}

// A table of five columns that the class of each sample shifts.
void write_table(const std::string& folder, int count, const std::vector<std::string>& classes) {
  std::filesystem::create_directories(folder);
  RandomStream stream(static_cast<std::uint64_t>(count), "table");
  std::string text = "a,b,label,c,d,e\n";
  for (int i = 0; i < count; ++i) {
    const auto label = static_cast<std::size_t>(i) % classes.size();
    const auto number = [&] {
      return std::to_string(static_cast<double>(stream.below(1000)) / 1000 + static_cast<double>(label));
    };
    text += number() + "," + number() + "," + classes[label] + "," + number() + "," + number() + "," + number() + "\n";
  }
  testing::write_text(folder + "/train.csv", text);
}

// Arrays of images of 3x4 pixels, as bytes or as floats, that the class of each sample shifts.
void write_arrays(const std::string& folder, int count, bool bytes) {
  std::filesystem::create_directories(folder);
  for (const auto& [split, samples] : {std::pair{"train", count}, std::pair{"test", 30}}) {
    RandomStream stream(static_cast<std::uint64_t>(samples), "arrays");
    std::vector<std::uint8_t> pixels, labels;
    std::vector<float> values;
    for (int i = 0; i < samples; ++i) {
      labels.push_back(static_cast<std::uint8_t>(i % 3));
      for (int j = 0; j < 12; ++j) {
        pixels.push_back(static_cast<std::uint8_t>(stream.below(100) + 70 * labels.back()));
        values.push_back(static_cast<float>(pixels.back()) / 100 - 1);
      }
    }
    const std::string shape = "(" + std::to_string(samples) + ", 3, 4)";
    testing::write_text(folder + "/" + split + ".npy", bytes ? npy("|u1", shape, bytes_of_numbers(pixels))
                                                             : npy("<f4", shape, bytes_of_numbers(values)));
    testing::write_text(folder + "/" + split + "_labels.npy",
                        npy("|u1", "(" + std::to_string(samples) + ",)", bytes_of_numbers(labels)));
  }
}

std::string job_text(const std::string& dataset, const std::string& dir) {
  const bool text = dataset == "tinyshakespeare";
  return "[job]\nepochs = 2\n[data]\ndataset = \"" + dataset + "\"\ndir = \"" + dir + "\"\nbatch = 8\n" +
         (text ? "sequence = 7\n" : "") + "[model]\nname = \"" +
         (text ? "lstm\"\nembedding = 4\nhidden = 4" : "logistic_regression\"") +
         "\n[optimizer]\nname = \"sgd\"\nschedule = \"cosine\"\n[workers]\ncount = 4\nthreads = 1\n[strategy]\nname = "
         "\"local\"\n";
}

Job job_of(const std::string& text, const std::vector<std::string>& overrides = {}) {
  return parse_job_text(text, "job.toml", overrides);
}

// Sets the workers up as processes of their own would be, one after another. Everyone hears in a first pass what it
// gave from all, and in a second what all gave in the first.
std::vector<JobSetup> set_up_one_by_one(const Job& job) {
  std::vector<std::vector<std::uint64_t>> given;  // in each exchange, by each worker
  std::vector<JobSetup> setups;
  for (const bool knows : {false, true}) {
    setups.clear();
    for (std::uint32_t worker = 0; worker < job.workers; ++worker) {
      std::size_t exchanges = 0;
      const OneWorker only{.rank = {static_cast<std::int32_t>(worker)}, .exchange = [&](std::uint64_t own) {
                             if (given.size() == exchanges) given.emplace_back(job.workers);
                             std::vector<std::uint64_t>& all = given[exchanges++];
                             all[worker] = own;
                             return knows ? all : std::vector<std::uint64_t>(job.workers, own);
                           }};
      setups.push_back(set_up(job, Purpose::kRun, {}, only));
      EXPECT_EQ(exchanges, given.size()) << "everyone exchanges equally often";
    }
  }
  return setups;
}

std::vector<float> after_some_steps(const Training& training, Rank rank) {
  const auto learner = training.learner(rank);
  for (std::uint64_t step = 0; step < 12; ++step) learner->local_step({step});
  return {learner->params().begin(), learner->params().end()};
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

bool same_samples(const Samples& a, const Samples& b) {
  return a.pixels == b.pixels && a.values == b.values && a.labels == b.labels && a.users == b.users &&
         a.tokens == b.tokens;
}

// That each worker alone does what it does among all.
void expect_alone_as_among_all(const Job& job, const std::string& what) {
  const JobSetup all = set_up(job);
  const std::vector<JobSetup> alone = set_up_one_by_one(job);
  std::vector<float> former;
  for (Rank rank{0}; rank.value < static_cast<std::int32_t>(job.workers); ++rank.value) {
    const JobSetup& own = alone[static_cast<std::size_t>(rank.value)];
    EXPECT_EQ(own.steps(), all.steps()) << what;
    EXPECT_EQ(own.training->training_samples(), all.training->training_samples()) << what;
    EXPECT_EQ(own.training->samples_per_step(), all.training->samples_per_step()) << what;
    EXPECT_EQ(own.strategy_setting.samples, all.strategy_setting.samples) << what;
    EXPECT_EQ(own.strategy_setting.steps_per_epoch, all.strategy_setting.steps_per_epoch) << what;
    const std::vector<float> params = after_some_steps(*own.training, rank);
    EXPECT_TRUE(same_bits(params, after_some_steps(*all.training, rank))) << what << ", worker " << rank.value;
    EXPECT_FALSE(same_bits(params, former)) << what << ": workers have samples of their own";
    former = params;
    for (Rank other{0}; other.value < static_cast<std::int32_t>(job.workers); ++other.value) {
      if (other == rank) continue;
      EXPECT_THROW(own.training->learner(other), std::logic_error) << what;
    }
    if (rank.value > 0 && has_data_by_rank(job)) {
      EXPECT_EQ(own.data->test.count() + own.data->validation.count(), 0U) << what;
    } else {
      EXPECT_TRUE(same_samples(own.data->test, all.data->test)) << what;
      EXPECT_TRUE(same_samples(own.data->validation, all.data->validation)) << what;
    }
  }
}

std::string refusal(const Job& job) {
  try {
    set_up(job);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

// What each worker is told when it is set up alone.
std::string refusal_of_processes(const Job& job) {
  try {
    set_up_one_by_one(job);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

std::string refusal(const std::string& text, const std::vector<std::string>& overrides = {}) {
  try {
    job_of(text, overrides);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Inputs, AreNewerThanResultsWhereTheUserHasWrittenOneSince) {
  namespace fs = std::filesystem;
  const TemporaryFolder root;
  fs::create_directories(root.path("data"));
  for (const char* name : {"data/train.csv", "data/test.csv", "data/notes.txt", "net.pt"}) {
    testing::write_text(root.path(name), "a,label\n1,0\n");
  }
  const Job job =
      job_of(job_text("csv", root.path("data")), {"model.name=torchscript", "model.file=" + root.path("net.pt")});
  const fs::file_time_type long_ago = fs::file_time_type::clock::now() - std::chrono::hours(2);
  const fs::file_time_type written = long_ago + std::chrono::hours(1);
  const auto touch = [&](const char* name, fs::file_time_type time) { fs::last_write_time(root.path(name), time); };
  for (const char* name : {"data/train.csv", "data/test.csv", "data/notes.txt", "net.pt"}) touch(name, long_ago);
  EXPECT_FALSE(has_newer_input(job, written));
  touch("data/notes.txt", written + std::chrono::minutes(1));
  EXPECT_FALSE(has_newer_input(job, written));
  for (const char* name : {"data/train.csv", "data/test.csv", "net.pt"}) {
    touch(name, written + std::chrono::minutes(1));
    EXPECT_TRUE(has_newer_input(job, written)) << name;
    touch(name, long_ago);
  }
  fs::remove(root.path("net.pt"));
  EXPECT_FALSE(has_newer_input(job, written));
}

TEST(OneWorker, SeesTheBatchesThatItSeesAmongAllWhateverThePartition) {
  const TemporaryFolder root;
  write_femnist(root.path("data"), 403);
  const std::string text = job_text("femnist", root.path("data"));
  for (const char* partition : {"iid", "contiguous", "dirichlet:0.3", "shards:2", "skew:0.5", "user", "shared"}) {
    for (const char* validation : {"0", "0.2"}) {
      for (const char* sampling : {"fresh", "epoch"}) {
        expect_alone_as_among_all(
            job_of(text, {std::string("data.partition=") + partition, std::string("data.validation=") + validation,
                          std::string("data.sampling=") + sampling}),
            std::string(partition) + ", validation " + validation + ", " + sampling);
      }
    }
  }
}

TEST(OneWorker, SeesThemOfFilesThatTheJobNamesToo) {
  const TemporaryFolder root;
  write_femnist(root.path("data"), 403);
  const auto file = [](const std::string& key, const std::string& name) { return "data." + key + "=femnist-" + name; };
  const Job job =
      job_of(job_text("idx", root.path("data")),
             {file("train_images", "train-images-idx3-ubyte"), file("train_labels", "train-labels-idx1-ubyte"),
              file("train_users", "train-users-idx1-int32"), file("test_images", "test-images-idx3-ubyte"),
              file("test_labels", "test-labels-idx1-ubyte"), "data.partition=user"});
  expect_alone_as_among_all(job, "idx");
  EXPECT_EQ(set_up_one_by_one(job)[1].data->train.pixels.size() / set_up(job).data->shape.size(),
            set_up_one_by_one(job)[1].data->train.count());
}

TEST(OneWorker, SeesThemOfColourImagesTextAndStreamsToo) {
  const TemporaryFolder root;
  write_cifar10(root.path("cifar"));
  write_play(root.path("play"), "abcdefg\n", 2000);
  for (const char* validation : {"data.validation=0", "data.validation=0.25"}) {
    expect_alone_as_among_all(job_of(job_text("cifar10", root.path("cifar")), {validation, "data.partition=shards:1"}),
                              "cifar10");
    expect_alone_as_among_all(job_of(job_text("tinyshakespeare", root.path("play")), {validation}), "text");
  }
  expect_alone_as_among_all(job_of("[job]\nsteps = 20\n[data]\ndataset = \"graphical_model\"\nsamples = 100\n[model]\n"
                                   "name = \"logistic_regression\"\n[optimizer]\nname = \"sgd\"\n[workers]\ncount = 3\n"
                                   "[strategy]\nname = \"local\"\n"),
                            "stream");
}

TEST(OneWorker, SeesThemOfTablesToo) {
  const TemporaryFolder root;
  write_table(root.path("table"), 203, {"ant", "bee", "cow"});
  for (const char* partition : {"iid", "dirichlet:0.5", "shards:1"}) {
    for (const char* validation : {"data.validation=0", "data.validation=0.25"}) {
      expect_alone_as_among_all(job_of(job_text("csv", root.path("table")),
                                       {"data.test_file=", validation, std::string("data.partition=") + partition}),
                                std::string("csv, ") + partition);
    }
  }
  for (int worker = 0; worker < 4; ++worker) {
    write_table(root.path(std::to_string(worker)), 60 + 20 * worker, {"ant", "bee", "cow"});
  }
  const std::string by_rank = job_text("csv", root.path("{rank}"));
  expect_alone_as_among_all(job_of(by_rank, {"data.test_file=", "data.normalise=false"}), "csv, {rank}");
  EXPECT_NE(refusal(by_rank, {"data.test_file="}).find("set data.normalise = false"), std::string::npos);
  write_table(root.path("2"), 60, {"ant", "bee", "dog"});
  EXPECT_NE(refusal(job_of(by_rank, {"data.test_file=", "data.normalise=false"})).find("as many others"),
            std::string::npos);
}

TEST(OneWorker, SeesThemOfArraysToo) {
  const std::vector<std::string> files = {"data.train_file=train.npy", "data.train_labels=train_labels.npy",
                                          "data.test_file=test.npy", "data.test_labels=test_labels.npy"};
  const auto with = [&](const std::string& more) {
    std::vector<std::string> overrides = files;
    overrides.push_back(more);
    return overrides;
  };
  for (const bool bytes : {true, false}) {
    const TemporaryFolder root;
    write_arrays(root.path("arrays"), 203, bytes);
    for (const char* more : {"data.partition=iid", "data.partition=shards:1", "data.validation=0.25"}) {
      expect_alone_as_among_all(job_of(job_text("numpy", root.path("arrays")), with(more)),
                                std::string("numpy, ") + more);
    }
    for (int worker = 0; worker < 4; ++worker) {
      write_arrays(root.path(std::to_string(worker)), 60 + 20 * worker, bytes);
    }
    const Job by_rank = job_of(job_text("numpy", root.path("{rank}")), files);
    expect_alone_as_among_all(by_rank, "numpy, {rank}");
    write_arrays(root.path("2"), 60, !bytes);
    const std::string text = refusal(by_rank);
    EXPECT_NE(text.find("images of 1x3x4 in 3 classes"), std::string::npos) << text;
    EXPECT_NE(text.find("images of 1x3x4 numbers in 3 classes"), std::string::npos) << text;
    EXPECT_NE(refusal_of_processes(by_rank).find("data of worker 2 differ in kind"), std::string::npos);
  }
}

TEST(OneWorker, HoldsItsOwnSamplesAlone) {
  const TemporaryFolder root;
  write_femnist(root.path("data"), 400);
  const Job job = job_of(job_text("femnist", root.path("data")));
  const std::size_t all = set_up(job).data->train.memory();
  for (const JobSetup& own : set_up_one_by_one(job)) {
    EXPECT_EQ(own.data->train.count(), 100U);
    EXPECT_EQ(own.data->train.memory() * kWorkers, all);
  }
}

TEST(OneWorker, IsToldOfAProcessThatReadsOtherFilesUnderTheSameName) {
  const TemporaryFolder root;
  write_femnist(root.path("data"), 400);
  const Job job = job_of(job_text("femnist", root.path("data")));
  const OneWorker only{.rank = {1}, .exchange = [](std::uint64_t own) {
                         return std::vector<std::uint64_t>{own, own, own ^ 1, own};
                       }};
  try {
    set_up(job, Purpose::kRun, {}, only);
    ADD_FAILURE() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_EQ(std::string(error.what()),
              "job.toml:5: data.dir: worker 2 finds other training data there than worker 0; all must read the same "
              "files, or have folders of their own, with {rank} in the name");
  }
}

TEST(DataByRank, EachWorkerTrainsOnTheSamplesOfItsFolder) {
  const TemporaryFolder root;
  for (std::uint32_t worker = 0; worker < kWorkers; ++worker) {
    const std::string number = std::to_string(worker);
    write_femnist(root.path("site/" + number + "/" + number + "-femnist"), 60 + 20 * worker);
  }
  const std::string text = job_text("femnist", root.path("site/{rank}/{rank}-femnist"));
  for (const std::vector<std::string>& overrides :
       {std::vector<std::string>{}, std::vector<std::string>{"data.validation=0.2", "data.sampling=epoch"}}) {
    const Job job = job_of(text, overrides);
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
  expect_alone_as_among_all(job_of(job_text("femnist", root.path("{rank}"))), "images");
  std::filesystem::remove(root.path("0/femnist-test-images-idx3-ubyte"));
  EXPECT_NE(
      refusal(job_of(job_text("femnist", root.path("{rank}")))).find("femnist-test-images-idx3-ubyte.gz: no such"),
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
  const std::string missing = refusal(job_of(images));
  EXPECT_EQ(missing.find("job.toml:5: " + root.path("2/images/train-images-idx3-ubyte.gz") + ": no such file"), 0U)
      << missing;
  EXPECT_EQ(refusal_of_processes(job_of(images)), missing);

  std::filesystem::create_directories(root.path("2/images"));
  testing::write_idx(root.path("2/images/train-images-idx3-ubyte"), {4, 5, 6}, std::vector<std::uint8_t>(120, 7));
  testing::write_idx(root.path("2/images/train-labels-idx1-ubyte"), {4}, {0, 1, 2, 3});
  const std::string agree =
      "; all workers learn one model: give them data of one size and type, with the same classes, and of text the same "
      "words";
  EXPECT_EQ(refusal(job_of(images)), "job.toml:5: data.dir: " + root.path("2/images") +
                                         " has images of 1x5x6 in 10 classes and " + root.path("0/images") +
                                         " images of 1x6x6 in 10 classes" + agree);
  EXPECT_EQ(refusal_of_processes(job_of(images)),
            "job.toml:5: data.dir: the data of worker 2 differ in kind from worker 0's; " + root.path("0/images") +
                " has images of 1x6x6 in 10 classes" + agree);

  write_play(root.path("2/play"), "abd\n", 800);
  EXPECT_EQ(refusal(job_of(plays)), "job.toml:5: data.dir: " + root.path("2/play") +
                                        " has text of 5 different tokens and " + root.path("0/play") +
                                        " as many others" + agree);
  EXPECT_NE(refusal_of_processes(job_of(plays)).find("the data of worker 2 differ"), std::string::npos);
  write_play(root.path("2/play"), "abc\n", 900);
  expect_alone_as_among_all(job_of(plays), "text of one vocabulary");
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
  const std::string resolved = job_of(text).resolved_text();
  EXPECT_EQ(resolved.find("partition"), std::string::npos);
  EXPECT_NE(resolved.find("dir = \"/site/{rank}/mnist\"\n"), std::string::npos);
  EXPECT_EQ(job_of(resolved).resolved_text(), resolved);
  std::string dealt = job_text("mnist", "/mnist");
  dealt.replace(dealt.find("batch = 8"), 9, "partition = \"shards:2\"");
  EXPECT_EQ(job_of(dealt, {"data.dir=/site/{rank}"}).section("data").text("partition"), "iid");
}

}  // namespace
}  // namespace laconic
