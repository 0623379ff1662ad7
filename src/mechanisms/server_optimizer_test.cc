// Edges of the rules, and what they keep; that they are their formulas is checked in tests/protocols.
#include "mechanisms/server_optimizer.h"

#include <cmath>

#include "mechanisms/test_worker.h"

namespace laconic {
namespace {

constexpr std::size_t kSize = 9;
const std::vector<std::pair<std::string, ServerRule>> kRules = {
    {"average", ServerRule::kAverage}, {"momentum", ServerRule::kMomentum}, {"nesterov", ServerRule::kNesterov},
    {"adagrad", ServerRule::kAdagrad}, {"adam", ServerRule::kAdam},         {"yogi", ServerRule::kYogi}};

TEST(ServerOptimizer, WhereNobodyMovedTheModelStays) {
  for (const auto& [name, rule] : kRules) {
    for (const std::vector<float>& model : {gaussian_vector(kSize, 1), std::vector<float>(kSize, 0.0F)}) {
      ServerOptimizer optimizer({.rule = rule, .learning_rate = 0.5F});
      std::vector<float> w = model;
      for (int t = 0; t < 3; ++t) optimizer.step(model, w, w.size());
      EXPECT_EQ(w, model) << name;
    }
  }
}

TEST(ServerOptimizer, TheAverageWithRateOneIsTheMeanToTheBitAndAnotherSizeIsTheCallersBug) {
  ServerOptimizer optimizer({});
  std::vector<float> w = gaussian_vector(kSize, 1);
  w[0] = 1e30F;  // w + (mean - w) would be 0
  const std::vector<float> mean = gaussian_vector(kSize, 2);
  optimizer.step(mean, w, w.size());
  EXPECT_EQ(w, mean);
  EXPECT_THROW(optimizer.step(gaussian_vector(kSize + 1, 2), w, kSize), CheckFailed);
}

TEST(ServerOptimizer, AveragesWhatIsNotTrainedUnderEveryRule) {
  constexpr std::size_t kTrained = 5;
  for (const auto& [name, rule] : kRules) {
    ServerOptimizer all({.rule = rule, .learning_rate = 0.5F}), some({.rule = rule, .learning_rate = 0.5F});
    std::vector<float> w = gaussian_vector(kSize, 1), stepped = w;
    for (std::uint64_t t = 0; t < 4; ++t) {
      const std::vector<float> mean = gaussian_vector(kSize, 20 + t);
      some.step(mean, w, kTrained);
      all.step(mean, stepped, kSize);
      EXPECT_TRUE(std::equal(w.begin(), w.begin() + kTrained, stepped.begin())) << name;
      EXPECT_TRUE(std::equal(w.begin() + kTrained, w.end(), mean.begin() + kTrained)) << name;
    }
  }
  ServerOptimizer optimizer({});
  std::vector<float> w(kSize);
  EXPECT_THROW(optimizer.step(gaussian_vector(kSize, 2), w, kSize + 1), CheckFailed);
}

// sign(0) = 0: v stays where Delta^2 is v itself, as at the first step with Delta = tau.
TEST(ServerOptimizer, YogiLeavesTheSquaresWhereTheyAreRightAndElseComesNearer) {
  ServerOptimizer optimizer(
      {.rule = ServerRule::kYogi, .learning_rate = 1.0F, .beta = 0.0F, .beta_2 = 0.75F, .tau = 0.5F});
  std::vector<float> w = {0.0F, 0.0F, 0.0F};
  optimizer.step(std::vector<float>{0.5F, 1.0F, 0.25F}, w, 3);
  // v = 1/4; 1/4 + 1/4 of 1; 1/4 - 1/4 of 1/16
  const std::vector<double> v = {0.25, 0.25 + 0.25, 0.25 - 0.25 / 16};
  const std::vector<double> delta = {0.5, 1.0, 0.25};
  for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(w[j], delta[j] / (std::sqrt(v[j]) + 0.5), 1e-6) << j;
}

TEST(ServerOptimizer, SavedAndLoadedBetweenTwoStepsItGoesOnBitForBit) {
  for (const auto& [name, rule] : kRules) {
    const ServerOptions options{.rule = rule, .learning_rate = 0.25F};
    for (const int steps : {0, 3}) {
      ServerOptimizer kept(options), loaded(options);
      std::vector<float> w = gaussian_vector(kSize, 1);
      for (int t = 0; t < steps; ++t) kept.step(gaussian_vector(kSize, 10 + static_cast<std::uint64_t>(t)), w, kSize);
      const std::vector<std::byte> bytes = saved(kept, kSize);
      load(loaded, bytes, kSize);
      EXPECT_EQ(saved(loaded, kSize), bytes);
      std::vector<float> other = w;
      kept.step(gaussian_vector(kSize, 30), w, kSize);
      loaded.step(gaussian_vector(kSize, 30), other, kSize);
      EXPECT_EQ(other, w) << name;
      for (std::size_t size = 0; size < bytes.size(); ++size) {
        EXPECT_THROW(load(loaded, std::span(bytes).first(size), kSize), DecodeError) << name << " " << size;
      }
    }
  }
}

TEST(ServerOptions, EveryWordIsARuleAndARateOfZeroIsRefused) {
  for (const auto& [name, rule] : kRules) {
    const std::vector<OptionSpec> specs = server_options("average");
    std::map<std::string, GivenOption> given = {{"server", {name, "test"}}};
    EXPECT_EQ(read_server_options(Options("strategy", specs, given)).rule, rule);
    given["server_learning_rate"] = {"0", "job.toml:9"};
    const std::string text = error_of<UsageError>([&] { read_server_options(Options("strategy", specs, given)); });
    EXPECT_TRUE(contains(text, "job.toml:9: strategy.server_learning_rate")) << text;
  }
}

}  // namespace
}  // namespace laconic
