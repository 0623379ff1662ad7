#include "job/sweep_grid.h"

#include <gtest/gtest.h>

#include <set>

#include "base/error.h"

namespace laconic {
namespace {

using Texts = std::vector<std::string>;

std::string refusal(const Texts& grid) {
  try {
    parse_grid(grid);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(SweptKeys, HaveValuesBehindCommas) {
  const SweptKey key = parse_swept_key("strategy.threshold=0.5, 1,2");
  EXPECT_EQ(key.path(), "strategy.threshold");
  EXPECT_EQ(key.values, (Texts{"0.5", "1", "2"}));
}

TEST(SweptKeys, HaveRangesOfWholeNumbersWithBothEnds) {
  EXPECT_EQ(parse_swept_key("job.seed=3..5").values, (Texts{"3", "4", "5"}));
  EXPECT_EQ(parse_swept_key("job.seed=7..7,1").values, (Texts{"7", "1"}));
  EXPECT_EQ(parse_swept_key("data.dir=../a,b").values, (Texts{"../a", "b"}));
}

TEST(SweptKeys, OfListsHaveValuesBehindSemicolons) {
  EXPECT_EQ(parse_swept_key("model.hidden=64,64;128").values, (Texts{"64,64", "128"}));
}

TEST(SweptKeys, WithoutASectionAreOfTheJobOrTheOnlyOnesOfTheirName) {
  EXPECT_EQ(parse_swept_key("seed=1,2").path(), "job.seed");
  EXPECT_EQ(parse_swept_key("partition=iid,contiguous").path(), "data.partition");
  EXPECT_NE(refusal({"name=a,b"}).find("job.name"), std::string::npos);
}

TEST(SweptKeys, MayBeOfOneJobAlone) {
  const SweptKey key = parse_swept_key("strategy.threshold@fda=1,2");
  EXPECT_EQ(key.path(), "strategy.threshold");
  EXPECT_EQ(key.job, "fda");
  EXPECT_EQ(parse_swept_key("data.dir=a@b").job, "");
  EXPECT_NE(refusal({"seed@=1"}).find("give key@JOB=value,value"), std::string::npos);
  EXPECT_NE(refusal({"@fda=1"}).find("give key@JOB=value,value"), std::string::npos);
  EXPECT_EQ(refusal({"seed@a=1", "seed@b=2"}), "accepted");
  EXPECT_NE(refusal({"seed@a=1", "seed=2"}).find("comes twice"), std::string::npos);
  const std::vector<SweptKey> keys = parse_grid(Texts{"seed@a=1", "data.batch=2", "seed@b=2"});
  EXPECT_EQ(keys_of(keys, "b").size(), 2U);
  EXPECT_EQ(keys_of(keys, "c").size(), 1U);
  EXPECT_EQ(refusal({"seed@a=1..200", "data.batch@b=1..200"}), "accepted") << "no job has both";
  EXPECT_NE(refusal({"seed@a=1..200", "data.batch=1..200"}).find("more than 10000 combinations"), std::string::npos);
}

TEST(SweptKeys, AreRefusedWithWhatToDo) {
  EXPECT_NE(refusal({"seed"}).find("says no values"), std::string::npos);
  EXPECT_NE(refusal({"=1,2"}).find("says no values"), std::string::npos);
  EXPECT_NE(refusal({"seed=1,,2"}).find("a value is missing"), std::string::npos);
  EXPECT_NE(refusal({"seed="}).find("a value is missing"), std::string::npos);
  EXPECT_NE(refusal({"seed=5..1"}).find("is no range"), std::string::npos);
  EXPECT_NE(refusal({"seed=0..4000000000"}).find("is no range"), std::string::npos);
  EXPECT_NE(refusal({"seed=1..3,2"}).find("the value 2 comes twice"), std::string::npos);
  EXPECT_NE(refusal({"no_such_key=1,2"}).find("is no key of a job"), std::string::npos);
  EXPECT_NE(refusal({"every=1,2"}).find("a key of several sections; write strategy.every, evaluation.every"),
            std::string::npos)
      << refusal({"every=1,2"});
  EXPECT_NE(refusal({"output.dir=a,b"}).find("leave it out"), std::string::npos);
}

TEST(SweptKeys, WithARangeInAnotherSpellingAreToldOurs) {
  for (const char* text : {"seed=1-3", "seed=1:3", "seed=1...3", "seed=1 - 3", "seed=1 to 3",
                           "seed=1\xE2\x80\x93"
                           "3"}) {
    const std::string value = std::string(text).substr(5);
    EXPECT_EQ(refusal({text}), "seed: '" + value + "' is no range; write seed=1..3");
  }
  EXPECT_EQ(refusal({"learning_rate=0.1..0.5"}),
            "learning_rate: '0.1..0.5' is no range; ranges are for whole numbers, so write the values, such as "
            "learning_rate=0.1,0.5");
  EXPECT_NE(refusal({"learning_rate=1e-5-1e-3"}).find("learning_rate=1e-5,1e-3"), std::string::npos);
  EXPECT_EQ(refusal({"learning_rate=1e-3,2e-3"}), "accepted") << "the minus of an exponent";
  EXPECT_EQ(refusal({"data.dir=1-3,1:3"}), "accepted") << "names of folders";
}

TEST(SweptKeys, ThatNameASectionAreItsMainKey) {
  EXPECT_EQ(parse_swept_key("strategy=fda,periodic").path(), "strategy.name");
  EXPECT_EQ(parse_swept_key("model=lenet5,mlp").path(), "model.name");
  EXPECT_EQ(parse_swept_key("workers=2..4").path(), "workers.count");
}

TEST(Grids, AreRefusedWhereAKeyComesTwiceOrThereAreTooMany) {
  EXPECT_NE(refusal({"seed=1", "job.seed=2"}).find("comes twice"), std::string::npos);
  EXPECT_NE(refusal({"seed=1..101", "job.steps=1..100"}).find("more than 10000 combinations"), std::string::npos);
  EXPECT_EQ(refusal({"seed=1..100", "job.steps=1..100"}), "accepted");
}

TEST(Grids, GiveEveryCombinationOnceTheLastKeyFastest) {
  const auto keys = parse_grid(Texts{"strategy.threshold=1,2", "seed=7..9"});
  const std::vector<Combination> expected = {{"1", "7"}, {"1", "8"}, {"1", "9"}, {"2", "7"}, {"2", "8"}, {"2", "9"}};
  EXPECT_EQ(combinations(keys), expected);
}

TEST(Grids, NameAFolderForEachCombinationAndNoTwoAlike) {
  const auto keys = parse_grid(Texts{"data.dir=a/b,a%2Fb,a_b,a b", "seed=1,2"});
  std::set<std::string> names;
  for (const Combination& combination : combinations(keys)) names.insert(folder_name(keys, combination));
  EXPECT_EQ(names.size(), 8U);
  EXPECT_TRUE(names.contains("dir=a%2Fb,seed=1"));
  EXPECT_TRUE(names.contains("dir=a%252Fb,seed=1"));
  for (const std::string& name : names) EXPECT_EQ(name.find('/'), std::string::npos);
}

TEST(Grids, PutTheSectionBeforeKeysThatShareTheirName) {
  const auto keys = parse_grid(Texts{"strategy.name=fda", "compression.name=x"});
  EXPECT_EQ(folder_name(keys, {"fda", "x"}), "strategy.name=fda,compression.name=x");
}

TEST(Grids, RefuseANameThatNoFileSystemTakes) {
  const auto keys = parse_grid(Texts{"data.dir=" + std::string(250, 'x')});
  EXPECT_THROW(folder_name(keys, combinations(keys)[0]), UsageError);
}

}  // namespace
}  // namespace laconic
