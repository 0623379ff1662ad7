// Workers that come and go on an asynchronous clock (mechanisms/fda_asynchronous.h, dma_asynchronous.cc): nobody waits for
// anybody, and results go to some. What each run comes to is recomputed (faults/asynchronous_oracle.h).
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/byte_stream.h"
#include "faults/asynchronous_oracle.h"
#include "faults/trial.h"
#include "runtimes/process/member_messages.h"
#include "strategies/registry.h"

namespace laconic::tests {
namespace {

using namespace faults;
using Entry = MembershipWorld::Entry;

FaultJob job(std::string_view strategy, int workers) {
  const StrategyRow& row = find_strategy(strategy);
  const Variant variant{.options = {{"threshold", "0.5"}, {"clock", "asynchronous"}}};
  return {.strategy = &row, .options = options_of(row, variant, "test"), .workers = workers};
}

// Without faults, on a quick network, with steps of 10 ms.
FaultPlan calm(std::string_view strategy, int workers = 4) {
  FaultPlan plan = plan_of(5, job(strategy, workers));
  plan.faults.clear();
  plan.options.job.setting.steps = 80;
  plan.options.network = {.latency = {0.001}};
  plan.options.step_cost.clear();
  return plan;
}

constexpr std::string_view kBoth[] = {"fda", "dma"};

void expect_sound(MembershipWorld& world, const FaultPlan& plan) {
  const std::vector<std::string> objections = asynchronous_objections_to(world, plan.options, plan.threshold);
  for (const std::string& objection : objections) ADD_FAILURE() << objection;
  ASSERT_FALSE(world.hub().error());
  if (!objections.empty()) ADD_FAILURE() << world.account();
}

int averages_with(const MembershipWorld& world, Rank rank, Seconds from) {
  int count = 0;
  for (const Entry& entry : world.log()) {
    if (entry.kind != Entry::Kind::kCommitted || entry.when < from) continue;
    count += std::ranges::find(entry.over, rank) == entry.over.end() ? 0 : 1;
  }
  return count;
}

TEST(MembershipOnAsynchronousClocks, AWorkerThatIsGoneIsInNoAverageAndTheOthersGoOn) {
  for (const std::string_view strategy : kBoth) {
    for (const bool told : {true, false}) {
      const FaultPlan plan = calm(strategy);
      MembershipWorld world(plan.options);
      world.events().at({0.2}, [&] { world.kill(2, told); });
      ASSERT_TRUE(world.run({100.0})) << world.account();
      expect_sound(world, plan);
      EXPECT_EQ(averages_with(world, {2}, {0.2 + plan.options.job.deadline.value / 5.0 + 0.05}), 0) << strategy;
      EXPECT_GT(averages_with(world, {1}, {0.7}), 0) << strategy;
    }
  }
}

TEST(MembershipOnAsynchronousClocks, AWorkerThatReturnsEntersAtOnceAtTheStepOfTheSecondFastest) {
  for (const std::string_view strategy : kBoth) {
    FaultPlan plan = calm(strategy);
    plan.options.step_cost = {{0.01}, {0.02}, {0.03}, {0.03}};
    Step second;
    Seconds began{1e9};
    Step begun_at;
    plan.options.stepped = [&](int worker, Step step) {
      if (worker == 1) second = step;
    };
    MembershipWorld world(plan.options);
    Step when_it_entered;
    world.events().at({0.15}, [&] { world.kill(2, true); });
    world.events().at({0.30}, [&] { world.start(2); });
    world.run({0.30});
    const Step before = second;
    ASSERT_TRUE(world.run({100.0})) << world.account();
    expect_sound(world, plan);
    for (const Entry& entry : world.log()) {
      if (entry.kind != Entry::Kind::kBegan || entry.rank != Rank{2} || entry.when.value < 0.3) continue;
      began = entry.when;
      begun_at = entry.step;
    }
    EXPECT_LT(began.value, 0.4) << strategy << world.account();
    EXPECT_GE(begun_at, before) << strategy;
  }
}

// Worker 1 takes ten times as long for a step, and leaves in the middle of one.
TEST(MembershipOnAsynchronousClocks, ASlowWorkerHoldsNobodyUpNorDoesItsLoss) {
  for (const std::string_view strategy : kBoth) {
    FaultPlan plan = calm(strategy);
    plan.options.step_cost = {{0.01}, {0.1}, {0.01}, {0.01}};
    std::vector<Seconds> ended(4);
    MembershipWorld* all = nullptr;
    plan.options.stepped = [&](int worker, Step step) {
      if (step.value == 80) ended[static_cast<std::size_t>(worker)] = all->events().now();
    };
    MembershipWorld world(plan.options);
    all = &world;
    world.events().at({0.35}, [&] { world.kill(1, false); });
    ASSERT_TRUE(world.run({100.0})) << world.account();
    expect_sound(world, plan);
    const double alone = 80 * 0.01;
    // At most one average waits for the lost one, for a fifth of the deadline.
    for (const int worker : {0, 2, 3})
      EXPECT_LT(ended[static_cast<std::size_t>(worker)].value, alone + 0.5) << strategy;
  }
}

TEST(MembershipOnAsynchronousClocks, ACoordinatorKilledAtAnyMomentOrWriteGoesOnWithWhatItsLogSays) {
  for (const std::string_view strategy : kBoth) {
    const FaultPlan plan = calm(strategy, 3);
    for (int moment = 1; moment <= 40; ++moment) {
      MembershipWorld world(plan.options);
      const double when = 0.0171 * moment;
      world.events().at({when}, [&] { world.kill_hub(); });
      world.events().at({when + 0.02}, [&] { world.start_hub(); });
      ASSERT_TRUE(world.run({100.0})) << strategy << moment << "\n" << world.account();
      expect_sound(world, plan);
      ASSERT_FALSE(HasFailure()) << strategy << " " << moment;
    }
    for (std::uint64_t write = 1; write <= 40; ++write) {
      MembershipWorld world(plan.options);
      world.disk().set_faults({.die_at = world.disk().writes() + write});
      ASSERT_TRUE(world.run({100.0})) << strategy << write << "\n" << world.account();
      expect_sound(world, plan);
      ASSERT_FALSE(HasFailure()) << strategy << " write " << write;
    }
  }
}

// Takes part as it should, and says once what no worker says.
class Liar final : public Strategy {
 public:
  Liar(std::unique_ptr<Strategy> inner, Frame lie, std::uint64_t step)
      : inner_(std::move(inner)), lie_(std::move(lie)), step_(step) {}
  Task<void> round(Worker& self) override {
    co_await inner_->round(self);
    if (self.step().value == step_) self.comm().send(self.comm().coordinator(), lie_);
  }
  void archive_common(Archive& archive) override { inner_->archive_common(archive); }
  std::span<const float> common_model() const override { return inner_->common_model(); }

 private:
  std::unique_ptr<Strategy> inner_;
  Frame lie_;
  std::uint64_t step_;
};

Frame state_frame(std::size_t floats, float value, std::uint64_t number, std::uint64_t step) {
  ByteWriter out;
  out.floats(std::vector<float>(floats, value));
  out.u64(number);
  out.u64(step);
  return {FrameHeader{Traffic::kState, Tag::kGather, Round{0}}, out.bytes()};
}

// Returns what the run says of worker 1, who lies.
std::string after_lie(FaultPlan plan, const Frame& lie, std::uint64_t step = 9) {
  plan.options.job.instead = [job = plan.options.job, lie, step](int process) -> StrategyFactory {
    if (process != 2) return {};
    const StrategyFactory own = job.strategy->make(job.options, job.setting);
    return [own, lie, step] { return std::make_unique<Liar>(own(), lie, step); };
  };
  MembershipWorld world(plan.options);
  EXPECT_TRUE(world.run({100.0})) << world.account();
  expect_sound(world, plan);
  std::string reasons;
  for (const Entry& entry : world.log()) {
    if (entry.kind == Entry::Kind::kCommitted && entry.when.value < 0.2) {
      EXPECT_LT(entry.step.value, 40U);
    }
    if (entry.kind == Entry::Kind::kLeft) reasons += std::to_string(entry.rank.value) + ": " + entry.why + "\n";
  }
  return reasons;
}

TEST(MembershipOnAsynchronousClocks, WhoSaysWhatCannotBeIsOutAndTheOthersGoOn) {
  const FaultPlan fda = calm("fda");
  constexpr std::size_t kState = 2;  // of the monitor linear
  EXPECT_EQ(after_lie(fda, state_frame(kState + 1, 1.0F, 0, 9)), "1: a state of worker 1 of 28 bytes\n");
  EXPECT_EQ(after_lie(fda, state_frame(kState, 1.0F, 0, 81)),
            "1: a state of worker 1 of step 81 of 80 after average 0 of 3\n");
  EXPECT_EQ(after_lie(fda, state_frame(kState, 1.0F, 99, 9)),
            "1: a state of worker 1 of step 9 of 80 after average 99 of 3\n");
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(after_lie(fda, state_frame(kState, nan, 3, 9)), "1: its state is not finite\n");
  EXPECT_EQ(after_lie(fda, state_frame(kState, nan, 0, 9)), "") << "of an average that is no more";
  EXPECT_EQ(after_lie(fda, process::encode(process::At{.step = {1000}}, 4)),
            "1: it says that it is at step 1000 of 80\n");
  // Were it believed, nobody could join any more.
  const Frame done = process::encode(process::Done{.step = {80}}, 4);
  EXPECT_EQ(after_lie(fda, done), "1: it has said that it had taken its last step, and there is more to do\n");
  const Frame leaves(FrameHeader{Traffic::kControl, Tag::kGather, Round{0}}, std::span<const std::byte>());
  for (const std::string_view strategy : kBoth) {
    // A step that it has not taken moves nobody.
    EXPECT_EQ(after_lie(calm(strategy), process::encode(process::At{.step = {80}}, 4)), "");
    EXPECT_EQ(after_lie(calm(strategy), leaves), "1: it says what no worker says that comes and goes\n");
  }
}

TEST(MembershipOnAsynchronousClocks, WhoGivesNoModelToABalanceIsOut) {
  const FaultPlan dma = calm("dma");
  std::string reasons;
  for (std::uint64_t reference = 0; reference < 8; ++reference) {  // one of them is that of the moment
    ByteWriter few;
    few.floats(std::vector<float>(20));
    few.u64(2 * reference);
    reasons += after_lie(dma, Frame(FrameHeader{Traffic::kModel, Tag::kGather, Round{0}}, few.bytes()), 4);
  }
  EXPECT_EQ(reasons, "1: its model cannot be averaged: it is of another size or form\n");
}

}  // namespace
}  // namespace laconic::tests
