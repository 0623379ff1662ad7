#include "topology/edge_list.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "base/random.h"
#include "topology/topology.h"

namespace laconic {
namespace {

std::string refusal(std::string_view text) {
  try {
    parse_edge_list(text, "edges.csv");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

std::vector<Edge> edges(std::string_view text) { return parse_edge_list(text, "edges.csv").edges(); }

TEST(EdgeList, OfNumbersTakesThemAsRanks) {
  const Graph graph = parse_edge_list("2,0\n1,2\n", "edges.csv");
  EXPECT_EQ(graph.nodes(), 3u);
  EXPECT_FALSE(graph.named());
  EXPECT_EQ(graph.edges(), (std::vector<Edge>{{0, 2}, {1, 2}}));
}

TEST(EdgeList, OfNamesNumbersThemAsTheyAppear) {
  const Graph graph = parse_edge_list("eve,ann\nann,\"Bob \"\"B\"\", jr.\"\n", "edges.csv");
  EXPECT_EQ(graph.nodes(), 3u);
  EXPECT_EQ(graph.name(0), "eve");
  EXPECT_EQ(graph.name(1), "ann");
  EXPECT_EQ(graph.name(2), "Bob \"B\", jr.");
  EXPECT_EQ(graph.edges(), (std::vector<Edge>{{0, 1}, {1, 2}}));
}

TEST(EdgeList, SkipsHeaderCommentsBlanksAndEmptyLines) {
  const std::vector<Edge> expected = {{0, 1}, {1, 2}};
  EXPECT_EQ(edges("0,1\n1,2"), expected);
  EXPECT_EQ(edges("\xef\xbb\xbfu,v\r\n0,1\r\n\r\n  # no edge\r\n 1 , 2 \r\n"), expected);
  EXPECT_EQ(edges("from,to\nann,bob\nbob,eve\n"), expected);
  EXPECT_EQ(edges("ann,bob\nbob,eve\n"), expected) << "a line whose names come again is no header";
  EXPECT_EQ(parse_edge_list("ann,bob\ncarol,dan\n", "edges.csv").nodes(), 4u) << "nor is an edge that stands alone";
  EXPECT_EQ(edges("ann,bob"), (std::vector<Edge>{{0, 1}})) << "nor is the only line";
  EXPECT_EQ(parse_edge_list("0,1\n2,3\n", "edges.csv").nodes(), 4u) << "nor are two numbers";
}

TEST(EdgeList, RefusesEachBadLineByItsNumber) {
  const struct {
    const char* text;
    const char* says;
  } kBad[] = {
      {"0,1\n1,1\n", "edges.csv:2: the edge joins node '1' with itself; remove the line"},
      {"0,1\n# x\n1,2\n1,0\n",
       "edges.csv:4: the edge is listed already, in line 1; the graph is undirected: list each edge once"},
      {"0,1\n1\n", "edges.csv:2: one node; a line is two nodes separated by a comma, such as 0,1"},
      {"0 1\n", "edges.csv:1: one node; a line is two nodes separated by a comma, such as 0,1"},
      {"u,v,weight\n0,1,4\n", "edges.csv:1: more than two fields; a line is just two nodes, so cut other columns off"},
      {"0,\n", "edges.csv:1: an empty name; a line is two nodes separated by a comma, such as 0,1"},
      {",\n", "edges.csv:1: an empty name; a line is two nodes separated by a comma, such as 0,1"},
      {"\"\",b\n", "edges.csv:1: an empty name; a line is two nodes separated by a comma, such as 0,1"},
      {"\"a,b\n", "edges.csv:1: a quoted name doesn't end on its line; close it with \""},
      {"\"a\"b,c\n", "edges.csv:1: there is text behind a quoted name; separate by a comma"},
      {"a,b\x01\n", "edges.csv:1: a control character; give a text file"},
      {"0,1\n1,x\n",
       "edges.csv:2: 'x' is a name where line 1 has a number; give all nodes as numbers from 0, or all as names"},
      {"ann,bob\nbob,3\n",
       "edges.csv:2: '3' is a number where line 1 has a name; give all nodes as numbers from 0, or all as names"},
      {"0,100000\n", "edges.csv:1: node 100000; nodes are numbered from 0 without gaps, 100000 at most"},
      {"0,99999999999999999999\n",
       "edges.csv:1: node 99999999999999999999; nodes are numbered from 0 without gaps, 100000 at most"},
      {"1,2\n2,3\n", "edges.csv: no edge leads to node 0 of 0 to 3; number the nodes from 0 without gaps"},
      {"", "edges.csv: lists no edge; a line is two nodes separated by a comma, such as 0,1"},
      {"# nothing\n\n", "edges.csv: lists no edge; a line is two nodes separated by a comma, such as 0,1"},
  };
  for (const auto& bad : kBad) EXPECT_EQ(refusal(bad.text), bad.says) << bad.text;
  EXPECT_EQ(refusal(std::string(201, 'x') + ",b\n"), "edges.csv:1: a name of 201 bytes; it has at most 200");
  EXPECT_NE(refusal(std::string("a,b\0c\n", 6)), "accepted");
}

TEST(EdgeList, GivesBackEveryGraphThatIsWrittenAsOne) {
  RandomStream stream(1, "edge list test");
  for (int trial = 0; trial < 100; ++trial) {
    const auto nodes = 2 + static_cast<std::uint32_t>(stream.below(30));
    const Graph graph = make_topology("erdos_renyi:0.4", nodes, stream());
    std::vector<Edge> shuffled = graph.edges();
    stream.shuffle(std::span(shuffled));
    std::string text = trial % 2 == 0 ? "source,target\n" : "";
    for (const Edge& edge : shuffled) {
      const bool turned = stream.below(2) == 0;
      text += std::to_string(turned ? edge.b : edge.a) + "," + std::to_string(turned ? edge.a : edge.b) + "\n";
    }
    const Graph read = parse_edge_list(text, "edges.csv");
    EXPECT_EQ(read.nodes(), graph.nodes());
    EXPECT_EQ(read.edges(), graph.edges());
  }
}

TEST(EdgeList, FileThatCannotBeReadIsNamed) {
  const auto error_of = [](const std::string& path) -> std::string {
    try {
      read_edge_list(path);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(error_of("no/such.csv"), "no/such.csv: cannot be opened (No such file or directory); give a file of edges");
  EXPECT_EQ(error_of("src"), "src: is a folder; give a file of edges");
  EXPECT_EQ(error_of("/dev/zero"), "/dev/zero: more than 128 MiB; give a file of edges");
}

TEST(EdgeList, IsReadFromAFileThroughTheTable) {
  const std::string path =
      (std::filesystem::temp_directory_path() / ("edge_list_test." + std::to_string(getpid()) + ".csv")).string();
  std::ofstream(path) << "0,1\n1,2\n2,0\n2,3\n";
  const Graph graph = make_topology("file:" + path, 4, 1);
  std::remove(path.c_str());
  EXPECT_EQ(graph.edges(), (std::vector<Edge>{{0, 1}, {0, 2}, {1, 2}, {2, 3}}));
}

}  // namespace
}  // namespace laconic
