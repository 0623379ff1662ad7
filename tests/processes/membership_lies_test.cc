// A worker that says what cannot be, in the rounds of periodic: it is out with a reason that says what it said, nothing of
// it is in an average, and the others go on to what their named sets imply.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "faults/membership_oracle.h"
#include "faults/trial.h"
#include "runtimes/process/member_messages.h"
#include "strategies/registry.h"

namespace laconic::tests {
namespace {

using namespace faults;
using Entry = MembershipWorld::Entry;
using Lie = std::function<Frame(Worker& self)>;

constexpr Rank kLiar{1};

// Four workers that average after every fifth of 40 steps.
FaultPlan calm() {
  const StrategyRow& row = find_strategy("periodic");
  const Variant variant{.options = {{"period", "5"}}};
  FaultPlan plan = plan_of(5, {.strategy = &row, .options = options_of(row, variant, "test"), .workers = 4});
  plan.faults.clear();
  plan.options.job.setting.steps = 40;
  plan.options.piece = CommOptions().piece;
  plan.options.network = {.latency = {0.001}};
  plan.options.step_cost.clear();
  return plan;
}

// Takes part as it should, and lies once: a step before the second average, for which all others still train.
class Liar final : public Strategy {
 public:
  Liar(std::unique_ptr<Strategy> inner, Lie lie) : inner_(std::move(inner)), lie_(std::move(lie)) {}
  Task<void> round(Worker& self) override {
    if (self.step().value == 9) self.comm().send(self.comm().coordinator(), lie_(self));
    co_await inner_->round(self);
  }
  void archive_common(Archive& archive) override { inner_->archive_common(archive); }
  std::span<const float> common_model() const override { return inner_->common_model(); }

 private:
  std::unique_ptr<Strategy> inner_;
  Lie lie_;
};

// Why the liar is out, and nobody else is. `happen`: what else does.
std::string reason_after(const Lie& lie, const std::function<void(MembershipWorld& world)>& happen = {}) {
  FaultPlan plan = calm();
  plan.options.job.instead = [job = plan.options.job, lie](int process) -> StrategyFactory {
    if (process != kLiar.value + 1) return {};
    const StrategyFactory own = job.strategy->make(job.options, job.setting);
    return [own, lie] { return std::make_unique<Liar>(own(), lie); };
  };
  MembershipWorld world(plan.options);
  if (happen) happen(world);
  EXPECT_TRUE(world.run({100.0})) << world.account();
  EXPECT_FALSE(world.hub().error());
  for (const std::string& objection : objections_to(world, plan.options, plan.threshold)) ADD_FAILURE() << objection;
  std::string reason;
  for (const Entry& entry : world.log()) {
    if (entry.kind != Entry::Kind::kLeft) continue;
    EXPECT_TRUE(happen || entry.rank == kLiar) << entry.why;
    if (entry.rank == kLiar) reason += entry.why + (happen ? "\n" : "");
  }
  EXPECT_EQ(world.completed(0), Step{40});
  return reason;
}

// A part of the average to come, of so many floats, and what it says of its sender.
Frame part(Worker& self, std::size_t floats, const Standing& standing) {
  const FrameHeader header{Traffic::kModel, Tag::kReduceMean, self.comm().upcoming_round()};
  std::vector<std::byte> bytes(floats * sizeof(float));
  const std::vector<std::byte> behind = encode_standing(standing, header);
  bytes.insert(bytes.end(), behind.begin(), behind.end());
  return {header, bytes};
}

// As a member says it of itself that has heard the average of step 5.
Standing own_standing(Worker& self) {
  const FrameHeader header{Traffic::kModel, Tag::kReduceMean, self.comm().upcoming_round()};
  const std::vector<std::byte> behind = self.comm().standing(header);
  const SaidStanding said = decode_standing(Frame(header, behind), {5});
  return {.step = {10}, .history = *said.history, .heard = {5}};
}

TEST(LiesOfMembers, OfAnotherStepAreInNoAverage) {
  const auto lie = [](Worker& self) {
    Standing standing = own_standing(self);
    standing.step = {1000};
    return part(self, 24, standing);
  };
  EXPECT_EQ(reason_after(lie),
            "its part is of step 1000 and 96 bytes, and those of the rest are of step 10 and 96 bytes");
}

TEST(LiesOfMembers, OfOtherResultsAreInNoAverage) {
  const auto lie = [](Worker& self) {
    Standing standing = own_standing(self);
    standing.history ^= 1;
    return part(self, 24, standing);
  };
  EXPECT_EQ(reason_after(lie), "it has heard other results than the rest");
}

TEST(LiesOfMembers, OfAnotherSizeAreInNoAverage) {
  const auto lie = [](Worker& self) { return part(self, 23, own_standing(self)); };
  EXPECT_EQ(reason_after(lie),
            "its part is of step 10 and 92 bytes, and those of the rest are of step 10 and 96 bytes");
}

TEST(LiesOfMembers, APartThatSaysNothingOfItsSenderIsInNoAverage) {
  const auto lie = [](Worker& self) {
    const FrameHeader header{Traffic::kModel, Tag::kReduceMean, self.comm().upcoming_round()};
    return Frame(header, std::span<const std::byte>());
  };
  EXPECT_EQ(reason_after(lie), "a part of a collective without a standing");
}

// Were it believed, nobody could join any more.
TEST(LiesOfMembers, ThatTheyHaveTakenTheirLastStepEndNothing) {
  const auto lie = [](Worker&) { return encode(process::Done{.step = {9}}, 4); };
  EXPECT_EQ(reason_after(lie), "it says that its last step was 9 of 40");
}

TEST(LiesOfMembers, OfALastStepAreRefutedByTheNextPartOfAnybody) {
  const auto lie = [](Worker&) { return encode(process::Done{.step = {40}}, 4); };
  EXPECT_EQ(reason_after(lie), "it has said that it had taken its last step, and there is more to do");
}

TEST(LiesOfMembers, PartsOfRoundsToComeAreNotKept) {
  const auto lie = [](Worker& self) {
    const FrameHeader header{Traffic::kModel, Tag::kReduceMean, Round{self.comm().upcoming_round().value + 9}};
    return Frame(header, encode_standing(own_standing(self), header));
  };
  EXPECT_EQ(reason_after(lie), "it sends a frame (part of a mean) of round 10, which nobody asks for");
}

TEST(LiesOfMembers, InTheNameOfTheCoordinatorAreHeardByNobody) {
  const auto lie = [](Worker&) { return encode(process::End{}, 4); };
  EXPECT_EQ(reason_after(lie), "worker 1 said what only a coordinator says");
}

// A coordinator that was started again waits for worker 3, which is gone, and believes what the others have heard.
TEST(LiesOfMembers, OfResultsThatNobodyWasToldAreFoundOutByACoordinatorThatWasStartedAgain) {
  const auto lie = [](Worker& self) {
    return encode(process::Here{.view = self.comm().present().number, .round = {77}, .step = {35}, .history = 1}, 4);
  };
  const auto happen = [](MembershipWorld& world) {
    world.events().at({0.085}, [&world] { world.kill(3, true); });
    world.events().at({0.085}, [&world] { world.kill_hub(); });
    world.events().at({0.090}, [&world] { world.start_hub(); });
  };
  EXPECT_EQ(reason_after(lie, happen), "it says that it has heard a result that nobody was told\n");
}

TEST(LiesOfMembers, WordsOfNoKindAreRefused) {
  const std::vector<std::byte> word = {std::byte{77}};
  const auto lie = [&](Worker&) { return Frame(FrameHeader{Traffic::kControl, Tag::kMembership, Round{0}}, word); };
  EXPECT_NE(reason_after(lie).find("no kind 77"), std::string::npos);
}

}  // namespace
}  // namespace laconic::tests
