#include <gtest/gtest.h>

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "cli/commands.h"
#include "job/results.h"
#include "job/tiny_job_test.h"

namespace laconic {
namespace {

using testing::read_text;
using testing::TemporaryFolder;
using testing::tiny_job_text;
using testing::write_text;
using Json = nlohmann::json;

class Sweeps : public ::testing::Test {
 protected:
  Sweeps() { testing::write_tiny_data(root_.path("data")); }

  std::string job(const std::string& name, const std::string& more = {}) {
    const std::string path = root_.path(name + ".toml");
    write_text(path, tiny_job_text(root_, name, "name = \"fda\"\nthreshold = 0.05") + more);
    return path;
  }
  std::string synchronous(const std::string& name) {
    const std::string path = root_.path(name + ".toml");
    write_text(path, tiny_job_text(root_, name, "name = \"synchronous\""));
    return path;
  }
  ExitCode sweep(std::vector<std::string> words, const std::vector<std::string>& grid, bool dry_run = false) {
    words.insert(words.end(), grid.begin(), grid.end());
    return sweep_command(console_, {.jobs_and_values = std::move(words), .overrides = {}, .dry_run = dry_run});
  }
  ExitCode sweep(const std::string& path, const std::vector<std::string>& grid, bool dry_run = false) {
    return sweep(std::vector{path}, grid, dry_run);
  }
  std::string refusal(const std::string& path, const std::vector<std::string>& grid) {
    return refusal(std::vector{path}, grid);
  }
  std::string refusal(const std::vector<std::string>& jobs, const std::vector<std::string>& grid) {
    try {
      sweep(jobs, grid);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  }
  std::string printed() { return std::exchange(out_, std::ostringstream()).str(); }
  std::string file(const std::string& name) const { return read_text(root_.path("runs/" + name)); }
  bool exists(const std::string& name) const { return std::filesystem::exists(root_.path("runs/" + name)); }

  TemporaryFolder root_;
  std::ostringstream out_;
  std::ostringstream err_;
  Console console_{.out = out_, .err = err_, .width = 200, .interrupted = {}};
};

TEST_F(Sweeps, ThatStartTwiceAtOnceShareTheRunsAndBothEndWithTheWholeTable) {
  const std::string path = job("shared");
  const std::vector<std::string> grid = {"strategy.threshold=0.02,0.5", "seed=1..3"};
  std::array<std::ostringstream, 2> outputs;
  std::array<ExitCode, 2> codes{};
  std::array<std::thread, 2> shells;
  for (std::size_t shell = 0; shell < shells.size(); ++shell) {
    shells[shell] = std::thread([&, shell] {
      std::ostringstream errors;
      Console console{.out = outputs[shell], .err = errors, .width = 200, .interrupted = {}};
      std::vector<std::string> words = grid;
      words.insert(words.begin(), path);
      codes[shell] = sweep_command(console, {.jobs_and_values = words, .overrides = {}, .dry_run = false});
      EXPECT_EQ(errors.str(), "");
    });
  }
  for (std::thread& shell : shells) shell.join();
  for (const std::ostringstream& output : outputs) {
    EXPECT_NE(output.str().find("Means over the seeds"), std::string::npos) << output.str();
  }
  EXPECT_EQ(codes[0], ExitCode::kDone);
  EXPECT_EQ(codes[1], ExitCode::kDone);
  EXPECT_EQ(Json::parse(file("shared.sweep/sweep.json")).at("runs").size(), 6U);
  for (const auto& entry : std::filesystem::directory_iterator(root_.path("runs/shared.sweep"))) {
    EXPECT_FALSE(entry.path().filename().string().starts_with(".")) << entry.path() << " is left";
  }
}

TEST_F(Sweeps, LeaveARunThatAnotherProcessHasBegunToItAsLongAsItLives) {
  const std::string path = job("shared");
  const auto begun_elsewhere = [&](const std::string& threshold) {
    const std::string folder = root_.path("runs/shared.sweep/threshold=" + threshold);
    return load_job(path, std::vector<std::string>{"strategy.threshold=" + threshold, "output.dir=" + folder});
  };
  std::optional<RunFolder> other(begun_elsewhere("0.5"));
  int asked = 0;
  console_.interrupted = [&] {
    const bool waits = out_.str().find("waiting for 1 of 2 runs") != std::string::npos;
    if (waits && ++asked == 2) other.reset();  // its process has died
    return false;
  };
  EXPECT_EQ(sweep(path, {"strategy.threshold=0.02,0.5"}), ExitCode::kDone);
  const std::string output = printed();
  const std::size_t left = output.find("run 2 of 2: threshold=0.5 is run by another process");
  ASSERT_NE(left, std::string::npos) << output;
  EXPECT_LT(output.find("run 1 of 2: threshold=0.02\n"), left);
  EXPECT_GT(output.find("run 2 of 2: threshold=0.5\n"), left) << "taken once nobody has it";
  EXPECT_GE(asked, 2);
  EXPECT_EQ(Json::parse(file("shared.sweep/sweep.json")).at("runs").size(), 2U);

  other.emplace(begun_elsewhere("0.7"));
  console_.interrupted = [&] { return out_.str().find("waiting for 1 of 1 runs") != std::string::npos; };
  EXPECT_EQ(sweep(path, {"strategy.threshold=0.7"}), ExitCode::kInterrupted) << "waiting ends when it shall";
}

TEST_F(Sweeps, RunEveryCombinationAndCompareThem) {
  EXPECT_EQ(sweep(job("a"), {"strategy.threshold=0.02,0.5", "seed=1..2"}), ExitCode::kDone);
  const std::string output = printed();
  EXPECT_NE(output.find("run 4 of 4: threshold=0.5,seed=2"), std::string::npos) << output;
  const Json json = Json::parse(file("a.sweep/sweep.json"));
  ASSERT_EQ(json.at("runs").size(), 4U);
  ASSERT_EQ(json.at("groups").size(), 2U);
  for (const Json& run : json.at("runs")) {
    const std::string folder = run.at("folder");
    const Json summary = Json::parse(read_text(folder + "/summary.json"));
    EXPECT_EQ(summary.at("test").at("accuracy"), run.at("accuracy"));
    EXPECT_EQ(summary.at("wire_bytes"), run.at("wire_bytes"));
    EXPECT_EQ(std::to_string(summary.at("seed").get<int>()), run.at("seed").get<std::string>());
  }
  EXPECT_GT(json.at("groups").at(0).at("wire_bytes").at("mean"), json.at("groups").at(1).at("wire_bytes").at("mean"));
  EXPECT_NE(file("a.sweep/sweep.csv").find("\n0.5,2,"), std::string::npos);
}

TEST_F(Sweeps, AreEachRunAsItIsAlone) {
  const std::string path = job("a");
  EXPECT_EQ(sweep(path, {"seed=2"}), ExitCode::kDone);
  EXPECT_EQ(run_command(console_, {.job_file = path, .overrides = {"job.seed=2"}}), ExitCode::kDone);
  for (const char* name : {"metrics.jsonl", "model.safetensors", "events.out.tfevents.0.laconic"}) {
    EXPECT_EQ(file("a.sweep/seed=2/" + std::string(name)), file("a/" + std::string(name))) << name;
  }
}

TEST_F(Sweeps, RunNothingTwice) {
  const std::string path = job("a");
  EXPECT_EQ(sweep(path, {"seed=1"}), ExitCode::kDone);
  const std::string summary = file("a.sweep/seed=1/summary.json");
  printed();
  EXPECT_EQ(sweep(path, {"seed=1..2"}), ExitCode::kDone);
  const std::string output = printed();
  EXPECT_NE(output.find("run 1 of 2: seed=1 is there already"), std::string::npos) << output;
  EXPECT_EQ(file("a.sweep/seed=1/summary.json"), summary) << "run again: its wall time would differ";
  EXPECT_EQ(Json::parse(file("a.sweep/sweep.json")).at("runs").size(), 2U);
}

TEST_F(Sweeps, InterruptedGoOnToTheSameEnd) {
  const std::vector<std::string> grid = {"strategy.threshold=0.02,0.5", "seed=1..2"};
  for (const char* more : {"", "[checkpoint]\nevery = \"10 steps\"\n"}) {
    const std::string whole = *more == '\0' ? "a" : "b";
    const std::string path = job(whole, more);
    EXPECT_EQ(sweep(path, grid), ExitCode::kDone);
    const std::string expected = file(whole + ".sweep/sweep.json");
    const std::string metrics = file(whole + ".sweep/threshold=0.02,seed=2/metrics.jsonl");
    std::filesystem::remove_all(root_.path("runs/" + whole + ".sweep"));

    // Somewhere in the second run.
    console_.interrupted = [&] {
      return exists(whole + ".sweep/threshold=0.02,seed=1/summary.json") &&
             read_text(root_.path("runs/" + whole + ".sweep/.threshold=0.02,seed=2.tmp/metrics.jsonl")).size() > 1500;
    };
    EXPECT_EQ(sweep(path, grid), ExitCode::kInterrupted);
    EXPECT_FALSE(exists(whole + ".sweep/sweep.json"));
    console_.interrupted = {};
    printed();
    EXPECT_EQ(sweep(path, grid), ExitCode::kDone);
    EXPECT_EQ(printed().find("goes on after step") != std::string::npos, *more != '\0');
    EXPECT_EQ(file(whole + ".sweep/sweep.json"), expected);
    EXPECT_EQ(file(whole + ".sweep/threshold=0.02,seed=2/metrics.jsonl"), metrics);
  }
}

TEST_F(Sweeps, GoOnPastARunThatFailsAndTell) {
  EXPECT_EQ(sweep_command(console_, {.jobs_and_values = {job("a"), "optimizer.weight_decay=1000,0"},
                                     .overrides = {"optimizer.name=sgd", "optimizer.learning_rate=0.5"}}),
            ExitCode::kFailed);
  const Json json = Json::parse(file("a.sweep/sweep.json"));
  EXPECT_EQ(json.at("runs").at(0).at("end"), "failed");
  EXPECT_EQ(json.at("runs").at(1).at("end"), "steps");
  EXPECT_EQ(json.at("groups").at(0).at("unfinished"), 1);
  EXPECT_FALSE(json.at("groups").at(0).at("pareto"));
  EXPECT_TRUE(json.at("groups").at(1).at("pareto"));
  EXPECT_NE(err_.str().find("1 of 2 runs failed"), std::string::npos) << err_.str();
}

TEST_F(Sweeps, GoOnPastARunWhoseDataCannotBeHad) {
  const std::string path = job("a");
  EXPECT_EQ(sweep(path, {"data.dir=" + root_.path("nowhere") + "," + root_.path("data")}), ExitCode::kFailed);
  EXPECT_NE(err_.str().find("laconic: 1 of 2 runs failed"), std::string::npos) << err_.str();
  EXPECT_EQ(Json::parse(file("a.sweep/sweep.json")).at("runs").size(), 1U);
  EXPECT_EQ(sweep(path, {"data.dir=" + root_.path("nowhere") + "," + root_.path("neither")}), ExitCode::kBadUsage);
}

TEST_F(Sweeps, RefuseABadCombinationBeforeTheFirstRun) {
  const std::string path = job("a");
  EXPECT_NE(refusal(path, {"strategy.threshold=0.5,much"}).find("threshold=much: "), std::string::npos);
  EXPECT_NE(refusal(path, {"strategy.threshold=0.5,0.50"}).find("is the same job as threshold=0.5"), std::string::npos);
  EXPECT_NE(refusal(path, {"strategy.no_such=1,2"}).find("no_such"), std::string::npos);
  EXPECT_EQ(refusal(path, {"seed"}), "seed: is no job file, and as a key it has no values; write seed=1,2");
  EXPECT_FALSE(std::filesystem::exists(root_.path("runs")));
}

TEST_F(Sweeps, RankByValidationWhereThereIsSomeAndKeepBothScores) {
  EXPECT_EQ(sweep(job("a"), {"strategy.threshold=0.02,0.5", "data.validation=0.25"}), ExitCode::kDone);
  const std::string output = printed();
  EXPECT_NE(output.find("Ranked by validation accuracy."), std::string::npos) << output;
  const Json json = Json::parse(file("a.sweep/sweep.json"));
  EXPECT_EQ(json.at("ranked_by"), "validation");
  for (const Json& run : json.at("runs")) {
    const Json summary = Json::parse(read_text(run.at("folder").get<std::string>() + "/summary.json"));
    EXPECT_EQ(summary.at("validation").at("accuracy"), run.at("validation_accuracy"));
    EXPECT_EQ(summary.at("validation").at("loss"), run.at("validation_loss"));
    EXPECT_EQ(summary.at("test").at("accuracy"), run.at("accuracy"));
  }
  EXPECT_NE(file("a.sweep/sweep.csv").find("validation_accuracy"), std::string::npos);
}

TEST_F(Sweeps, OfSeveralJobsHaveOneTableAndFoldersOfTheirOwn) {
  const std::vector<std::string> jobs = {job("a"), synchronous("b")};
  EXPECT_EQ(sweep(jobs, {"strategy.threshold@a=0.02,0.5", "seed=1..2"}), ExitCode::kDone);
  const std::string output = printed();
  EXPECT_NE(output.find("run 6 of 6: b,seed=2"), std::string::npos) << output;
  const Json json = Json::parse(file("a+b.sweep/sweep.json"));
  ASSERT_EQ(json.at("groups").size(), 3U);
  EXPECT_EQ(json.at("groups").at(0).at("name"), "a, threshold=0.02");
  EXPECT_EQ(json.at("groups").at(2).at("name"), "b");
  EXPECT_EQ(json.at("groups").at(2).at("runs"), 2);
  std::set<std::string> folders;
  for (const Json& run : json.at("runs")) folders.insert(run.at("folder").get<std::string>());
  EXPECT_EQ(folders.size(), 6U);
  EXPECT_TRUE(exists("a+b.sweep/a,threshold=0.5,seed=2/summary.json"));
  EXPECT_EQ(file("a+b.sweep/sweep.csv").substr(0, 36), "job,strategy.threshold,job.seed,fold");

  // With the values before the jobs, and jobs alone.
  EXPECT_EQ(sweep(std::vector<std::string>{"seed=1", jobs[0], jobs[1]}, {}, true), ExitCode::kDone);
  EXPECT_EQ(sweep(jobs, {}, true), ExitCode::kDone);
  EXPECT_NE(printed().find("2 runs in "), std::string::npos);
}

TEST_F(Sweeps, OfSeveralJobsOfOneNameAreCalledByTheirFiles) {
  std::vector<std::string> jobs;
  for (const char* file : {"a.toml", "b.toml"}) {
    jobs.push_back(root_.path(file));
    const std::string batch = *file == 'a' ? "" : "[compression]\noperator = \"sign\"\n";
    write_text(jobs.back(), tiny_job_text(root_, "same", "name = \"fda\"\nthreshold = 0.05") + batch);
  }
  EXPECT_EQ(sweep(jobs, {"seed=1"}, true), ExitCode::kDone);
  EXPECT_NE(printed().find("runs/a+b.sweep"), std::string::npos);
  EXPECT_EQ(sweep(jobs[0], {"seed=1"}, true), ExitCode::kDone);
  EXPECT_NE(printed().find("runs/same.sweep"), std::string::npos) << "another folder";
  SweepArguments given{.jobs_and_values = {jobs[0], jobs[1]}, .overrides = {"output.dir=" + root_.path("runs/study")}};
  given.dry_run = true;
  EXPECT_EQ(sweep_command(console_, given), ExitCode::kDone);
  EXPECT_NE(printed().find("runs/study.sweep"), std::string::npos);
}

TEST_F(Sweeps, OfSeveralJobsRefuseAKeyThatOneDoesNotKnowAndNameTheForm) {
  const std::vector<std::string> jobs = {job("a"), synchronous("b")};
  const std::string line = refusal(jobs, {"strategy.threshold=0.02,0.5", "seed=1..2"});
  EXPECT_EQ(line,
            "strategy.threshold: " + jobs[1] +
                " (strategy synchronous) has no such key; sweep it in one job with strategy.threshold@a=0.02,0.5");
  EXPECT_EQ(sweep(jobs, {"strategy.threshold@a=0.02,0.5", "seed=1..2"}, true), ExitCode::kDone) << "what it says to do";
  EXPECT_NE(refusal(jobs, {"strategy.threshold@c=1"}).find("no job of this sweep is called 'c'; there is a, b"),
            std::string::npos);
  EXPECT_NE(refusal(jobs, {"strategy.no_such=1"}).find("no_such"), std::string::npos);
  EXPECT_NE(refusal({jobs[0], jobs[0]}, {"seed=1"}).find("a sweep calls both 'a'"), std::string::npos);
  EXPECT_NE(refusal(std::vector<std::string>{"seed=1"}, {}).find("no job file is given"), std::string::npos);
  EXPECT_NE(refusal(jobs[0], {}).find("needs values"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(root_.path("runs")));
}

TEST_F(Sweeps, TellWhatTheyWouldRun) {
  const std::string path = job("a");
  EXPECT_EQ(sweep(path, {"seed=1"}), ExitCode::kDone);
  printed();
  EXPECT_EQ(sweep(path, {"seed=1..2"}, true), ExitCode::kDone);
  const std::string output = printed();
  EXPECT_NE(output.find("2 runs in "), std::string::npos) << output;
  EXPECT_NE(output.find("seed=1  is there already"), std::string::npos) << output;
  EXPECT_NE(output.find("seed=2  to be run"), std::string::npos) << output;
  EXPECT_FALSE(exists("a.sweep/seed=2"));
}

}  // namespace
}  // namespace laconic
