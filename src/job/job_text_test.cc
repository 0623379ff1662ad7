#include "job/text/job_text.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "job/job_test.h"

namespace laconic {
namespace {

TEST(Job, TakesOverridesLast) {
  const Job job = parse(joined(kGood), {"strategy.threshold=4", "job.name=\"other\"", "network.up=1 Gbit/s"});
  EXPECT_EQ(job.section("strategy").number("threshold"), 4.0);
  EXPECT_EQ(job.name, "other");
  EXPECT_EQ(job.section("network").rate("up").value, 1e9);
}

TEST(Job, OverrideOfStepsPutsEpochsAside) {
  const Job job = parse(joined(kGood), {"job.steps=100"});
  EXPECT_FALSE(job.length.in_epochs);
  EXPECT_EQ(job.length.numerator, 100u);
  EXPECT_TRUE(parse(with_line(2, "steps = 5"), {"job.epochs=0.5"}).length.in_epochs);
}

TEST(Job, OverrideOfANameInAnotherSpellingPutsAsideWhatFollowsFromTheFormerOne) {
  EXPECT_EQ(parse(joined(kGood), {"strategy.name=Synchronous"}).strategy->name, "synchronous");
  EXPECT_EQ(parse(with_line(12, "name = \"FDA\""), {"strategy.name=synchronous"}).strategy->name, "synchronous");
  EXPECT_EQ(parse(with_line(12, "name = \"FDA\"")).identity(), parse(joined(kGood)).identity());
}

TEST(Job, OverrideOfANamePutsAsideWhatTheFileGivesForTheFormerOne) {
  EXPECT_EQ(parse(joined(kGood), {"strategy.name=synchronous"}).strategy->name, "synchronous");
  EXPECT_EQ(refusal(joined(kGood), {"strategy.name=synchronous", "strategy.threshold=1"}),
            "--set: 'strategy.threshold' is an option of fda, dma, but strategy.name is 'synchronous'; remove it, or "
            "change the name");
}

TEST(Job, RefusesWhatIsNoToml) {
  EXPECT_EQ(refusal(with_line(6, "name = lenet5")), "job.toml:6: text needs quotes; write name = \"lenet5\"");
  EXPECT_EQ(refusal(with_line(2, "epochs = 2\nepochs = 3")),
            "job.toml:3: 'epochs' is set in lines 2 and 3; remove one of them");
}

TEST(Job, TakesAListOverAsTomlWritesIt) {
  const std::vector<Seconds> costs = {{0.01}, {0.02}};
  for (const char* list : {"workers.compute=[\"10 ms\", \"20 ms\"]", "workers.compute=10 ms, 20 ms"}) {
    EXPECT_EQ(parse(joined(kGood), {"workers.count=2", list}).step_cost, costs) << list;
  }
}

TEST(Job, RefusesBadOverrides) {
  EXPECT_EQ(refusal(joined(kGood), {"threshold=3"}),
            "--set 'threshold=3': write section.key=value, such as --set job.seed=2");
  EXPECT_EQ(refusal(joined(kGood), {"stategy.name=fda"}),
            "--set stategy.name: unknown section [stategy]; did you mean [strategy]?");
  EXPECT_EQ(refusal(joined(kGood), {"job.steps=2 epochs"}),
            "--set: job.steps: '2 epochs' is not a whole number from 0 to 1000000000000; write job.epochs=2");
  EXPECT_EQ(refusal(joined(kGood), {"optimizer.lr=0.1"}),
            "--set: 'optimizer.lr' is learning_rate here; write optimizer.learning_rate=0.1");
  EXPECT_EQ(refusal(joined(kGood), {"strategy.treshold=3"}),
            "--set: unknown key 'strategy.treshold'; did you mean 'threshold'?");
  EXPECT_EQ(
      refusal(joined(kGood), {"strategy.threshold=much"}),
      "--set: strategy.threshold: 'much' is not a number of at least 0 or 'budget', such as strategy.threshold=2.5");
}

TEST(TomlQuoted, IsReadBackAsItWas) {
  const std::string odd = "a \"quoted\" \\ back\tslash\n\x01\x7f ü";
  const WrittenJob written = read_job_text("[s]\nk = " + toml_quoted(odd) + "\n", "x");
  EXPECT_EQ(written.at("s").keys.at("k").text, odd);
}

TEST(JobText, AnOverrideThatNoJobFileCouldHoldIsRefused) {
  EXPECT_EQ(parse_override("data.dir=/data/\xC3\xB8l").value, "/data/\xC3\xB8l");
  try {
    parse_override("data.dir=/data/\xF8l");
    FAIL() << "taken";
  } catch (const UsageError& error) {
    EXPECT_EQ(std::string(error.what()),
              "--set 'data.dir': the value is not UTF-8, as a job has to be; rename the file or folder that it names");
  }
}

}  // namespace
}  // namespace laconic
