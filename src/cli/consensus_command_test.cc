#include <gtest/gtest.h>

#include <sstream>

#include "base/error.h"
#include "cli/commands.h"

namespace laconic {
namespace {

std::string printed(const ConsensusArguments& arguments) {
  std::ostringstream out;
  Console console{.out = out, .err = out, .interrupted = {}};
  EXPECT_EQ(consensus_command(console, arguments), ExitCode::kDone);
  return out.str();
}

std::string refusal(const ConsensusArguments& arguments) {
  std::ostringstream out;
  Console console{.out = out, .err = out, .interrupted = {}};
  try {
    consensus_command(console, arguments);
  } catch (const UsageError& error) {
    EXPECT_EQ(out.str(), "") << "nothing is printed before a refusal";
    return error.what();
  }
  return "accepted";
}

TEST(ConsensusCommand, ShowsTheRateOfExactGossip) {
  const std::string text = printed({.graph = "ring:8", .options = {{"strategy", "d_psgd"}, {"dimension", "500"}}});
  // lambda_2 of the ring of 8 is (1 + sqrt(2)) / 3 = 0.804738, its square 0.647603.
  EXPECT_NE(text.find("exact         0.647603 at most"), std::string::npos) << text;
  EXPECT_NE(text.find("factor        0.647"), std::string::npos) << text;
  EXPECT_NE(text.find("came to "), std::string::npos) << text;
}

TEST(ConsensusCommand, TunesAndShowsTheCandidates) {
  const std::string text = printed({.graph = "complete:5",
                                    .options = {{"operator", "top_k"}, {"dimension", "200"}, {"until", "1e-6"}},
                                    .operator_options = {{"ratio", "0.1"}},
                                    .tune = true});
  EXPECT_NE(text.find("rounds to target"), std::string::npos) << text;
  EXPECT_NE(text.find("proved"), std::string::npos) << text;
}

TEST(ConsensusCommand, RunsAStrategyWithoutAStepSize) {
  const std::string text = printed({.graph = "ring:8", .options = {{"strategy", "power_gossip"}, {"dimension", "50"}}});
  EXPECT_NE(text.find("came to "), std::string::npos) << text;
}

TEST(ConsensusCommand, RunsOverDirectedLinksAndTunesThere) {
  const std::string exact =
      printed({.graph = "directed_ring:8", .options = {{"strategy", "sgp"}, {"dimension", "200"}}});
  // |(1 + w) / 2|^2 with w the first eighth root of 1: cos(pi / 8)^2 = 0.853553.
  EXPECT_NE(exact.find("exact         0.853553 in the long run"), std::string::npos) << exact;
  EXPECT_NE(exact.find("factor        0.853"), std::string::npos) << exact;
  const std::string tuned = printed({.graph = "one_peer:8",
                                     .options = {{"strategy", "sparse_push"},
                                                 {"operator", "top_k"},
                                                 {"dimension", "200"},
                                                 {"rounds", "500"},
                                                 {"until", "1e-2"}},
                                     .operator_options = {{"ratio", "0.1"}},
                                     .tune = true});
  EXPECT_NE(tuned.find("comes to 1e-02 of the start"), std::string::npos) << tuned;
  EXPECT_NE(tuned.find("exact         after 3 rounds without compression"), std::string::npos) << tuned;
}

TEST(ConsensusCommand, TakesOptionsOfTheStrategy) {
  const ConsensusArguments arguments = {
      .graph = "directed_ring:8",
      .options = {{"strategy", "sparse_push"}, {"operator", "top_k"}, {"dimension", "200"}, {"gamma", "0.1"}},
      .operator_options = {{"ratio", "0.1"}},
      .strategy_options = {"memory=difference"}};
  EXPECT_NE(printed(arguments).find("came to "), std::string::npos);  // which errors alone would not
  const auto with = [&](const std::string& assignment) {
    ConsensusArguments other = arguments;
    other.strategy_options = {assignment};
    return refusal(other);
  };
  EXPECT_EQ(with("memory"), "--set memory: write NAME=VALUE");
  EXPECT_EQ(with("gamma=0.1"), "--set gamma: has an option of its own, --gamma");
  EXPECT_NE(with("colour=red").find("strategy 'sparse_push' has no such option; it has gamma, order, memory"),
            std::string::npos);
  EXPECT_NE(with("memory=long").find("long"), std::string::npos);
}

TEST(ConsensusCommand, RefusesInOneLineWhatMakesNoSense) {
  EXPECT_NE(refusal({.graph = "ring:8", .options = {{"strategy", "fda"}}}).find("does not gossip"), std::string::npos);
  EXPECT_NE(refusal({.graph = "directed_ring:8"}).find("directed"), std::string::npos);
  EXPECT_NE(refusal({.graph = "ring:8", .options = {{"up", "0.5"}}}).find("--up: "), std::string::npos);
  EXPECT_NE(refusal({.graph = "ring:8", .options = {{"strategy", "sgp"}, {"weights", "uniform"}}}).find("--weights: "),
            std::string::npos);
  for (const std::string strategy : {"qg_dsgdm", "hierarchical", "scsp"}) {
    const std::string text = refusal({.graph = "ring:8", .options = {{"strategy", strategy}}});
    EXPECT_NE(text.find(strategy), std::string::npos) << text;
  }
  EXPECT_NE(refusal({.graph = "ring:8", .csv = "/no/such/folder/errors.csv"}).find("/no/such/folder/errors.csv"),
            std::string::npos);
  EXPECT_NE(refusal({.graph = "ring:8", .options = {{"strategy", "d_psgd"}}, .tune = true}).find("has no gamma"),
            std::string::npos);
  EXPECT_NE(refusal({.graph = "ring:8", .options = {{"gamma", "0"}}}).find("--gamma"), std::string::npos);
  EXPECT_NE(refusal({.graph = "ring:8", .options = {{"gamma", "0.1"}}, .tune = true}).find("beside --tune"),
            std::string::npos);
  EXPECT_NE(refusal({.graph = "ring:8", .options = {{"rounds", "many"}}}).find("--rounds"), std::string::npos);
  EXPECT_NE(refusal({.graph = "ring:8", .operator_options = {{"ratio", "0.1"}}}).find("no such option"),
            std::string::npos);
  EXPECT_NE(refusal({.graph = "ring:8",
                     .options = {{"operator", "top_k"}},
                     .operator_options = {{"ratio", "0.2 -> 0.1 over 9 steps"}}})
                .find("--ratio: gossip alone has no training over which it could change; give one number"),
            std::string::npos);
  EXPECT_NE(refusal({.graph = "ring:8", .options = {{"gamma", "0.2 -> 0.1 over 9 steps"}}}).find("cannot change"),
            std::string::npos);
  EXPECT_NE(refusal({.graph = "rink:8"}).find("ring"), std::string::npos);
  EXPECT_NE(refusal({.graph = "ring:8", .file = "missing.safetensors"}).find("missing.safetensors"), std::string::npos);
}

}  // namespace
}  // namespace laconic
