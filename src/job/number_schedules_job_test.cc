// Numbers of a job file that change over the run.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "job/job.h"
#include "job/job_test.h"

namespace laconic {
namespace {

// A job whose lines 14 and 17 are gamma and ratio.
std::string changing(const std::string& gamma, const std::string& ratio) {
  return "[job]\nepochs = 2\n[data]\ndataset = \"fashion_mnist\"\n[model]\nname = \"lenet5\"\n[optimizer]\nname = "
         "\"adam\"\n[workers]\ncount = 8\n[topology]\ngraph = \"ring\"\n[strategy]\n" +
         gamma + "\nname = \"choco\"\n[compression]\n" + ratio + "\noperator = \"top_k\"\n";
}

constexpr const char* kGammaLine = "gamma = \"0.4 -> 0.1 over 0.5 epochs\"";
constexpr const char* kRatioLine = "ratio = \"0.2 -> 0.01 over 300 steps\"";

TEST(NumberSchedules, AreQuotedTextInAJobFile) {
  const Job job = parse(changing(kGammaLine, kRatioLine));
  const NumberSchedule* gamma = job.section("strategy").schedule("gamma");
  ASSERT_NE(gamma, nullptr);
  EXPECT_EQ(gamma->first, 0.4);
  EXPECT_EQ(gamma->last, 0.1);
  EXPECT_TRUE(gamma->over.in_epochs);
  const NumberSchedule* ratio = job.section("compression").schedule("ratio");
  ASSERT_NE(ratio, nullptr);
  EXPECT_EQ(ratio->steps(), 300U);
  const Job changed = parse(changing(kGammaLine, kRatioLine), {"compression.ratio=0.3 -> 0.1 over 7 steps"});
  EXPECT_EQ(changed.section("compression").schedule("ratio")->steps(), 7U);
  EXPECT_EQ(parse(changing(kGammaLine, kRatioLine), {"strategy.gamma=0.3"}).section("strategy").number("gamma"), 0.3);
}

TEST(NumberSchedules, AreInTheResolvedJobAndItsIdentity) {
  const Job job = parse(changing(kGammaLine, kRatioLine));
  const std::string resolved = job.resolved_text();
  EXPECT_NE(resolved.find("\ngamma = \"0.4 -> 0.1 over 0.5 epochs\"\n"), std::string::npos) << resolved;
  EXPECT_NE(resolved.find("\nratio = \"0.2 -> 0.01 over 300 steps\"\n"), std::string::npos) << resolved;
  EXPECT_EQ(parse(resolved).resolved_text(), resolved);
  const auto identity = [](const std::string& gamma) { return parse(changing(gamma, kRatioLine)).identity(); };
  EXPECT_EQ(identity("gamma = \"0.40->1e-1 over 0.5 epoch\""), job.identity()) << "the same in another spelling";
  for (const char* other : {"0.4 -> 0.1 over 0.6 epochs", "0.4 -> 0.2 over 0.5 epochs", "0.4 -> 0.1 over 5 steps"}) {
    EXPECT_NE(identity("gamma = \"" + std::string(other) + "\""), job.identity()) << other;
  }
}

TEST(NumberSchedules, ThatSayHalfOfItAreRefusedWithARightOne) {
  const std::string example = "; write it as in \"0.2 -> 0.01 over 2 epochs\"";
  const std::string no_length = "', which is not a number of epochs or of whole steps, above 0 and at most 1,000,000";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"0.2 -> 0.01", "does not say over how many epochs or steps a number changes"},
      {"0.2 -> 0.01 over 2", "changes over '2" + no_length},
      {"0.2 -> 0.01 over 2 hours", "changes over '2 hours" + no_length},
      {"0.2 -> 0.01 over 0 steps", "changes over '0 steps" + no_length},
      {"0.2 -> 0.01 over 2.5 steps", "changes over '2.5 steps" + no_length},
      {"0.2 -> over 2 epochs", "ends with '', which is not a number"},
      {"auto -> 0.1 over 2 epochs", "begins with 'auto', which is not a number"}};
  for (const auto& [text, why] : cases) {
    const std::string refused = "compression.ratio: '" + text + "' " + why + example;
    EXPECT_EQ(refusal(changing(kGammaLine, "ratio = \"" + text + "\"")), "job.toml:17: " + refused);
    EXPECT_EQ(refusal(changing(kGammaLine, kRatioLine), {"compression.ratio=" + text}), "--set: " + refused);
  }
  EXPECT_EQ(refusal(changing("gamma = \"4 -> 0.1 over 2 epochs\"", kRatioLine)),
            "job.toml:14: strategy.gamma: '4 -> 0.1 over 2 epochs': both its ends must be a number from 0 to 1");
}

TEST(NumberSchedules, AreRefusedWhereANumberCannotChange) {
  const std::string text = changing(kGammaLine, kRatioLine);
  EXPECT_EQ(refusal(with_line(13, "threshold = \"2 -> 1 over 2 epochs\"")),
            "job.toml:13: strategy.threshold: '2 -> 1 over 2 epochs': this key cannot change over a run; give a number "
            "of at least 0 or 'budget'");
  EXPECT_NE(refusal(with_line(10, "count = \"2 -> 8 over 2 epochs\"")).find("cannot change over a run; give a whole"),
            std::string::npos);
  EXPECT_NE(refusal(text, {"strategy.trigger=1 -> 0.1 over 9 steps"}).find("this key cannot change over a run"),
            std::string::npos);
  EXPECT_NE(refusal(text, {"compression.operator=random_k"}).find("this key cannot change over a run"),
            std::string::npos);
}

TEST(NumberSchedules, AreRefusedWhereTheCoordinatorCompressesToo) {
  const std::string compressed = "\n[compression]\noperator = \"top_k\"\n" + std::string(kRatioLine);
  for (const std::string strategy : {"fda\"\nthreshold = 1", "dma\"\nthreshold = 1", "periodic\"", "fedavg\""}) {
    const std::string text = refusal(
        "[job]\nepochs = 2\n[data]\ndataset = \"fashion_mnist\"\n[model]\nname = "
        "\"lenet5\"\n[optimizer]\nname = \"sgd\"\n[workers]\ncount = 8\n[strategy]\nname = \"" +
        strategy + compressed);
    EXPECT_NE(text.find("compression.ratio: with strategy " + strategy.substr(0, strategy.find('"')) +
                        " averages are compressed too, where the step is not known; give one number, or choose one "
                        "of "),
              std::string::npos)
        << text;
    EXPECT_NE(text.find("choco"), std::string::npos);
    EXPECT_NE(text.find("relay"), std::string::npos);
  }
  EXPECT_EQ(
      refusal("[job]\nepochs = 2\n[data]\ndataset = \"fashion_mnist\"\n[model]\nname = \"lenet5\"\n[optimizer]\nname "
              "= \"sgd\"\n[workers]\ncount = 8\n[strategy]\nname = \"relay\"" +
              compressed),
      "accepted");
}

}  // namespace
}  // namespace laconic
