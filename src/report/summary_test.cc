#include "report/summary.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace laconic {
namespace {

Summary example() {
  Summary summary;
  summary.program_version = "0.1.0";
  summary.job = "a_job";
  summary.strategy = "fda";
  summary.model = "mlp";
  summary.dataset = "mnist";
  summary.data = "00ff";
  summary.seed = 7;
  summary.workers = 2;
  summary.parameters = 10;
  summary.planned_steps = 100;
  summary.steps = 100;
  summary.epochs = 2.0;
  summary.syncs = 5;
  summary.time = {4.5};
  summary.trace_hash = 0x1234;
  summary.paper_gb = 0.25;
  summary.joules = 12.5;
  Measurement newest;
  newest.step = {100};
  newest.test = {.loss = 0.5, .accuracy = 0.875, .samples = 1000};
  newest.validation = {.loss = 0.25, .accuracy = 0.9, .samples = 100};
  newest.workers = WorkerAccuracy{.mean = 0.75, .minimum = 0.5, .maximum = 1.0};
  summary.newest = newest;
  return summary;
}

Ledger traffic() {
  Ledger ledger(2);
  const std::vector<float> model(10);
  const Frame up(FrameHeader{Traffic::kModel, Tag::kReduceMean, {1}}, std::span<const float>(model));
  const std::vector<float> state(2);
  const Frame small(FrameHeader{Traffic::kState, Tag::kReduceMean, {2}}, std::span<const float>(state));
  ledger.record_sent({0}, up);
  ledger.record_received({2}, up);
  ledger.record_sent({1}, small);
  ledger.record_refused({2});
  return ledger;
}

TEST(AddLedger, CountsByKindAndByWorker) {
  Summary summary = example();
  add_ledger(traffic(), summary);
  ASSERT_EQ(summary.nodes.size(), 2u);
  EXPECT_EQ(summary.nodes[0].sent.payload.value, 40u);
  EXPECT_EQ(summary.nodes[1].sent.payload.value, 8u);
  EXPECT_EQ(summary.coordinator.received.payload.value, 40u);
  EXPECT_EQ(summary.coordinator.refused, 1u);
  EXPECT_EQ(summary.refused(), 1u);
  EXPECT_EQ(summary.total().payload.value, 48u);
  EXPECT_GT(summary.total().framed.value, 48u) << "headers count";
  EXPECT_EQ(summary.traffic[static_cast<std::size_t>(Traffic::kState)].frames, 1u);
}

TEST(SummaryText, IsReadBackAsTheFiguresItHolds) {
  Summary summary = example();
  add_ledger(traffic(), summary);
  const SummaryFigures figures = read_summary(summary_text(summary));
  EXPECT_EQ(figures.program_version, "0.1.0");
  EXPECT_EQ(figures.job, "a_job");
  EXPECT_EQ(figures.strategy, "fda");
  EXPECT_TRUE(figures.finished);
  EXPECT_EQ(figures.dataset, "mnist");
  EXPECT_EQ(figures.data, "00ff");
  EXPECT_EQ(figures.runtime, "simulator");
  EXPECT_EQ(figures.seed, "7");
  EXPECT_EQ(figures.accuracy, 0.875);
  EXPECT_EQ(figures.validation_accuracy, 0.9);
  EXPECT_EQ(figures.validation_loss, 0.25);
  EXPECT_EQ(figures.workers_accuracy, 0.75);
  EXPECT_EQ(figures.steps, 100u);
  EXPECT_EQ(figures.syncs, 5u);
  EXPECT_EQ(figures.payload_bytes, 48u);
  EXPECT_EQ(figures.wire_bytes, summary.total().framed.value);
  EXPECT_EQ(figures.paper_gb, 0.25);
  EXPECT_EQ(figures.joules, 12.5);
  EXPECT_EQ(figures.time.value, 4.5);
  EXPECT_EQ(figures.trace_hash, "0000000000001234");
}

TEST(SummaryText, OfNumbersHasR2AndMeanAbsoluteErrorInThePlaceOfAnAccuracy) {
  Summary summary = example();
  summary.newest->test = {
      .loss = 0.5, .samples = 1000, .regression = Regression{.r2 = 0.875, .mean_absolute_error = 12.5}};
  summary.best_score = 0.9;
  const SummaryFigures figures = read_summary(summary_text(summary));
  EXPECT_EQ(figures.r2, 0.875);
  EXPECT_EQ(figures.mae, 12.5);
  EXPECT_EQ(figures.workers_r2, 0.75);
  EXPECT_FALSE(figures.accuracy || figures.workers_accuracy);
  const std::string text = summary_for_people(summary);
  EXPECT_NE(text.find("R2            0.8750 of the average model at step 100 (best 0.9000)"), std::string::npos)
      << text;
  EXPECT_NE(text.find("MAE           12.50, mean absolute error on the test set"), std::string::npos) << text;
  EXPECT_EQ(text.find("accuracy"), std::string::npos) << text;
}

TEST(SummaryText, NamesTheErrorOfAFailedRunWhichIsNotFinished) {
  Summary summary = example();
  summary.end = Summary::End::kFailed;
  summary.error = "training diverged: the loss of worker 1 is not finite in step 7";
  const auto json = nlohmann::json::parse(summary_text(summary));
  EXPECT_EQ(json.at("end"), "failed");
  EXPECT_EQ(json.at("finished"), false);
  EXPECT_EQ(json.at("error"), summary.error);
  EXPECT_NE(summary_for_people(summary).find("failed: training diverged"), std::string::npos);
}

TEST(SummaryText, SaysHowManyFramesTheNetworkLostAndDoubledWhereThereWereAny) {
  Summary summary = example();
  Ledger ledger = traffic();
  add_ledger(ledger, summary);
  EXPECT_EQ(summary_for_people(summary).find("lost"), std::string::npos);
  for (int i = 0; i < 1200; ++i) ledger.record_lost({1});
  ledger.record_doubled({0});
  ledger.record_doubled({2});
  add_ledger(ledger, summary);
  const auto json = nlohmann::json::parse(summary_text(summary));
  EXPECT_EQ(json.at("lost_frames"), 1200);
  EXPECT_EQ(json.at("doubled_frames"), 2);
  EXPECT_EQ(json.at("by_worker").at(1).at("lost_frames"), 1200);
  EXPECT_EQ(json.at("coordinator").at("doubled_frames"), 1);
  EXPECT_NE(summary_for_people(summary).find("  faults        1,200 frames lost, 2 doubled\n"), std::string::npos)
      << summary_for_people(summary);
}

TEST(SummaryForPeople, OfAResumedRunSaysWhichTimeIsWhose) {
  Summary summary = example();
  summary.time = {95.4};
  summary.wall_seconds = 63.0;
  EXPECT_NE(summary_for_people(summary).find("  time          1.59 min on the job's network, 1:03 here\n"),
            std::string::npos)
      << summary_for_people(summary);
  EXPECT_FALSE(nlohmann::json::parse(summary_text(summary)).contains("resumed_step"));
  summary.resumed_step = 1200;
  summary.runtime = Summary::Runtime::kProcesses;
  EXPECT_NE(
      summary_for_people(summary).find("  time          1.59 min without evaluations from step 0; 1:03 here since "
                                       "the run went on after step 1,200\n"),
      std::string::npos)
      << summary_for_people(summary);
  EXPECT_EQ(nlohmann::json::parse(summary_text(summary)).at("resumed_step"), 1200);
}

TEST(SummaryForPeople, SaysWhichModelWasMeasured) {
  Summary summary = example();
  const auto measures = [&](const std::string& model) {
    return summary_for_people(summary).find("87.50% of the " + model + " at step 100") != std::string::npos;
  };
  EXPECT_TRUE(measures("average model"));
  summary.average = false;
  summary.runtime = Summary::Runtime::kProcesses;
  EXPECT_TRUE(measures("model that worker 0 last synchronised"));
  summary.syncs_are_gossip = true;
  EXPECT_TRUE(measures("model of worker 0 after its last gossip round"));
  summary.syncs = 0;
  EXPECT_TRUE(measures("model of worker 0, which nothing synchronised"));
}

TEST(SummaryForPeople, SaysWhatSynchronisationsAndPaperBytesCount) {
  Summary summary = example();
  std::string text = summary_for_people(summary);
  EXPECT_NE(text.find("  syncs         5, averages over all workers\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  paper bytes   0.250 GB as FDA's paper counts: 8 d K bytes for the start and for each sync"),
            std::string::npos)
      << text;
  EXPECT_EQ(nlohmann::json::parse(summary_text(summary)).at("syncs_are"), "averages");
  summary.strategy = "synchronous";
  text = summary_for_people(summary);
  EXPECT_NE(text.find("counts: 8 d K bytes for each step, whatever was sent\n"), std::string::npos) << text;
  summary.strategy = "choco";
  summary.paper_gb.reset();
  summary.syncs_are_gossip = true;
  text = summary_for_people(summary);
  EXPECT_NE(text.find("  syncs         5, rounds in which worker 0 gossiped with neighbours\n"), std::string::npos)
      << text;
  EXPECT_EQ(nlohmann::json::parse(summary_text(summary)).at("syncs_are"), "gossip rounds of worker 0");
}

TEST(SummaryText, HasTheScoresOfEachWorker) {
  Summary summary = example();
  add_ledger(traffic(), summary);
  summary.newest->by_worker = {{.test = 0.5, .own_data = 0.875, .own_samples = 40},
                               {.own_data = 0.625, .own_samples = 8}};
  summary.own_users = {3, 1};
  const auto json = nlohmann::json::parse(summary_text(summary));
  EXPECT_EQ(json.at("by_worker").at(0).at("test_accuracy"), 0.5);
  EXPECT_EQ(json.at("by_worker").at(0).at("own_accuracy"), 0.875);
  EXPECT_EQ(json.at("by_worker").at(0).at("own_samples"), 40);
  EXPECT_EQ(json.at("by_worker").at(0).at("own_users"), 3);
  EXPECT_FALSE(json.at("by_worker").at(1).contains("test_accuracy"));
  EXPECT_NE(summary_for_people(summary).find("  own data      75.00% on average, from 62.50% (worker 1) to 87.50%"),
            std::string::npos)
      << summary_for_people(summary);
}

TEST(ReadSummary, RefusesWhatIsNoSummary) {
  const std::string good = summary_text(example());
  EXPECT_THROW(read_summary(""), DecodeError);
  EXPECT_THROW(read_summary("{}"), DecodeError);
  EXPECT_THROW(read_summary("[1, 2]"), DecodeError);
  EXPECT_THROW(read_summary(good.substr(0, good.size() / 2)), DecodeError);
  std::string wrong_type = good;
  wrong_type.replace(wrong_type.find("\"steps\": 100"), 12, "\"steps\": \"x\"");
  EXPECT_THROW(read_summary(wrong_type), DecodeError);
  std::string other_program = good;
  other_program.replace(other_program.find("laconic"), 7, "verbose");
  EXPECT_THROW(read_summary(other_program), DecodeError);
}

}  // namespace
}  // namespace laconic
