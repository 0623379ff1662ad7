// The templates of a strategy, an operator, a model and a data set in one job.
#include "job/job.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <string>

#include "base/random.h"
#include "job/tiny_job_test.h"
#include "job/wiring.h"

namespace laconic {
namespace {

constexpr std::uint32_t kSide = 6;

// Dark images of class 0 and bright ones of class 1, with noise.
void write_split(const std::string& path, std::uint32_t count, std::uint64_t seed) {
  RandomStream stream(seed, "dark and bright");
  std::string bytes;
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t label = i % 2;
    bytes += static_cast<char>(label);
    for (std::uint32_t pixel = 0; pixel < kSide * kSide; ++pixel)
      bytes += static_cast<char>(stream.below(128) + 100 * label);
  }
  testing::write_text(path, bytes);
}

TEST(Templates, TrainTogetherInOneJob) {
  const testing::TemporaryFolder folder;
  write_split(folder.path("train.bin"), 400, 1);
  write_split(folder.path("test.bin"), 100, 2);
  const Job job = parse_job_text("[job]\nsteps = 120\n[data]\ndataset = \"my_data\"\nside = 6\nbatch = 16\ndir = \"" +
                                     folder.path() +
                                     "\"\n[model]\nname = \"my_model\"\nchannels = 8\n"
                                     "[optimizer]\nname = \"adam\"\nlearning_rate = 0.02\n"
                                     "[workers]\ncount = 4\nthreads = 1\n"
                                     "[strategy]\nname = \"my_strategy\"\nperiod = 5\nmix = 0.9\n"
                                     "[compression]\noperator = \"my_operator\"\n",
                                 "templates.toml");
  const JobSetup setup = set_up(job);
  const RunResult result = run_job(job, setup);
  EXPECT_EQ(result.outcome.end, Outcome::End::kSteps);
  EXPECT_EQ(result.outcome.syncs, 24U);
  ASSERT_FALSE(result.measurements.empty());
  EXPECT_GT(result.measurements.back().test.accuracy, 0.95);
  // A byte for each parameter and some for the frame, up and down, of 4 workers.
  const std::uint64_t parameters = 8 * 9 + 8 + 8 * 10 + 10;
  const std::uint64_t bytes = result.outcome.ledger.total(Traffic::kModel).framed.value;
  EXPECT_GE(bytes, 24 * 2 * 4 * parameters);
  EXPECT_LE(bytes, 24 * 2 * 4 * (parameters + 5 + 16));
}

}  // namespace
}  // namespace laconic
