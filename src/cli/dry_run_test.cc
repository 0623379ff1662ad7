#include <string>
#include <vector>

#include "base/error.h"
#include "cli/commands.h"
#include "cli/commands_test.h"
#include "job/plan.h"
#include "report/format.h"

namespace laconic {
namespace {

class DryRun : public CommandTest {};

TEST_F(DryRun, APlanBoundsTheTimeOfBalancesThatAskOneAfterAnother) {
  const std::string path = job("a", "name = \"dma\"\nthreshold = 0.001\naugment = \"random\"");
  const std::vector<std::string> slow = {"network.latency=50 ms", "workers.count=8"};
  EXPECT_EQ(run(path, slow), ExitCode::kDone) << err_.str();
  const Job planned = load_job(path, slow);
  const Plan plan = make_plan(planned, set_up(planned));
  const double steps = 40;
  ASSERT_TRUE(plan.sync_time.has_value());
  EXPECT_GT(plan.sync_time->value, 7 * 2 * 0.05) << "a request and a reply of each other worker";
  EXPECT_LE(summary("a").at("time_s"),
            1.01 * (steps * plan.step_time.value + static_cast<double>(plan.most_syncs) * plan.sync_time->value));
}

TEST_F(DryRun, APlanRefusesABudgetThatTheRunWouldRefuse) {
  const std::string path = job("a", "name = \"fda\"\nbudget = \"1 kB/1000 steps\"");
  EXPECT_THROW(run_command(console_, {.job_file = path, .overrides = {}, .dry_run = true}), UsageError);
}

TEST_F(DryRun, WritesNothing) {
  EXPECT_EQ(run_command(console_, {.job_file = job("a"), .overrides = {}, .dry_run = true}), ExitCode::kDone);
  EXPECT_FALSE(exists("runs"));
  const std::string output = printed();
  EXPECT_NE(output.find("d = 386 parameters"), std::string::npos) << output;  // 36 * 8 + 8 + 8 * 10 + 10
  // A star of 4 workers carries 2 * 4 states of 8 bytes a step and 2 * 4 models of 4 * 386 bytes a sync.
  EXPECT_NE(output.find("64 B (16 B a worker)"), std::string::npos) << output;
  EXPECT_NE(output.find("12.4 kB (3.09 kB a worker)"), std::string::npos) << output;
  EXPECT_NE(output.find("0 to 40, as the data decide"), std::string::npos) << output;
  EXPECT_NE(output.find("worker"), std::string::npos);
}

TEST_F(DryRun, TellsOfARunThatEndsBeforeItsFirstAverage) {
  const std::string path = job("a", "name = \"periodic\"\nperiod = 41");
  EXPECT_EQ(run_command(console_, {.job_file = path, .overrides = {}, .dry_run = true}), ExitCode::kDone);
  EXPECT_NE(printed().find("note: nothing is sent: the first of the averages comes after 41 steps"), std::string::npos);
  EXPECT_EQ(run(path), ExitCode::kDone);
  EXPECT_NE(printed().find("note: nothing is sent"), std::string::npos);
  EXPECT_EQ(run_command(console_, {.job_file = path, .overrides = {"strategy.period=40"}, .dry_run = true}),
            ExitCode::kDone);
  EXPECT_EQ(printed().find("nothing is sent"), std::string::npos);
}

TEST_F(DryRun, KnowsWhatEachKindOfCheckSends) {
  const auto plan_with = [&](const std::vector<std::string>& overrides) {
    EXPECT_EQ(run_command(console_, {.job_file = job("a"), .overrides = overrides, .dry_run = true}), ExitCode::kDone);
    return printed();
  };
  const auto expect_part = [](const std::string& plan, const std::string& part) {
    EXPECT_NE(plan.find(part), std::string::npos) << part << " in\n" << plan;
  };
  const std::string seldom = plan_with({"strategy.check_every=10"});
  expect_part(seldom, "a run         256 B (64 B a worker) of payload beside those");  // four checks of 64 bytes
  expect_part(seldom, "0 to 4, as the data decide");
  expect_part(seldom, "ms more");
  const std::string screened = plan_with({"strategy.screen=lock-step"});
  expect_part(screened, "a step        about 8 B (2 B a worker)");
  expect_part(screened, "a sync        about 12.4 kB");
  const std::string late = plan_with({"strategy.screen=late"});
  expect_part(late, "a step        about 0 B");
  // The last check: states of 16 bytes, and one alarm to three workers.
  expect_part(late, "a run         about 131 B");
  expect_part(plan_with({"strategy.decide_late=true"}), "0 to 20, as the data decide");
}

TEST_F(DryRun, CountsTheCheckpointsAndTheirBytes) {
  const auto line_with = [&](const std::vector<std::string>& overrides) {
    EXPECT_EQ(
        run_command(console_, {.job_file = job("a", kSynchronousSection), .overrides = overrides, .dry_run = true}),
        ExitCode::kDone);
    const std::string plan = printed();
    const std::size_t from = plan.find("  checkpoints   ");
    return from == std::string::npos ? std::string() : plan.substr(from + 16, plan.find('\n', from) - from - 16);
  };
  EXPECT_EQ(line_with({}), "");
  // After steps 5, 10, ..., 35 four models of 386 float32, each with Adam's two moments; one that was measured, the
  // best, and the common one.
  const std::string size = "of about 23.2 kB (4.63 kB a worker), in " + root_.path("runs/a.checkpoint");
  EXPECT_EQ(line_with({"checkpoint.every=5 steps"}), "7, each " + size + ", where the newest 2 stay");
  EXPECT_EQ(line_with({"checkpoint.every=5 steps", "checkpoint.keep=1"}),
            "7, each " + size + ", where the newest stays");
  EXPECT_EQ(line_with({"checkpoint.every=30 steps"}), "1, " + size);
  EXPECT_EQ(line_with({"checkpoint.every=30 steps", "output.best=false"}).find("1, of about 21.6 kB"), 0U);
  EXPECT_EQ(line_with({"checkpoint.every=40 steps"}), "none, as the run ends before the first");
}

TEST_F(DryRun, PredictsTheTimeOfARunWhoseSyncsAreFixed) {
  EXPECT_EQ(run_command(console_, {.job_file = job("a", kSynchronousSection), .overrides = {}, .dry_run = true}),
            ExitCode::kDone);
  const std::string plan = printed();
  EXPECT_EQ(run(job("a", kSynchronousSection)), ExitCode::kDone);
  const std::string time = to_text(Seconds{summary("a").at("time_s").get<double>()});
  EXPECT_NE(plan.find("time          about " + time), std::string::npos) << time << " in\n" << plan;
}

TEST_F(DryRun, PredictsTheTimeOfCompressedSyncs) {
  const std::vector<std::string> slow = {"compression.operator=qsgd", "network.up=100 kbit/s",
                                         "network.down=100 kbit/s"};
  EXPECT_EQ(run_command(console_, {.job_file = job("a", kSynchronousSection), .overrides = slow, .dry_run = true}),
            ExitCode::kDone);
  const std::string plan = printed();
  const std::string begin = "  time          about ";
  const std::size_t from = plan.find(begin) + begin.size();
  const double planned = parse_seconds(plan.substr(from, plan.find(',', from) - from)).value;
  EXPECT_EQ(run(job("a", kSynchronousSection), slow), ExitCode::kDone);
  const double time = summary("a").at("time_s").get<double>();
  EXPECT_NEAR(planned, time, 0.1 * time) << plan;
}

TEST_F(DryRun, SaysWhichBytesItsTimeLeavesOutWhereverARunHasSome) {
  const auto plan_of = [&](const std::string& strategy) {
    EXPECT_EQ(
        run_command(console_, {.job_file = job("a", strategy), .overrides = {"optimizer.name=sgd"}, .dry_run = true}),
        ExitCode::kDone);
    return printed();
  };
  const std::string graph = "\n[topology]\ngraph = \"ring\"\n";
  const std::string sign = "[compression]\noperator = \"sign\"\n";
  for (const std::string& strategy :
       {"name = \"d_psgd\"" + graph, "name = \"qg_dsgdm\"" + graph, "name = \"choco\"" + graph + sign}) {
    const std::string plan = plan_of(strategy);
    EXPECT_EQ(plan.find("merge"), std::string::npos) << plan;
    EXPECT_EQ(plan.find("beside"), std::string::npos) << plan;
  }
  const std::string plan = plan_of("name = \"scsp\"\n[topology]\ngraph = \"random_out:2\"\n" + sign);
  // One merge of four models of 386 float32, up and down.
  EXPECT_NE(plan.find(", on the job's network, without the 12.4 kB beside steps and syncs\n"), std::string::npos)
      << plan;
}

TEST_F(DryRun, PredictsTheEnergyOfARunButForItsHeaders) {
  const std::vector<std::string> energy = {"energy.per_bit=1e-6", "energy.per_step=0.5"};
  EXPECT_EQ(run_command(console_, {.job_file = job("a", kSynchronousSection), .overrides = energy, .dry_run = true}),
            ExitCode::kDone);
  // 40 steps of 4 workers, and as many models of 386 float32 up and down.
  const double joules = 40 * 4 * (0.5 + 2 * 386 * 32 * 1e-6);
  const std::string plan = printed();
  EXPECT_NE(plan.find("energy        about " + significant(joules) + " J "), std::string::npos) << plan;
  EXPECT_EQ(run(job("a", kSynchronousSection), energy), ExitCode::kDone);
  EXPECT_GT(summary("a").at("joules").get<double>(), joules);
  EXPECT_LT(summary("a").at("joules").get<double>(), 1.01 * joules);
}

}  // namespace
}  // namespace laconic
