#include "runtimes/node/checkpoint_job.h"

#include <gtest/gtest.h>

namespace laconic {
namespace {

TEST(TextDigest, IsMadeOfTheValuesThatItsAlgorithmsArePublishedWith) {
  EXPECT_EQ(digest(""), (TextDigest{.size = 0, .fnv1a = 0xcbf29ce484222325ULL, .crc32c = 0}));
  EXPECT_EQ(digest("foobar").fnv1a, 0x85944171f73967e8ULL);
  EXPECT_EQ(digest("123456789").crc32c, 0xe3069283U);
  EXPECT_EQ(digest("123456789").size, 9U);
}

const CheckpointJob kJob{
    .resolved = "[job]\nname = \"b\"\nseed = 1\n\n[optimizer]\nlearning_rate = 0.2\n\n[output]\ndir = \"here\"\n",
    .identity = "[job]\nseed = 1\n\n[optimizer]\nlearning_rate = 0.2\n"};

TEST(FirstDifference, NamesSectionKeyAndBothValues) {
  EXPECT_EQ(first_difference("[job]\nname = \"a\"\nseed = 1\n\n[optimizer]\nlearning_rate = 0.1\n", kJob),
            "optimizer.learning_rate is 0.1 in the checkpoint and 0.2 in the job");
}

TEST(FirstDifference, IsTheFirstOfTheJobsOrder) {
  EXPECT_EQ(first_difference("[optimizer]\nlearning_rate = 0.1\n[job]\nseed = 3\n", kJob),
            "job.seed is 3 in the checkpoint and 1 in the job");
}

TEST(FirstDifference, NamesWhatOnlyOneOfThemGives) {
  EXPECT_EQ(first_difference("[job]\nseed = 1\n", kJob),
            "optimizer.learning_rate is not given in the checkpoint and 0.2 in the job");
  EXPECT_EQ(first_difference("[job]\nseed = 1\n[optimizer]\nlearning_rate = 0.2\nmomentum = 0.9\n", kJob),
            "optimizer.momentum is 0.9 in the checkpoint and not given in the job");
}

TEST(FirstDifference, TakesNoLineThatDecidesNothingForIt) {
  EXPECT_EQ(
      first_difference("[job]\nseed=1\n[optimizer]\n learning_rate = 0.2 # as ever\n[output]\ndir = \"there\"", kJob),
      "optimizer.learning_rate is 0.2 # as ever in the checkpoint and 0.2 in the job");
  EXPECT_EQ(
      first_difference("# of old\n[job]\nseed=1\r\n[optimizer]\n learning_rate = 0.2\n[output]\ndir = \"there\"", kJob),
      "what decides the results is written in another way");
}

}  // namespace
}  // namespace laconic
