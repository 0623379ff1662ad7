// What a run keeps beside its newest model, and what it says of both.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <vector>

#include "cli/commands_test.h"
#include "training/formats/safetensors.h"

namespace laconic {
namespace {

using Json = nlohmann::json;
using testing::read_text;

class BestModel : public CommandTest {
 protected:
  std::vector<Json> measurements(const std::string& name) const {
    std::vector<Json> lines;
    std::istringstream metrics(read_text(root_.path("runs/" + name + "/metrics.jsonl")));
    for (std::string line; std::getline(metrics, line);) {
      Json json = Json::parse(line);
      if (json.at("type") == "measurement") lines.push_back(std::move(json));
    }
    return lines;
  }
  // The step that the metadata of a model file name.
  std::string step_of(const std::string& file) const {
    const std::string bytes = read_text(root_.path(file));
    const std::string key = "\"step\":\"";
    const std::size_t at = bytes.find(key);
    return at == std::string::npos ? "none"
                                   : bytes.substr(at + key.size(), bytes.find('"', at + key.size()) - at - key.size());
  }
};

TEST_F(BestModel, IsThatOfTheBestMeasurement) {
  // So large a rate that the course is not all upwards.
  ASSERT_EQ(run(job("a"), {"optimizer.learning_rate=0.3", "evaluation.every=4 steps"}), ExitCode::kDone) << err_.str();
  const std::vector<Json> all = measurements("a");
  const Json* best = &all.front();
  for (const Json& each : all) {
    const auto figures = [](const Json& of) {
      return std::pair(of.at("test").at("accuracy").get<double>(), -of.at("test").at("loss").get<double>());
    };
    if (figures(each) > figures(*best)) best = &each;
  }
  EXPECT_EQ(step_of("runs/a/model.best.safetensors"), std::to_string(best->at("step").get<int>()));
  EXPECT_TRUE(exists("runs/a/model.best.pt"));
  EXPECT_EQ(summary("a").at("best").at("step"), best->at("step"));
  EXPECT_EQ(summary("a").at("best").at("split"), "test");
  const std::string text = printed();
  EXPECT_NE(text.find("to publish figures choose by validation"), std::string::npos) << text;
  // The file gives the figures that it is said to give.
  ASSERT_EQ(
      evaluate_command(console_, {.files = {root_.path("runs/a/model.best.safetensors"), job("a")}, .overrides = {}}),
      ExitCode::kDone);
  std::ostringstream accuracy;
  accuracy.precision(2);
  accuracy << std::fixed << 100.0 * best->at("test").at("accuracy").get<double>() << "%";
  EXPECT_NE(printed().find(accuracy.str()), std::string::npos) << accuracy.str();
}

TEST_F(BestModel, IsChosenByValidationOrByLossWhereTheJobSaysSo) {
  ASSERT_EQ(run(job("a"), {"data.validation=0.25", "evaluation.best=loss", "optimizer.learning_rate=0.3"}),
            ExitCode::kDone);
  const std::vector<Json> all = measurements("a");
  double least = all.front().at("validation").at("loss");
  for (const Json& each : all) least = std::min(least, each.at("validation").at("loss").get<double>());
  EXPECT_EQ(summary("a").at("best").at("loss"), least);
  EXPECT_EQ(summary("a").at("best").at("split"), "validation");
  EXPECT_EQ(printed().find("to publish figures"), std::string::npos);
}

TEST_F(BestModel, IsLeftOutWhereNobodyWantsIt) {
  ASSERT_EQ(run(job("a"), {"output.best=false"}), ExitCode::kDone);
  EXPECT_FALSE(exists("runs/a/model.best.safetensors"));
  EXPECT_EQ(summary("a").at("best").at("stored"), false);
}

TEST_F(BestModel, PatienceEndsTheRunAndSaysSo) {
  // Rates of nothing: no measurement is better than the first.
  ASSERT_EQ(run(job("a"), {"optimizer.name=sgd", "optimizer.learning_rate=0", "job.patience=2", "job.steps=100"}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_EQ(summary("a").at("end"), "patience");
  EXPECT_EQ(summary("a").at("steps"), 30);
  EXPECT_EQ(summary("a").at("finished"), true);
  const std::string text = printed();
  EXPECT_NE(text.find("a: stopped, as 2 measurements in a row were no better than that of step 10"), std::string::npos)
      << text;
}

TEST_F(BestModel, SetUpIsInterruptedAndNothingIsWritten) {
  console_.interrupted = [] { return true; };
  EXPECT_EQ(run(job("a")), ExitCode::kInterrupted);
  EXPECT_NE(err_.str().find("laconic: a: interrupted while reading files of data; nothing is written\n"),
            std::string::npos)
      << err_.str();
  EXPECT_FALSE(exists("runs/a"));
  EXPECT_FALSE(exists("runs/.a.tmp"));
}

}  // namespace
}  // namespace laconic
