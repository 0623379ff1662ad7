#include "cli/commands.h"

#include <sys/resource.h>

#include <csignal>
#include <functional>

#include "base/error.h"
#include "cli/commands_test.h"
#include "job/plan.h"

namespace laconic {
namespace {

using testing::read_text;
using testing::tiny_job_text;
using testing::write_text;
using Json = nlohmann::json;

class Commands : public CommandTest {};

TEST_F(Commands, RunWritesItsFilesAndShowsWhatItCameTo) {
  EXPECT_EQ(run(job("a")), ExitCode::kDone);
  for (const char* file : {"job.resolved.toml", "metrics.jsonl", "events.out.tfevents.0.laconic", "summary.json",
                           "model.safetensors", "workers.json", "report.html"}) {
    EXPECT_TRUE(exists("runs/a/" + std::string(file))) << file;
  }
  EXPECT_FALSE(exists("runs/.a.tmp"));
  const Json json = summary("a");
  EXPECT_EQ(json.at("end"), "steps");
  EXPECT_EQ(json.at("steps"), 40);
  EXPECT_GT(json.at("syncs"), 0);
  EXPECT_EQ(json.at("by_worker").size(), 4u);
  EXPECT_GT(json.at("wire_bytes"), json.at("payload_bytes"));
  const std::string output = printed();
  EXPECT_NE(output.find("step 40/40"), std::string::npos) << output;
  EXPECT_NE(output.find("a: all steps taken"), std::string::npos) << output;
  EXPECT_EQ(err_.str(), "");
}

TEST_F(Commands, MetricsHaveEveryMeasurementAndEverySyncInOrder) {
  EXPECT_EQ(run(job("a")), ExitCode::kDone);
  std::istringstream lines(read_text(root_.path("runs/a/metrics.jsonl")));
  std::vector<int> measured;
  int syncs = 0;
  for (std::string line; std::getline(lines, line);) {
    const Json json = Json::parse(line);
    if (json.at("type") == "sync") {
      EXPECT_EQ(json.at("syncs"), ++syncs);
      EXPECT_EQ(json.at("threshold"), 0.05);
      EXPECT_GT(json.at("watched").at("variance_estimate"), 0.05);
    } else {
      measured.push_back(json.at("step"));
    }
  }
  EXPECT_EQ(measured, (std::vector<int>{10, 20, 30, 40}));
  EXPECT_EQ(syncs, summary("a").at("syncs"));
}

// As on a full disk: no file may grow beyond so many bytes.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(std::signal(SIGXFSZ, SIG_IGN)) {
    getrlimit(RLIMIT_FSIZE, &former_);
    const rlimit limit{bytes, former_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &former_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  void (*handler_)(int);
  rlimit former_{};
};

TEST_F(Commands, AFileThatCannotBeWrittenIsTheOnlyOneThatIsMissing) {
  EXPECT_EQ(run(job("whole")), ExitCode::kDone);
  const std::string model = read_text(root_.path("runs/whole/model.safetensors"));
  const std::uint64_t page = std::filesystem::file_size(root_.path("runs/whole/report.html"));
  ASSERT_GT(page, 4 * model.size());
  const std::vector<std::string> elsewhere = {"output.dir=" + root_.path("runs/a")};
  for (const bool takes_a_place : {false, true}) {
    // Where there is a finished run its results are worth more than the page of this one.
    if (takes_a_place) {
      EXPECT_EQ(run(job("whole"), elsewhere), ExitCode::kDone);
    }
    err_.str({});
    {
      const FileSizeLimit limit(page / 2);
      EXPECT_EQ(run(job("whole"), elsewhere), ExitCode::kFailed);
    }
    const std::string folder = root_.path(takes_a_place ? "runs/a.failed" : "runs/a");
    EXPECT_EQ(err_.str().find("laconic: error: " + folder + ": without report.html: "), 0U) << err_.str();
    EXPECT_EQ(read_text(folder + "/model.safetensors"), model);
    for (const char* file : {"model.pt", "metrics.jsonl", "summary.json", "workers.json", "job.resolved.toml"}) {
      EXPECT_TRUE(std::filesystem::exists(folder + "/" + file)) << file;
    }
    EXPECT_FALSE(std::filesystem::exists(folder + "/report.html"));
    EXPECT_EQ(Json::parse(read_text(folder + "/summary.json")).at("end"), "steps");
  }
  EXPECT_TRUE(exists("runs/a/report.html"));
}

TEST_F(Commands, TheResolvedJobRunsTheIdenticalRun) {
  EXPECT_EQ(run(job("a")), ExitCode::kDone);
  const std::string hash = summary("a").at("trace_hash");
  const std::string metrics = read_text(root_.path("runs/a/metrics.jsonl"));
  const std::string model = read_text(root_.path("runs/a/model.safetensors"));
  write_text(root_.path("again.toml"), read_text(root_.path("runs/a/job.resolved.toml")));
  EXPECT_EQ(run(root_.path("again.toml"), {"workers.threads=2", "output.dir=" + root_.path("runs/again")}),
            ExitCode::kDone);
  EXPECT_EQ(summary("again").at("trace_hash"), hash);
  EXPECT_EQ(read_text(root_.path("runs/again/metrics.jsonl")), metrics);
  EXPECT_EQ(read_text(root_.path("runs/again/model.safetensors")), model);
}

TEST_F(Commands, AJobWithABudgetShowsItsThresholdAndRunsAgainFromWhatIsResolved) {
  for (const std::string strategy : {"fda", "dma"}) {
    const std::string lines = "name = \"" + strategy + "\"\nbudget = \"20 kB/10 steps\"";
    EXPECT_EQ(run(job(strategy, lines)), ExitCode::kDone) << err_.str();
    const std::string hash = summary(strategy).at("trace_hash");
    EXPECT_NE(read_text(root_.path("runs/" + strategy + "/metrics.jsonl")).find("\"threshold\":"), std::string::npos);
    write_text(root_.path("again.toml"), read_text(root_.path("runs/" + strategy + "/job.resolved.toml")));
    EXPECT_EQ(run(root_.path("again.toml"), {"output.dir=" + root_.path("runs/again_" + strategy)}), ExitCode::kDone);
    EXPECT_EQ(summary("again_" + strategy).at("trace_hash"), hash);
    printed();
    EXPECT_EQ(run_command(console_, {.job_file = job(strategy, lines), .overrides = {}, .dry_run = true}),
              ExitCode::kDone);
    EXPECT_NE(printed().find("20 kB/10 steps, sent and received by a worker: 80 kB in the run"), std::string::npos);
    // Four workers' budgets pay for no more than some synchronisations, whatever the data.
    const Job planned = load_job(job(strategy, lines));
    const Plan plan = make_plan(planned, set_up(planned));
    EXPECT_LE(plan.most_syncs, 4 * 80'000 / plan.sync_payload + 3);
    EXPECT_GE(plan.most_syncs, static_cast<std::uint64_t>(summary(strategy).at("syncs")));
  }
}

TEST_F(Commands, ACompressedSynchronisationSendsLessAndHasNoPaperBytes) {
  EXPECT_EQ(run(job("a")), ExitCode::kDone);
  EXPECT_EQ(run(job("b", "name = \"fda\"\nthreshold = 0.05\n[compression]\noperator = \"sign\"")), ExitCode::kDone);
  EXPECT_FALSE(summary("b").contains("paper_gb"));
  const double a = summary("a").at("wire_bytes"), b = summary("b").at("wire_bytes");
  EXPECT_LT(b, a / 2);
}

TEST_F(Commands, PaperBytesFollowTheFormulaOfThePaper) {
  EXPECT_EQ(run(job("a")), ExitCode::kDone);
  EXPECT_EQ(run(job("b", kSynchronousSection)), ExitCode::kDone);
  EXPECT_EQ(run(job("c", "name = \"local\"")), ExitCode::kDone);
  const double d = summary("a").at("parameters");
  const double syncs = summary("a").at("syncs");
  // Eight bytes of state a step, 4 workers, 40 steps.
  EXPECT_DOUBLE_EQ(summary("a").at("paper_gb"), ((syncs + 1) * 8 * d * 4 + 8 * 40 * 4) / 1e9);
  EXPECT_DOUBLE_EQ(summary("b").at("paper_gb"), 40 * 8 * d * 4 / 1e9);
  EXPECT_FALSE(summary("c").contains("paper_gb"));
}

TEST_F(Commands, PaperBytesCountTheChecksThatThereAreAndAreNoneWhereTheDataDecide) {
  EXPECT_EQ(run(job("a"), {"strategy.check_every=7"}), ExitCode::kDone);
  EXPECT_EQ(run(job("b"), {"strategy.screen=lock-step"}), ExitCode::kDone);
  const double d = summary("a").at("parameters");
  const double syncs = summary("a").at("syncs");
  EXPECT_DOUBLE_EQ(summary("a").at("paper_gb"), ((syncs + 1) * 8 * d * 4 + 8 * 5 * 4) / 1e9);
  EXPECT_FALSE(summary("b").contains("paper_gb"));
}

TEST_F(Commands, JoulesAreThoseOfTheBitsAndTheSteps) {
  EXPECT_EQ(run(job("a"), {"energy.per_bit=1e-6", "energy.per_step=0.5"}), ExitCode::kDone);
  const double bytes = summary("a").at("wire_bytes");
  EXPECT_DOUBLE_EQ(summary("a").at("joules"), bytes * 8e-6 + 4 * 40 * 0.5);
  EXPECT_EQ(run(job("b")), ExitCode::kDone);
  EXPECT_FALSE(summary("b").contains("joules"));
}

TEST_F(Commands, UntilEndsTheRunAtTheMeasurementThatMeetsIt) {
  EXPECT_EQ(run(job("a"), {"job.until=step >= 15"}), ExitCode::kDone);
  EXPECT_EQ(summary("a").at("end"), "until");
  EXPECT_EQ(summary("a").at("measured_step"), 20);
}

TEST_F(Commands, ADivergedRunKeepsItsMetricsAndItsLastGoodModel) {
  // Every step multiplies the parameters by about -10,000.
  const std::vector<std::string> diverging = {"optimizer.name=sgd", "optimizer.learning_rate=10",
                                              "optimizer.weight_decay=1000", "evaluation.every=1 step"};
  EXPECT_EQ(run(job("a", kSynchronousSection), diverging), ExitCode::kFailed);
  const Json json = summary("a");
  EXPECT_EQ(json.at("end"), "failed");
  EXPECT_EQ(json.at("finished"), false);
  const std::string error = json.at("error");
  EXPECT_NE(error.find("the loss of worker "), std::string::npos) << error;
  EXPECT_NE(error.find(" is not finite in step "), std::string::npos) << error;
  EXPECT_EQ(err_.str(), "laconic: error: a: " + error + "\n");
  EXPECT_TRUE(exists("runs/a/model.safetensors"));
  EXPECT_NE(read_text(root_.path("runs/a/metrics.jsonl")), "");
}

TEST_F(Commands, AnInterruptedRunWritesWhatThereIs) {
  int asked = 0;
  console_.interrupted = [&asked] { return ++asked > 2000; };
  EXPECT_EQ(run(job("a"), {"job.steps=100000"}), ExitCode::kInterrupted);
  const Json json = summary("a");
  EXPECT_EQ(json.at("end"), "interrupted");
  EXPECT_GT(json.at("steps"), 0);
  EXPECT_LT(json.at("steps"), 100000);
  EXPECT_TRUE(exists("runs/a/model.safetensors"));
}

TEST_F(Commands, AnUnfinishedRunGoesBesideAFinishedOne) {
  EXPECT_EQ(run(job("a")), ExitCode::kDone);
  const std::string before = read_text(root_.path("runs/a/summary.json"));
  int asked = 0;
  console_.interrupted = [&asked] { return ++asked > 500; };
  EXPECT_EQ(run(job("a"), {"job.steps=100000", "evaluation.every=50000 steps"}), ExitCode::kInterrupted);
  EXPECT_EQ(read_text(root_.path("runs/a/summary.json")), before);
  EXPECT_TRUE(exists("runs/a/model.safetensors"));
  EXPECT_EQ(summary("a.interrupted").at("end"), "interrupted");
  EXPECT_TRUE(exists("runs/a.interrupted/model.safetensors"));
  console_.interrupted = {};
  EXPECT_EQ(run(job("a"), {"optimizer.name=sgd", "optimizer.learning_rate=10", "optimizer.weight_decay=1000"}),
            ExitCode::kFailed);
  EXPECT_EQ(read_text(root_.path("runs/a/summary.json")), before);
  EXPECT_EQ(summary("a.failed").at("end"), "failed");
}

TEST_F(Commands, InterruptedBeforeTheFirstStepNothingIsWritten) {
  EXPECT_EQ(run(job("a")), ExitCode::kDone);
  const std::string before = read_text(root_.path("runs/a/summary.json"));
  console_.interrupted = [] { return true; };
  EXPECT_EQ(run(job("a")), ExitCode::kInterrupted);
  EXPECT_EQ(read_text(root_.path("runs/a/summary.json")), before);
  EXPECT_FALSE(exists("runs/.a.tmp"));
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST_F(Commands, BadDataNameTheirPlaceAndNothingIsWritten) {
  const std::string path = job("a");
  EXPECT_EQ(refusal([&] { run(path, {"workers.count=401", "data.batch=1"}); }).find("data.partition: "), 0u);
  const std::string partition = refusal([&] { run(path, {"data.partition=dirichlet:-1"}); });
  EXPECT_EQ(partition.find("--set: data.partition: "), 0u) << partition;
  const std::string missing = refusal([&] { run(path, {"data.dir=" + root_.path("nowhere")}); });
  EXPECT_NE(missing.find("no such folder"), std::string::npos) << missing;
  std::string labels = read_text(root_.path("data/train-labels-idx1-ubyte"));
  write_text(root_.path("data/train-labels-idx1-ubyte"), labels.substr(0, 100));
  const std::string truncated = refusal([&] { run(path); });
  EXPECT_NE(truncated.find("train-labels-idx1-ubyte"), std::string::npos) << truncated;
  EXPECT_FALSE(exists("runs"));
}

TEST_F(Commands, AFolderWithOtherThingsInItIsNotReplaced) {
  std::filesystem::create_directories(root_.path("runs/a"));
  write_text(root_.path("runs/a/thesis.tex"), "years of work");
  const std::string line = refusal([&] { run(job("a")); });
  EXPECT_NE(line.find("holds 'thesis.tex', which is no result of a run"), std::string::npos) << line;
  EXPECT_EQ(read_text(root_.path("runs/a/thesis.tex")), "years of work");
}

TEST_F(Commands, CompareRunsWhatWasNotRunAndReusesTheIdenticalRun) {
  const std::vector<std::string> jobs = {job("a"), job("b", kSynchronousSection)};
  EXPECT_EQ(run(jobs[0]), ExitCode::kDone);
  const std::string first = read_text(root_.path("runs/a/summary.json"));
  printed();
  EXPECT_EQ(compare_command(console_, {.jobs_or_folders = jobs, .overrides = {}}), ExitCode::kDone);
  std::string output = printed();
  EXPECT_EQ(read_text(root_.path("runs/a/summary.json")), first) << "run again: its wall time would differ";
  EXPECT_EQ(output.find("a: all steps taken"), std::string::npos) << output;
  EXPECT_NE(output.find("b: all steps taken"), std::string::npos) << output;
  EXPECT_NE(output.find("fewer bytes"), std::string::npos) << output;

  EXPECT_EQ(compare_command(console_, {.jobs_or_folders = {root_.path("runs/a"), jobs[1]}, .overrides = {}}),
            ExitCode::kDone);
  output = printed();
  EXPECT_EQ(output.find("all steps taken"), std::string::npos) << "both are there: " << output;
  EXPECT_EQ(output.find("job"), 0u) << output;
}

TEST_F(Commands, CompareRunsAgainWhatAnotherJobOrNoFinishedRunLeft) {
  const std::string path = job("a");
  EXPECT_EQ(run(path, {"job.seed=2"}), ExitCode::kDone);
  printed();
  EXPECT_EQ(compare_command(console_, {.jobs_or_folders = {path}, .overrides = {}}), ExitCode::kDone);
  EXPECT_NE(printed().find("a: all steps taken"), std::string::npos);
  EXPECT_EQ(summary("a").at("seed"), 1);

  std::string unfinished = read_text(root_.path("runs/a/summary.json"));
  unfinished.replace(unfinished.find("\"finished\": true"), 16, "\"finished\": false");
  write_text(root_.path("runs/a/summary.json"), unfinished);
  EXPECT_EQ(compare_command(console_, {.jobs_or_folders = {path}, .overrides = {}}), ExitCode::kDone);
  EXPECT_NE(printed().find("a: all steps taken"), std::string::npos);
}

TEST_F(Commands, APageTellsRunsOfOneNameApart) {
  const std::string path = root_.path("a.toml");
  write_text(path, tiny_job_text(root_, "a", "name = \"synchronous\""));
  ASSERT_EQ(run_command(console_, {.job_file = path, .overrides = {}}), ExitCode::kDone);
  std::filesystem::create_directories(root_.path("other"));
  std::filesystem::copy(root_.path("runs/a"), root_.path("other/a"));
  const std::string page = root_.path("page.html");
  const ReportArguments arguments{.folders = {root_.path("runs/a"), root_.path("other/a"), root_.path("other/a")},
                                  .output = page};
  EXPECT_EQ(report_command(console_, arguments), ExitCode::kDone);
  EXPECT_NE(err_.str().find("other/a: is given twice"), std::string::npos) << err_.str();
  const std::string text = read_text(page);
  for (const char* name : {"\"a (runs/a)\"", "\"a (other/a)\""}) {
    EXPECT_NE(text.find("\"name\":" + std::string(name)), std::string::npos) << name;
  }
  write_text(root_.path("other/a/metrics.jsonl"), "{\"type\": \"measur");
  try {
    report_command(console_, arguments);
    ADD_FAILURE() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_EQ(std::string(error.what()),
              root_.path("other/a/metrics.jsonl") + ":1: is no JSON: it is cut, or was changed; run the job again");
  }
}

TEST_F(Commands, CompareRefusesTwoJobsOfOneFolderAndFoldersWithoutARun) {
  const std::string a = job("a");
  write_text(root_.path("b.toml"), tiny_job_text(root_, "a", kSynchronousSection));
  EXPECT_NE(refusal([&] {
              compare_command(console_, {.jobs_or_folders = {a, root_.path("b.toml")}, .overrides = {}});
            }).find("give them different names"),
            std::string::npos);
  EXPECT_NE(refusal([&] {
              compare_command(console_, {.jobs_or_folders = {root_.path("data")}, .overrides = {}});
            }).find("holds no summary.json"),
            std::string::npos);
  EXPECT_FALSE(exists("runs"));
}

TEST_F(Commands, EvaluateMeasuresWhatTheRunMeasured) {
  EXPECT_EQ(run(job("a")), ExitCode::kDone);
  printed();
  EXPECT_EQ(evaluate_command(console_, {.files = {root_.path("runs/a/model.safetensors"), job("a")}, .overrides = {}}),
            ExitCode::kDone);
  std::ostringstream accuracy;
  accuracy.precision(2);
  accuracy << std::fixed << 100.0 * summary("a").at("test").at("accuracy").get<double>() << "%";
  const std::string output = printed();
  EXPECT_NE(output.find("test       100"), std::string::npos) << output;
  EXPECT_NE(output.find(accuracy.str()), std::string::npos) << output;
}

TEST_F(Commands, EvaluateRefusesAModelOfAnotherShape) {
  EXPECT_EQ(run(job("a")), ExitCode::kDone);
  EXPECT_NE(refusal([&] {
              evaluate_command(console_, {.files = {root_.path("runs/a/model.safetensors"), job("a")},
                                          .overrides = {"model.hidden=9"}});
            }),
            "accepted");
}

TEST_F(Commands, ListShowsEveryRowAndOption) {
  for (const std::string_view topic : list_topics()) {
    EXPECT_EQ(list_command(console_, std::string(topic)), ExitCode::kDone);
    EXPECT_FALSE(out_.str().empty()) << topic;
    std::istringstream lines(printed());
    for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), console_.width) << line;
  }
  list_command(console_, "strategies");
  const std::string strategies = printed();
  EXPECT_NE(strategies.find("threshold  (number from 0 | budget; default budget)"), std::string::npos) << strategies;
  list_command(console_, "options");
  EXPECT_NE(printed().find("latency  (duration, such as \"20 ms\"; default 10 ms)"), std::string::npos);
  list_command(console_, "compressors");
  const std::string compressors = printed();
  EXPECT_NE(compressors.find("top_k\n"), std::string::npos) << compressors;
  EXPECT_NE(compressors.find("ratio  (number from 0 to 1; default 0.01)"), std::string::npos) << compressors;
  EXPECT_NE(compressors.find(" to 4294967295; "), std::string::npos) << compressors;
  EXPECT_NE(refusal([&] { list_command(console_, "strategis"); }).find("did you mean 'strategies'?"),
            std::string::npos);
}

TEST_F(Commands, ErrorsEndAsOneLineWithTheirExitCode) {
  const auto end_of = [&](const auto& error) {
    try {
      throw error;
    } catch (...) {
      return report_error(console_);
    }
  };
  EXPECT_EQ(end_of(UsageError("bad\njob")), ExitCode::kBadUsage);
  EXPECT_EQ(end_of(RunError("failed")), ExitCode::kFailed);
  EXPECT_EQ(end_of(PeerLost("gone")), ExitCode::kPeerLost);
  EXPECT_EQ(end_of(CheckFailed("bug")), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "laconic: error: bad job\nlaconic: error: failed\nlaconic: error: gone\nlaconic: error: bug\n");
}

}  // namespace
}  // namespace laconic
