// A run that stops, whatever stops it, and goes on from its checkpoint ends as one that never stopped.
#include "job/checkpoints.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "cli/commands.h"
#include "job/tiny_job_test.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;
using testing::read_text;
using testing::TemporaryFolder;
using testing::write_text;
using Json = nlohmann::json;

constexpr std::uint64_t kEvery = 5;  // steps from one checkpoint to the next

const char* const kFda = "[strategy]\nname = \"fda\"\nthreshold = 0.05\n";
const char* const kAdam = "[optimizer]\nname = \"adam\"\nlearning_rate = 0.01\n";
const char* const kMomentum = "[optimizer]\nname = \"sgd\"\nlearning_rate = 0.1\nmomentum = 0.9\n";
const char* const kImages = "[model]\nname = \"mlp\"\nhidden = 8\n";
const char* const kTextWithDropout = "[model]\nname = \"lstm\"\nlayers = 2\nhidden = 6\nembedding = 4\ndropout = 0.3\n";

// What a run came to.
struct Results {
  std::string model;
  std::string metrics;
  Json summary;
};

class Checkpoints : public ::testing::Test {
 protected:
  Checkpoints() {
    testing::write_tiny_data(root_.path("data"));
    RandomStream stream(1, "play");
    const std::string alphabet = "to be, or not\n";
    std::string play;
    for (int i = 0; i < 4000; ++i) play += alphabet[stream.below(alphabet.size())];
    write_text(root_.path("data/tinyshakespeare.txt"), play);
  }

  // A job of 40 steps by each of four workers. Its results go where --set output.dir says.
  std::string job(const std::string& strategy = kFda, const std::string& optimizer = kAdam,
                  const std::string& model = kImages) {
    const std::string dataset =
        model == kImages ? "dataset = \"mnist\"" : "dataset = \"tinyshakespeare\"\nsequence = 7";
    write_text(root_.path("job.toml"),
               "[job]\nname = \"a\"\nsteps = 40\n[data]\n" + dataset + "\ndir = \"" + root_.path("data") +
                   "\"\nbatch = 8\n" + model + optimizer + "[workers]\ncount = 4\nthreads = 1\ncompute = [\"1 ms\", " +
                   "\"2 ms\", \"3 ms\", \"4 ms\"]\n" + strategy + "[evaluation]\nevery = \"10 steps\"\n" +
                   "[checkpoint]\nevery = \"" + std::to_string(kEvery) + " steps\"\n[output]\nprogress = \"off\"\n");
    return root_.path("job.toml");
  }
  std::string runs(const std::string& name) const { return root_.path("runs/" + name); }
  std::string checkpoint(const std::string& name, std::uint64_t step) const {
    std::string digits = std::to_string(step);
    digits.insert(0, 12 - digits.size(), '0');
    return runs(name) + ".checkpoint/step-" + digits;
  }

  ExitCode run(const std::string& file, const std::string& name, std::vector<std::string> overrides = {}) {
    overrides.push_back("output.dir=" + runs(name));
    return run_command(console_, {.job_file = file, .overrides = std::move(overrides)});
  }
  ExitCode resume(const std::string& name, std::vector<std::string> overrides = {}, const std::string& file = {}) {
    return run_command(console_, {.job_file = file, .overrides = std::move(overrides), .resume = runs(name)});
  }
  // Interrupts what goes on a little later than the checkpoint of a step was made.
  void interrupt_after(const std::string& name, std::uint64_t step) {
    console_.interrupted = [manifest = checkpoint(name, step) + "/manifest", asked = 0]() mutable {
      constexpr int kLater = 25;
      return fs::exists(manifest) && ++asked > kLater;
    };
  }
  void run_into_interrupt(const std::string& file, const std::string& name, std::uint64_t step) {
    interrupt_after(name, step);
    ASSERT_EQ(run(file, name), ExitCode::kInterrupted) << err_.str();
    console_.interrupted = {};
  }

  Results results(const std::string& name) const {
    Results results{.model = read_text(runs(name) + "/model.safetensors"),
                    .metrics = read_text(runs(name) + "/metrics.jsonl"),
                    .summary = Json::parse(read_text(runs(name) + "/summary.json"))};
    // Of the process, not of the run.
    results.summary.erase("wall_s");
    results.summary.erase("resumed_step");
    return results;
  }
  void expect_same(const std::string& name, const std::string& other) const {
    const Results one = results(name);
    const Results two = results(other);
    EXPECT_FALSE(one.model.empty());
    EXPECT_TRUE(one.model == two.model) << "the models differ";
    EXPECT_EQ(one.metrics, two.metrics);
    EXPECT_EQ(one.summary.at("trace_hash"), two.summary.at("trace_hash"));
    EXPECT_EQ(one.summary, two.summary);
  }

  std::string refusal(const std::function<void()>& action) const {
    try {
      action();
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  }
  static void expect_part(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }

  TemporaryFolder root_;
  std::ostringstream out_;
  std::ostringstream err_;
  Console console_{.out = out_, .err = err_, .interrupted = {}};
};

struct Kind {
  const char* name;
  const char* strategy;
  const char* optimizer;
  const char* model;
};

class CheckpointsOf : public Checkpoints, public ::testing::WithParamInterface<Kind> {};

TEST_P(CheckpointsOf, ARunThatWasInterruptedTwiceEndsAsOneThatNeverStopped) {
  const std::string file = job(GetParam().strategy, GetParam().optimizer, GetParam().model);
  ASSERT_EQ(run(file, "whole"), ExitCode::kDone) << err_.str();
  EXPECT_FALSE(fs::exists(runs("whole") + ".checkpoint")) << "a finished run needs none";

  run_into_interrupt(file, "broken", 3 * kEvery);
  EXPECT_EQ(results("broken").summary.at("end"), "interrupted");
  EXPECT_FALSE(fs::exists(checkpoint("broken", kEvery))) << "two are kept";
  interrupt_after("broken", 6 * kEvery);
  ASSERT_EQ(resume("broken"), ExitCode::kInterrupted) << err_.str();
  console_.interrupted = {};
  ASSERT_EQ(resume("broken"), ExitCode::kDone) << err_.str();
  expect_same("broken", "whole");
  EXPECT_FALSE(fs::exists(runs("broken") + ".checkpoint"));
  EXPECT_EQ(Json::parse(read_text(runs("broken") + "/summary.json")).at("resumed_step"), 6 * kEvery);
  EXPECT_FALSE(Json::parse(read_text(runs("whole") + "/summary.json")).contains("resumed_step"));
}

TEST_P(CheckpointsOf, APlanPredictsTheirSize) {
  // Large enough that names and counts are nothing beside the vectors.
  const bool images = GetParam().model == kImages;
  const std::string file = job(GetParam().strategy, GetParam().optimizer, GetParam().model);
  const std::string larger = images ? "model.hidden=200" : "model.hidden=24";
  console_.width = 1000;
  ASSERT_EQ(
      run_command(console_, {.job_file = file, .overrides = {larger, "output.dir=" + runs("a")}, .dry_run = true}),
      ExitCode::kDone);
  const std::string plan = out_.str();
  const std::string begin = "7, each of about ";
  const std::size_t from = plan.find(begin);
  ASSERT_NE(from, std::string::npos) << plan;
  const std::string size = plan.substr(from + begin.size(), plan.find(" (", from) - from - begin.size());
  const auto planned = static_cast<double>(parse_bytes(size).value);

  interrupt_after("a", 2 * kEvery);
  ASSERT_EQ(run(file, "a", {larger}), ExitCode::kInterrupted);
  double bytes = 0.0;
  for (const auto& part : fs::directory_iterator(checkpoint("a", 2 * kEvery))) {
    if (part.path().filename() != kJobPart) bytes += static_cast<double>(part.file_size());
  }
  // Of strategies over links it counts a vector in which they compute too.
  const double tolerance = plan.find("sparse_push") != std::string::npos ? 0.15 : 0.05;
  EXPECT_NEAR(planned, bytes, tolerance * bytes) << plan;
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, CheckpointsOf,
    ::testing::Values(
        Kind{"FdaWithAdam", kFda, kAdam, kImages}, Kind{"FdaWithDropout", kFda, kMomentum, kTextWithDropout},
        Kind{"ChocoWithMomentum",
             "[strategy]\nname = \"choco\"\ngamma = 0.3\n[topology]\ngraph = \"ring\"\n[compression]\noperator = "
             "\"top_k\"\nratio = 0.1\n",
             kMomentum, kImages},
        Kind{"ChocoWithDropout",
             "[strategy]\nname = \"choco\"\ngamma = 0.4\n[topology]\ngraph = \"ring\"\n[compression]\noperator = "
             "\"sign\"\n",
             kAdam, kTextWithDropout},
        Kind{"SparsePushWithDropout",
             "[strategy]\nname = \"sparse_push\"\ngamma = 0.1\nmemory = \"difference\"\n[topology]\ngraph = "
             "\"one_peer\"\n[compression]\noperator = \"top_k\"\nratio = 0.1\n",
             kMomentum, kTextWithDropout},
        Kind{"AsynchronousSparsePushWithAdam",
             "[strategy]\nname = \"sparse_push\"\ngamma = 0.1\nmemory = \"error\"\norder = \"asynchronous\"\n"
             "[topology]\ngraph = \"directed_ring\"\n[compression]\noperator = \"top_k\"\nratio = 0.1\n[network]\n"
             "loss = 0.2\nduplication = 0.1\n",
             kAdam, kImages}),
    [](const auto& info) { return info.param.name; });

TEST_F(Checkpoints, TheNumberOfThreadsMayChange) {
  const std::string file = job();
  ASSERT_EQ(run(file, "whole"), ExitCode::kDone);
  run_into_interrupt(file, "broken", 2 * kEvery);
  EXPECT_EQ(resume("broken", {"workers.threads=2", "checkpoint.keep=1"}), ExitCode::kDone) << err_.str();
  expect_same("broken", "whole");
}

TEST_F(Checkpoints, AnotherJobIsRefusedAndTheKeyNamed) {
  const std::string file = job();
  run_into_interrupt(file, "a", 2 * kEvery);
  const std::string by_key = refusal([&] { resume("a", {"optimizer.learning_rate=0.02"}); });
  expect_part(by_key, "optimizer.learning_rate is 0.01 in the checkpoint and 0.02 in the job");
  job(kFda, kMomentum);
  const std::string by_file = refusal([&] { resume("a", {}, file); });
  expect_part(by_file, "optimizer.");
  job();
  EXPECT_EQ(resume("a", {}, file), ExitCode::kDone) << "the same job by its file";
}

TEST_F(Checkpoints, ARunWithoutACheckpointIsNotResumed) {
  expect_part(refusal([&] { resume("none"); }), "runs/none.checkpoint: holds no complete checkpoint");
  const std::string file = job();
  ASSERT_EQ(run(file, "finished"), ExitCode::kDone);
  expect_part(refusal([&] { resume("finished"); }), "runs/finished: has results, and no checkpoint beside it");
  run_into_interrupt(file, "a", kEvery);
  fs::remove(checkpoint("a", kEvery) + "/manifest");
  expect_part(refusal([&] { resume("a"); }), "runs/a: has results, and no checkpoint beside it");
}

TEST_F(Checkpoints, AreForTheRuntimeThatMadeThem) {
  run_into_interrupt(job(), "a", kEvery);
  EXPECT_EQ(find_run_to_resume(runs("a"), RuntimeKind::kSimulator).manifest.step, Step{kEvery});
  const std::string of_simulator = refusal([&] { find_run_to_resume(runs("a"), RuntimeKind::kProcesses); });
  expect_part(of_simulator, "was made in the simulator");
  expect_part(of_simulator, "go on without a launcher: laconic run --resume " + runs("a"));

  // As three processes leave one.
  const Job of_processes =
      load_job(job(), std::vector<std::string>{"output.dir=" + runs("b"), "workers.count=3", "workers.compute=1 ms"});
  {
    JobCheckpoints keeper(of_processes, RuntimeKind::kProcesses, true);
    std::vector<PartRecord> parts;
    for (const char* part : {"coordinator", "worker-0", "worker-1", "worker-2"}) {
      parts.push_back(keeper.save(Step{kEvery}, part, {}));
    }
    keeper.complete(Step{kEvery}, std::move(parts));
  }
  const std::string text = refusal([&] { resume("b"); });
  expect_part(text, "was made over MPI");
  EXPECT_TRUE(text.ends_with("with as many processes: mpirun -n 3 laconic run --resume " + runs("b"))) << text;
}

TEST_F(Checkpoints, ARunFromTheBeginningDoesNotTakeThePlaceOfACheckpoint) {
  const std::string file = job();
  run_into_interrupt(file, "a", 2 * kEvery);
  const std::string text = refusal([&] { run(file, "a"); });
  expect_part(text, "an earlier run has left a checkpoint of step 10");
  expect_part(text, "laconic run --resume " + runs("a"));
  EXPECT_TRUE(fs::exists(checkpoint("a", 2 * kEvery) + "/manifest"));
  EXPECT_EQ(results("a").summary.at("end"), "interrupted") << "its results stay too";
  fs::remove_all(runs("a") + ".checkpoint");
  EXPECT_EQ(run(file, "a"), ExitCode::kDone);
}

TEST_F(Checkpoints, WhatAnUnfinishedSaveHasLeftIsInNobodysWay) {
  const std::string file = job();
  run_into_interrupt(file, "a", kEvery);
  fs::remove(checkpoint("a", kEvery) + "/manifest");
  EXPECT_EQ(run(file, "a"), ExitCode::kDone) << err_.str();
}

TEST_F(Checkpoints, ADamagedPartIsNamedAndADamagedManifestPassedOver) {
  const std::string file = job();
  ASSERT_EQ(run(file, "whole"), ExitCode::kDone);
  run_into_interrupt(file, "a", 2 * kEvery);
  const std::string part = checkpoint("a", 2 * kEvery) + "/worker-2";
  const std::string good = read_text(part);
  std::string bad = good;
  bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
  write_text(part, bad);
  ExitCode code = ExitCode::kDone;
  try {
    code = resume("a");
  } catch (...) {
    code = report_error(console_);
  }
  EXPECT_EQ(code, ExitCode::kBadUsage);
  expect_part(err_.str(), part);
  write_text(part, good);

  write_text(checkpoint("a", 2 * kEvery) + "/manifest", "nothing");
  EXPECT_EQ(resume("a"), ExitCode::kDone);
  expect_part(err_.str(), "passed over " + checkpoint("a", 2 * kEvery));
  expect_same("a", "whole");
}

// The program itself, started in the background.
class Program {
 public:
  explicit Program(std::vector<std::string> arguments) {
    std::vector<char*> words;
    for (std::string& argument : arguments) words.push_back(argument.data());
    words.push_back(nullptr);
    const int failure = posix_spawn(&id_, words.front(), nullptr, nullptr, words.data(), environ);
    if (failure != 0) throw std::runtime_error(arguments.front() + " does not start");
  }
  // How it ended, having been killed unless it had ended before.
  int kill_now() {
    int status = 0;
    kill(id_, SIGKILL);
    waitpid(id_, &status, 0);
    return status;
  }

 private:
  pid_t id_ = 0;
};

TEST_F(Checkpoints, AKilledProgramGoesOnFromItsNewestCheckpoint) {
  const std::string file = job();
  const std::vector<std::string> longer = {"job.steps=150", "evaluation.every=50 steps"};
  ASSERT_EQ(run(file, "whole", longer), ExitCode::kDone);
  // Killed once the first checkpoint is whole, and while the parts of a later one are written.
  for (const std::string& sign : {checkpoint("a", kEvery) + "/manifest", checkpoint("b", 4 * kEvery)}) {
    const std::string name = sign.find("/a.checkpoint") != std::string::npos ? "a" : "b";
    Program program(
        {LACONIC_PROGRAM, "run", file, "--set", longer[0], "--set", longer[1], "--set", "output.dir=" + runs(name)});
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while (!fs::exists(sign) && std::chrono::steady_clock::now() < end) {
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
    const int status = program.kill_now();
    ASSERT_TRUE(WIFSIGNALED(status)) << "it had ended";
    EXPECT_FALSE(fs::exists(runs(name))) << "it left results";
    EXPECT_EQ(resume(name), ExitCode::kDone) << err_.str();
    expect_same(name, "whole");
  }
}

}  // namespace
}  // namespace laconic
