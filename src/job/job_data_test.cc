#include "job/job_data.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "job/one_worker_test.h"
#include "job/wiring.h"
#include "training/formats/test_archive.h"

namespace laconic {
namespace {

using testing::TemporaryFolder;

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

TEST(Inputs, AreNewerThanResultsWhereTheUserHasWrittenOneSince) {
  namespace fs = std::filesystem;
  const TemporaryFolder root;
  fs::create_directories(root.path("data"));
  for (const char* name : {"data/train.csv", "data/test.csv", "data/notes.txt", "net.pt"}) {
    testing::write_text(root.path(name), "a,label\n1,0\n");
  }
  const Job job =
      parse(job_text("csv", root.path("data")), {"model.name=torchscript", "model.file=" + root.path("net.pt")});
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
            parse(text, {std::string("data.partition=") + partition, std::string("data.validation=") + validation,
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
      parse(job_text("idx", root.path("data")),
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
    expect_alone_as_among_all(parse(job_text("cifar10", root.path("cifar")), {validation, "data.partition=shards:1"}),
                              "cifar10");
    expect_alone_as_among_all(parse(job_text("tinyshakespeare", root.path("play")), {validation}), "text");
  }
  expect_alone_as_among_all(parse("[job]\nsteps = 20\n[data]\ndataset = \"graphical_model\"\nsamples = 100\n[model]\n"
                                  "name = \"logistic_regression\"\n[optimizer]\nname = \"sgd\"\n[workers]\ncount = 3\n"
                                  "[strategy]\nname = \"local\"\n"),
                            "stream");
}

TEST(OneWorker, SeesThoseOfItsUsers) {
  const TemporaryFolder root;
  RandomStream stream(1, "test table");
  std::string table = "site,a,label\n";
  for (int line = 0; line < 203; ++line) {
    table += "site " + std::to_string(stream.below(9)) + "," + std::to_string(stream.gaussian()) + "," +
             std::to_string(stream.below(3)) + "\n";
  }
  std::filesystem::create_directories(root.path("sites"));
  testing::write_text(root.path("sites/train.csv"), table);
  const std::string text = job_text("csv", root.path("sites"));
  const std::vector<std::string> by_user = {"data.user=site", "data.partition=user", "data.test_file="};
  expect_alone_as_among_all(parse(text, by_user), "by user");
  const JobSetup setup = set_up(parse(text, by_user));
  std::map<std::uint32_t, std::size_t> worker_of;
  for (std::size_t worker = 0; worker < setup.partition.size(); ++worker) {
    for (const std::uint32_t sample : setup.partition[worker]) {
      EXPECT_EQ(worker_of.try_emplace(setup.data->train.users[sample], worker).first->second, worker);
    }
  }
  EXPECT_EQ(worker_of.size(), 9U);
  EXPECT_NE(refusal(parse(text, {"data.user=site", "data.partition=user", "data.test_file=", "workers.count=10"}))
                .find("there are 9 users for 10 workers"),
            std::string::npos);
  EXPECT_NE(refusal(parse(text, {"data.label=3", "data.partition=user", "data.test_file=", "data.header=yes"}))
                .find("column 1 ('site'): 'site"),
            std::string::npos);
}

TEST(OneWorker, SeesThemOfTablesToo) {
  const TemporaryFolder root;
  write_table(root.path("table"), 203, {"ant", "bee", "cow"});
  for (const char* partition : {"iid", "dirichlet:0.5", "shards:1"}) {
    for (const char* validation : {"data.validation=0", "data.validation=0.25"}) {
      expect_alone_as_among_all(parse(job_text("csv", root.path("table")),
                                      {"data.test_file=", validation, std::string("data.partition=") + partition}),
                                std::string("csv, ") + partition);
    }
  }
  for (int worker = 0; worker < 4; ++worker) {
    write_table(root.path(std::to_string(worker)), 60 + 20 * worker, {"ant", "bee", "cow"});
  }
  const std::string by_rank = job_text("csv", root.path("{rank}"));
  expect_alone_as_among_all(parse(by_rank, {"data.test_file=", "data.normalise=false"}), "csv, {rank}");
  EXPECT_NE(refusal(by_rank, {"data.test_file="}).find("set data.normalise = false"), std::string::npos);
  write_table(root.path("2"), 60, {"ant", "bee", "dog"});
  EXPECT_NE(refusal(parse(by_rank, {"data.test_file=", "data.normalise=false"})).find("as many others"),
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
      expect_alone_as_among_all(parse(job_text("numpy", root.path("arrays")), with(more)),
                                std::string("numpy, ") + more);
    }
    for (int worker = 0; worker < 4; ++worker) {
      write_arrays(root.path(std::to_string(worker)), 60 + 20 * worker, bytes);
    }
    const Job by_rank = parse(job_text("numpy", root.path("{rank}")), files);
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
  const Job job = parse(job_text("femnist", root.path("data")));
  const std::size_t all = set_up(job).data->train.memory();
  for (const JobSetup& own : set_up_one_by_one(job)) {
    EXPECT_EQ(own.data->train.count(), 100U);
    EXPECT_EQ(own.data->train.memory() * kWorkers, all);
  }
}

TEST(OneWorker, IsToldOfAProcessThatReadsOtherFilesUnderTheSameName) {
  const TemporaryFolder root;
  write_femnist(root.path("data"), 400);
  const Job job = parse(job_text("femnist", root.path("data")));
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

}  // namespace
}  // namespace laconic
