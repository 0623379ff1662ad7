#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>

#include "base/error.h"
#include "cli/commands.h"
#include "job/tiny_job_test.h"

namespace laconic {
namespace {

class TopologyCommand : public ::testing::Test {
 protected:
  std::string printed(const TopologyArguments& arguments) {
    std::ostringstream out;
    std::ostringstream err;
    Console console{.out = out, .err = err, .interrupted = {}};
    EXPECT_EQ(topology_command(console, arguments), ExitCode::kDone);
    EXPECT_EQ(err.str(), "");
    return out.str();
  }
  std::string refusal(const TopologyArguments& arguments) {
    std::ostringstream out;
    Console console{.out = out, .err = out, .interrupted = {}};
    try {
      topology_command(console, arguments);
    } catch (const UsageError& error) {
      EXPECT_EQ(out.str(), "") << "nothing is printed before a refusal";
      return error.what();
    }
    return "accepted";
  }
};

TEST_F(TopologyCommand, PrintsEdgesDegreesGapBetaAndGammas) {
  // The weights are 1/3: delta = 2/3 (1 - cos(pi/4)) and beta = 4/3; gamma* is the formula of Koloskova et al. 2019 at
  // them, worked out apart from the program.
  EXPECT_EQ(printed({.spec = "ring:8"}),
            "ring:8\n"
            "  nodes       8\n"
            "  edges       8\n"
            "  degree      2 min, 2.00 mean, 2 max\n"
            "  weights     metropolis\n"
            "  delta       0.19526  (spectral gap; lambda_2 0.80474, lambda_n -0.33333)\n"
            "  beta        1.3333\n"
            "  method      all eigenvalues, dense\n"
            "\n"
            "omega      gamma*\n"
            "-----  ----------\n"
            "    1   0.0040537\n"
            "  0.5   0.0018714\n"
            "  0.1  3.5266e-04\n"
            " 0.01  3.4813e-05\n"
            "0.001  3.4768e-06\n");
}

TEST_F(TopologyCommand, PrintsTheRoundsOfDirectedLinks) {
  EXPECT_EQ(printed({.spec = "one_peer:8"}),
            "one_peer:8\n"
            "  nodes         8\n"
            "  rounds        3, again and again\n"
            "  links a round 8\n"
            "  receivers     1\n"
            "  senders       1\n"
            "  weights       what each node gets and keeps adds up to 1: averages need no push-sum\n"
            "  averages      exactly, after 3 rounds\n");
  const std::string random = printed({.spec = "random_out:20:2"});
  EXPECT_NE(random.find("each drawn from the seed"), std::string::npos) << random;
  EXPECT_NE(random.find("averages need push-sum"), std::string::npos) << random;
  EXPECT_EQ(printed({.spec = "directed_ring:2", .dot = true}),
            "digraph \"directed_ring:2\" {\n  node [shape=circle];\n  0;\n  1;\n  0 -> 1;\n  1 -> 0;\n}\n");
  EXPECT_EQ(refusal({.spec = "one_peer:8", .omega = 0.1}), "--omega: gamma* is for undirected graphs only; remove it");
  EXPECT_EQ(refusal({.spec = "one_peer:8", .weights = "uniform"}),
            "--weights: over directed links each sender divides evenly; remove it");
  EXPECT_EQ(refusal({.spec = "random_out:8:2", .dot = true}),
            "--dot: each round of random_out:8:2 is another graph; take one that stays");
}

TEST_F(TopologyCommand, TakesWeightsOmegaAndSeed) {
  const std::string davis = printed({.spec = "davis", .weights = "max_degree", .omega = 0.25});
  EXPECT_NE(davis.find("delta       0.09033"), std::string::npos) << davis;
  EXPECT_NE(davis.find("\n 0.25  "), std::string::npos) << davis;
  EXPECT_EQ(std::count(davis.begin(), davis.end(), '\n'), 12) << davis;
  const std::string random = "erdos_renyi:30:0.3";
  EXPECT_EQ(printed({.spec = random, .seed = 3}), printed({.spec = random, .seed = 3}));
  EXPECT_NE(printed({.spec = random, .seed = 3}), printed({.spec = random, .seed = 4}));
}

TEST_F(TopologyCommand, SaysWhenGossipCannotConverge) {
  const std::string output = printed({.spec = "ring:8", .weights = "max_degree"});
  EXPECT_NE(output.find("take --weights metropolis"), std::string::npos) << output;
}

TEST_F(TopologyCommand, DotWritesGraphviz) {
  EXPECT_EQ(printed({.spec = "chain:3", .dot = true}),
            "graph \"chain:3\" {\n  node [shape=circle];\n  0;\n  1;\n  2;\n  0 -- 1;\n  1 -- 2;\n}\n");
}

TEST_F(TopologyCommand, RefusesBadRequestsBeforePrinting) {
  EXPECT_EQ(refusal({.spec = "ring"}), "topology 'ring': how many nodes? Write it as ring:N");
  EXPECT_EQ(refusal({.spec = "ring:4", .omega = 0.0}),
            "--omega: 0 is no quality of compression; it is above 0 and at most 1, and 1 without compression");
  EXPECT_EQ(refusal({.spec = "ring:4", .omega = std::nan("")}).find("--omega: nan is no quality"), 0u);
  EXPECT_NE(refusal({.spec = "ring:4", .weights = "equal"}).find("weights 'equal': not one of: metropolis"),
            std::string::npos);
  testing::TemporaryFolder folder;
  const std::string path = folder.path("edges.csv");
  testing::write_text(path, "from,to\nann,bob\nbob,cid\neve,tom\n");
  EXPECT_EQ(
      refusal({.spec = "file:" + path}),
      "topology 'file:" + path +
          "': the graph is in 2 parts that no edge joins: {ann, bob, cid} and {eve, tom}; models would never reach "
          "from one to another, so add edges between them");
  testing::write_text(path, "0,1\n1,1\n");
  EXPECT_EQ(refusal({.spec = "file:" + path}), path + ":2: the edge joins node '1' with itself; remove the line");
}

}  // namespace
}  // namespace laconic
