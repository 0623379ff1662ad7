// What a run's summary and `laconic evaluate` tell of each class and of each worker.
#include <cmath>

#include "base/random.h"
#include "cli/commands_test.h"

namespace laconic {
namespace {

using Json = nlohmann::json;

class ClassesOfARun : public CommandTest {
 protected:
  ExitCode evaluate(const std::string& name, bool json) {
    return evaluate_command(
        console_,
        {.files = {root_.path("runs/" + name + "/model.safetensors"), root_.path(name + ".toml")}, .json = json});
  }
};

TEST_F(ClassesOfARun, AreCountedOnTheWholeTestSplitByThePassThatMeasuresIt) {
  ASSERT_EQ(run(job("a")), ExitCode::kDone);
  const Json of_run = summary("a");
  const Json& classes = of_run.at("classification");
  EXPECT_EQ(classes.at("split"), "test");
  EXPECT_EQ(classes.at("samples"), 100);
  ASSERT_EQ(classes.at("confusion").size(), 10U);
  double right = 0.0;
  double recalls = 0.0;
  double f1s = 0.0;
  for (std::size_t of = 0; of < 10; ++of) {
    double samples = 0.0;
    double predicted = 0.0;
    for (std::size_t other = 0; other < 10; ++other) {
      samples += classes.at("confusion").at(of).at(other).get<double>();
      predicted += classes.at("confusion").at(other).at(of).get<double>();
    }
    const double hits = classes.at("confusion").at(of).at(of);
    EXPECT_EQ(samples, 10.0) << "the test split has ten of each";
    EXPECT_EQ(classes.at("by_class").at(of).at("predicted"), predicted);
    right += hits;
    recalls += hits / samples;
    f1s += 2.0 * hits / (samples + predicted);
  }
  EXPECT_DOUBLE_EQ(of_run.at("test").at("accuracy").get<double>(), right / 100.0);
  EXPECT_DOUBLE_EQ(classes.at("balanced_accuracy").get<double>(), recalls / 10.0);
  EXPECT_DOUBLE_EQ(classes.at("macro_f1").get<double>(), f1s / 10.0);
  EXPECT_FALSE(classes.contains("auc"));
  EXPECT_NE(printed().find("\n  classes       macro F1 "), std::string::npos);
}

TEST_F(ClassesOfARun, AreWhatEvaluatingItsModelGives) {
  ASSERT_EQ(run(job("a")), ExitCode::kDone);
  printed();
  ASSERT_EQ(evaluate("a", true), ExitCode::kDone);
  const Json json = Json::parse(printed());
  EXPECT_EQ(json.at("job"), "a");
  EXPECT_EQ(json.at("test").at("classification"), summary("a").at("classification"));
  ASSERT_EQ(evaluate("a", false), ExitCode::kDone);
  EXPECT_NE(printed().find("\ntest: macro F1 "), std::string::npos);
}

// Samples of two classes, whose names are no UTF-8, by three users on two workers.
std::string table_job(const testing::TemporaryFolder& root) {
  RandomStream random(4, "table");
  for (const char* file : {"train.csv", "test.csv"}) {
    std::string text = "x,y,who,label\n";
    for (int i = 0; i < 60; ++i) {
      const bool is_red = random.below(2) == 0;
      const double x = random.gaussian() + (is_red ? 1.0 : -1.0);
      text += std::to_string(x) + "," + std::to_string(random.gaussian()) + "," +
              (i % 3 == 0   ? "ann"
               : i % 3 == 1 ? "bo\xf8"
                            : "cy") +
              "," +
              (is_red ? "r\xf8"
                        "d"
                      : "blue") +
              "\n";
    }
    testing::write_text(root.path(std::string("data/") + file), text);
  }
  return "[job]\nname = \"table\"\nsteps = 30\n[data]\ndataset = \"csv\"\ndir = \"" + root.path("data") +
         "\"\nlabel = \"label\"\nuser = \"who\"\npartition = \"user\"\nbatch = 8\n[model]\nname = "
         "\"logistic_regression\"\n[optimizer]\nname = \"sgd\"\n[workers]\ncount = 2\nthreads = 1\n[strategy]\nname = "
         "\"local\"\n[output]\ndir = \"" +
         root.path("runs/table") + "\"\nprogress = \"off\"\n";
}

TEST_F(ClassesOfARun, MayHaveNamesThatAreNoUtf8AndOfTwoThereIsAnAreaUnderTheCurve) {
  testing::write_text(root_.path("table.toml"), table_job(root_));
  ASSERT_EQ(run(root_.path("table.toml")), ExitCode::kDone);
  const Json json = summary("table");
  EXPECT_EQ(json.at("classification").at("by_class").at(1).at("name"),
            "r\xEF\xBF\xBD"
            "d");
  EXPECT_GT(json.at("classification").at("auc"), 0.6);
  EXPECT_LE(json.at("classification").at("auc"), 1.0);
  printed();
  ASSERT_EQ(evaluate("table", true), ExitCode::kDone);
  EXPECT_EQ(Json::parse(printed()).at("test").at("classification"), json.at("classification"));
}

TEST_F(ClassesOfARun, WorkersHaveTheScoreOfTheirOwnModelOnTheirOwnSamplesAndTheNumberOfTheirUsers) {
  testing::write_text(root_.path("table.toml"), table_job(root_));
  ASSERT_EQ(run(root_.path("table.toml")), ExitCode::kDone);
  const Json workers = summary("table").at("by_worker");
  ASSERT_EQ(workers.size(), 2U);
  std::uint64_t users = 0;
  std::uint64_t samples = 0;
  for (const Json& worker : workers) {
    users += worker.at("own_users").get<std::uint64_t>();
    samples += worker.at("own_samples").get<std::uint64_t>();
    EXPECT_EQ(worker.at("own_samples"), 20 * worker.at("own_users").get<int>()) << "each user has twenty";
    const double right = worker.at("own_accuracy").get<double>() * worker.at("own_samples").get<double>();
    EXPECT_NEAR(right, std::round(right), 1e-9);
    EXPECT_GT(worker.at("own_accuracy"), 0.6);
    EXPECT_TRUE(worker.contains("test_accuracy"));
  }
  EXPECT_EQ(users, 3U);
  EXPECT_EQ(samples, 60U);
  ASSERT_EQ(run(root_.path("table.toml"), {"evaluation.workers=never"}), ExitCode::kDone);
  EXPECT_FALSE(summary("table").at("by_worker").at(0).contains("own_accuracy"));
}

TEST_F(ClassesOfARun, AQuietRunStillShowsWhatItCameTo) {
  ASSERT_EQ(run(job("a"), {"output.progress=off"}), ExitCode::kDone);
  const std::string text = printed();
  EXPECT_EQ(text.find("a: all steps taken\n"), 0U) << text;
  EXPECT_NE(text.find("\n  results       "), std::string::npos) << text;
}

}  // namespace
}  // namespace laconic
