// A run that goes on otherwise than it began: for longer, with other workers, from another folder.
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "cli/commands_test.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;
using testing::read_text;
using testing::Within;

class TrainOn : public CommandTest {
 protected:
  std::vector<std::string> kept(std::vector<std::string> more = {}) const {
    more.insert(more.begin(), {"checkpoint.every=8 steps", "checkpoint.keep_last=true"});
    return more;
  }
  ExitCode resume(const std::string& name, const std::vector<std::string>& overrides) {
    return run_command(console_, {.job_file = "", .overrides = overrides, .resume = root_.path("runs/" + name)});
  }
  ExitCode resume_from(const std::string& folder) {
    return run_command(console_, {.job_file = "", .overrides = {}, .resume = root_.path(folder)});
  }
  // Interrupts after the checkpoint of step 16.
  void run_into_interrupt(const std::string& path, const std::vector<std::string>& overrides, const std::string& name) {
    console_.interrupted = [manifest = root_.path("runs/" + name + ".checkpoint/step-000000000016/manifest")] {
      return fs::exists(manifest);
    };
    ASSERT_EQ(run(path, overrides), ExitCode::kInterrupted) << err_.str();
    console_.interrupted = {};
  }
  std::string refusal(const std::function<void()>& action) const {
    try {
      action();
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  }
  void expect_part(const std::string& text, const std::string& part) const {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
  void expect_same(const std::string& one, const std::string& other) const {
    for (const char* file : {"/model.safetensors", "/model.best.safetensors"}) {
      // Their names differ within.
      std::string a = read_text(root_.path("runs/" + one + file));
      std::string b = read_text(root_.path("runs/" + other + file));
      ASSERT_FALSE(a.empty());
      EXPECT_EQ(a.size(), b.size());
      EXPECT_EQ(a.substr(a.size() / 4), b.substr(b.size() / 4)) << file;
    }
    EXPECT_EQ(read_text(root_.path("runs/" + one + "/metrics.jsonl")),
              read_text(root_.path("runs/" + other + "/metrics.jsonl")));
    EXPECT_EQ(summary(one).at("trace_hash"), summary(other).at("trace_hash"));
  }
};

TEST_F(TrainOn, AFinishedRunThatIsTrainedOnIsTheOneThatWasLongerFromTheBeginning) {
  ASSERT_EQ(run(job("b"), kept({"job.steps=80"})), ExitCode::kDone) << err_.str();
  ASSERT_EQ(run(job("a"), kept()), ExitCode::kDone) << err_.str();
  EXPECT_EQ(summary("a").at("steps"), 40);
  printed();
  ASSERT_EQ(resume("a", {"job.steps=80"}), ExitCode::kDone) << err_.str();
  expect_part(printed(), "goes on after step 32");
  EXPECT_EQ(summary("a").at("steps"), 80);
  expect_same("a", "b");
}

TEST_F(TrainOn, ARunThatWasInterruptedMayBecomeLongerToo) {
  ASSERT_EQ(run(job("b"), kept({"job.steps=60"})), ExitCode::kDone);
  run_into_interrupt(job("a"), kept(), "a");
  ASSERT_EQ(resume("a", {"job.steps=60", "job.until=loss < 0"}), ExitCode::kDone) << err_.str();
  expect_same("a", "b");
}

TEST_F(TrainOn, WhatIsNotAsItWouldHaveBeenIsSaid) {
  const std::vector<std::string> cosine = {"optimizer.schedule=cosine"};
  ASSERT_EQ(run(job("a"), kept(cosine)), ExitCode::kDone);
  printed();
  ASSERT_EQ(resume("a", {"job.steps=80"}), ExitCode::kDone);
  expect_part(printed(), "the cosine of the learning rate is that of the new length from here on");
}

TEST_F(TrainOn, AnotherJobIsRefusedAndNotItsLength) {
  ASSERT_EQ(run(job("a"), kept()), ExitCode::kDone);
  expect_part(refusal([&] {
                resume("a", {"job.steps=80", "optimizer.learning_rate=0.5"});
              }),
              "optimizer.learning_rate is 0.01 in the checkpoint and 0.5 in the job");
  expect_part(refusal([&] { resume("a", {"job.steps=32"}); }), "has taken 32 of 32 steps; give more to train on");
}

TEST_F(TrainOn, NothingIsAskedForThatWouldKeepNothing) {
  expect_part(refusal([&] { run(job("a"), {"checkpoint.keep_last=true"}); }),
              "checkpoint.keep_last: no checkpoints are made; set checkpoint.every");
  expect_part(refusal([&] {
                run(job("a"), {"checkpoint.keep_last=true", "checkpoint.every=40 steps"});
              }),
              "checkpoint.keep_last: no checkpoint is made before the last step");
  ASSERT_EQ(run(job("a"), {"checkpoint.every=8 steps"}), ExitCode::kDone);
  expect_part(refusal([&] { resume("a", {"job.steps=80"}); }), "unless checkpoint.keep_last = true");
}

TEST_F(TrainOn, OtherWorkersGoOnFromTheCommonModel) {
  for (const char* strategy : {kFdaSection, "name = \"fedavg\"\nperiod = 4", "name = \"synchronous\""}) {
    fs::remove_all(root_.path("runs"));
    run_into_interrupt(job("a", strategy), kept(), "a");
    const double before = summary("a").at("test").at("loss");
    printed();
    ASSERT_EQ(resume("a", {"workers.count=7", "job.steps=40"}), ExitCode::kDone) << err_.str();
    expect_part(printed(), "goes on with 7 workers, 4 until now, from their common model after step 16: states of");
    EXPECT_EQ(summary("a").at("workers"), 7);
    EXPECT_EQ(summary("a").at("steps"), 40);
    EXPECT_LT(summary("a").at("test").at("loss"), before) << strategy;
    // The measurement of step 10 is the former workers'.
    const std::string metrics = read_text(root_.path("runs/a/metrics.jsonl"));
    expect_part(metrics, "\"type\":\"measurement\",\"step\":10,");
    expect_part(metrics, "\"type\":\"measurement\",\"step\":20,");
  }
}

TEST_F(TrainOn, TheCommonModelIsTheAverageOfAllWorkers) {
  run_into_interrupt(job("a", "name = \"local\""), kept({"optimizer.name=sgd", "optimizer.learning_rate=0.2"}), "a");
  // Without a step of any size the new workers have what the former ones had on average in step 16 of the same job.
  ASSERT_EQ(run(job("b", "name = \"local\""), {"optimizer.name=sgd", "optimizer.learning_rate=0.2", "job.steps=16"}),
            ExitCode::kDone);
  const double average = summary("b").at("test").at("loss");
  ASSERT_EQ(resume("a", {"workers.count=3", "job.steps=17"}), ExitCode::kDone) << err_.str();
  const double after = summary("a").at("test").at("loss");
  EXPECT_NEAR(after, average, 0.1 * average) << "one small step from it";
}

TEST_F(TrainOn, OtherWorkersNeedTheStepsInAll) {
  run_into_interrupt(job("a"), kept({"job.epochs=5"}), "a");
  expect_part(refusal([&] { resume("a", {"workers.count=7"}); }),
              "workers.count: with other workers an epoch has another number of steps; say how many steps the run has "
              "in all, 16 of which are taken, with --set job.steps");
}

TEST_F(TrainOn, FromAnotherFolderItIsTheSameRun) {
  ASSERT_EQ(run(job("b"), kept()), ExitCode::kDone);
  fs::create_directories(root_.path("elsewhere"));
  const std::string path = job("a");
  {
    const Within first(root_.path(""));
    run_into_interrupt(path, kept({"data.dir=data", "output.dir=runs/a"}), "a");
  }
  {
    const Within other(root_.path("elsewhere"));
    ASSERT_EQ(run_command(console_, {.job_file = "", .overrides = {}, .resume = "../runs/a"}), ExitCode::kDone)
        << err_.str();
  }
  expect_same("a", "b");
}

TEST_F(TrainOn, AMovedTreeIsFoundAndMissingDataAreLookedForWhereItSays) {
  fs::create_directories(root_.path("first"));
  fs::rename(root_.path("data"), root_.path("first/data"));
  const std::string path = job("a");
  {
    const Within first(root_.path("first"));
    console_.interrupted = [] { return fs::exists("runs/a.checkpoint/step-000000000016/manifest"); };
    ASSERT_EQ(run(path, kept({"data.dir=data", "output.dir=runs/a"})), ExitCode::kInterrupted) << err_.str();
    console_.interrupted = {};
  }
  fs::rename(root_.path("first/data"), root_.path("first/gone"));
  const std::string missing =
      refusal([&] { run_command(console_, {.job_file = "", .overrides = {}, .resume = root_.path("first/runs/a")}); });
  expect_part(missing, root_.path("first/data") + ": no such folder");
  fs::rename(root_.path("first/gone"), root_.path("first/data"));
  fs::rename(root_.path("first"), root_.path("second"));
  EXPECT_EQ(run_command(console_, {.job_file = "", .overrides = {}, .resume = root_.path("second/runs/a")}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_TRUE(exists("second/runs/a/model.safetensors"));
}

TEST_F(TrainOn, ATreeThatMovedWithItsJobFileGoesOnAgainAndAgain) {
  fs::create_directories(root_.path("first/jobs"));
  fs::rename(root_.path("data"), root_.path("first/data"));
  fs::rename(job("a"), root_.path("first/jobs/a.toml"));
  const std::vector<std::string> paths = {"data.dir=data", "output.dir=runs/a"};
  {
    const Within first(root_.path("first"));
    console_.interrupted = [] { return fs::exists("runs/a.checkpoint/step-000000000016/manifest"); };
    ASSERT_EQ(run("jobs/a.toml", kept(paths)), ExitCode::kInterrupted) << err_.str();
  }
  fs::rename(root_.path("first"), root_.path("second"));
  console_.interrupted = [&] { return exists("second/runs/a.checkpoint/step-000000000024/manifest"); };
  ASSERT_EQ(resume_from("second/runs/a"), ExitCode::kInterrupted) << err_.str();
  console_.interrupted = {};
  fs::rename(root_.path("second"), root_.path("third"));
  ASSERT_EQ(resume_from("third/runs/a"), ExitCode::kDone) << err_.str();
  expect_part(read_text(root_.path("third/runs/a/job.resolved.toml")),
              "# relative paths are taken from " + root_.path("third/jobs") + "\n");

  fs::remove_all(root_.path("third/data"));
  const std::string gone = refusal([&] {
    run_command(console_, {.job_file = "", .overrides = {"job.steps=80"}, .resume = root_.path("third/runs/a")});
  });
  expect_part(gone, root_.path("third/data") + ": no such folder");
}

}  // namespace
}  // namespace laconic
