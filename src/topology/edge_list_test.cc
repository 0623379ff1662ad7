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

// The forms of SNAP, KONECT, spreadsheets of several countries, and tools that list both directions.
TEST(EdgeList, IsReadAsPeopleHaveItAndSaysWhatItWasTakenAs) {
  const struct {
    const char* text;
    const char* origin;
  } kForms[] = {
      {"# FromNodeId\tToNodeId\n0\t1\n1\t2\n", "2 lines, separated by tabs; nodes are numbers from 0"},
      {"% sym unweighted\n% 2 3 3\n1 2\n2 3\n",
       "2 lines, separated by blanks; nodes are numbers from 1 (node 1 is worker 0)"},
      {"0   1\n1\t 2 \n", "2 lines, separated by blanks; nodes are numbers from 0"},
      {"from;to\n0;1\n1;2\n", "2 lines below a header, separated by semicolons; nodes are numbers from 0"},
      {"source,target,weight\n0,1,0.5\n1,2,0.3\n",
       "2 lines below a header, separated by commas; column 3 is left out; nodes are numbers from 0"},
      {"1 2 1 1082040961\n2 3 1 1082155839\n",
       "2 lines, separated by blanks; columns 3 to 4 are left out; nodes are numbers from 1 (node 1 is worker 0)"},
      {"0,1\n1,0\n1,2\n2,1\n",
       "4 lines, separated by commas; nodes are numbers from 0; 2 of 2 edges are listed in both directions"},
      {"0,1\n2,1\n1,0\n",
       "3 lines, separated by commas; nodes are numbers from 0; 1 of 2 edges is listed in both directions"},
      {"ann bob\nbob \"Eve E.\"\n", "2 lines, separated by blanks; nodes are names"},
  };
  for (const auto& form : kForms) {
    const Graph graph = parse_edge_list(form.text, "edges.csv");
    EXPECT_EQ(graph.edges(), (std::vector<Edge>{{0, 1}, {1, 2}})) << form.text;
    EXPECT_EQ(graph.origin(), form.origin) << form.text;
  }
  EXPECT_EQ(parse_edge_list("Ann A.\tBob\nBob\tEve E.\n", "edges.tsv").name(2), "Eve E.");
  EXPECT_EQ(parse_edge_list("\"a, b\" c\nc d\n", "edges.txt").name(0), "a, b") << "a comma in quotes separates nothing";
}

TEST(EdgeList, RefusesEachBadLineByItsNumber) {
  const struct {
    const char* text;
    const char* says;
  } kBad[] = {
      {"0,1\n1,1\n", "edges.csv:2: the edge joins node '1' with itself; remove the line"},
      {"0,1\n# x\n1,2\n1,2\n",
       "edges.csv:4: the edge is listed already, in line 3; list it once, or once in each direction"},
      {"0\n", "edges.csv:1: one node; a line is two nodes separated by a comma, such as 0,1"},
      {"0,1\n1\n",
       "edges.csv:2: one node where line 1 has two, and another separator; a line is two nodes separated by a comma, "
       "such "
       "as 0,1"},
      {"0,1\n1 2\n",
       "edges.csv:2: one node where line 1 has two, and another separator; a line is two nodes separated by a comma, "
       "such "
       "as 0,1"},
      {"u,v,weight\n0,1,4\n1,2\n", "edges.csv:3: 2 fields where line 1 has 3; give each line as many"},
      {"0,1\n1,2,5\n", "edges.csv:2: 3 fields where line 1 has 2; give each line as many"},
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
      {"1,2\n2,4\n", "edges.csv: no edge leads to node 3 of 1 to 4; number the nodes from 0 or 1 without gaps"},
      {"0,1\n1,3\n", "edges.csv: no edge leads to node 2 of 0 to 3; number the nodes from 0 or 1 without gaps"},
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

TEST(EdgeList, OfAnotherFormatIsNamed) {
  const auto refusal = [](const std::string& text) {
    try {
      parse_edge_list(text, "net");
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("accepted");
  };
  for (const auto& [text, name] :
       {std::pair{"<?xml version=\"1.0\"?>\n<graphml>\n", "XML, such as GraphML"},
        {"{\"nodes\": []}\n", "JSON"},
        {"graph [\n node [\n", "GML or DOT"},
        {"digraph {\n a -> b;\n}\n", "DOT"},
        {"*Vertices 3\n1 \"a\"\n", "Pajek's form"},
        {"%%MatrixMarket matrix coordinate pattern symmetric\n3 3 2\n2 1\n3 1\n", "Matrix Market's form"}}) {
    EXPECT_EQ(refusal(text), "net:1: the file begins like " + std::string(name) +
                                 "; write its edges instead, one a line: networkx.write_edgelist(graph, path, "
                                 "data=False)");
  }
  EXPECT_NE(refusal("4 3\n2 3\n1\n1 4\n3\n").find("net:3: one node"), std::string::npos) << "METIS's";
  EXPECT_NE(refusal("4 4\n2 3\n1 3 4\n1 2\n2\n")
                .find("net:3: 3 fields where line 1 has 2; give each line as many "
                      "(METIS's form, a node a line, is not read"),
            std::string::npos);
}

TEST(EdgeList, OfNumbersWithZerosInFrontTakesOneSpellingOfEach) {
  EXPECT_EQ(parse_edge_list("00,01\n01,02\n", "net").nodes(), 3U);
  try {
    parse_edge_list("0,1\n1,2\n2,002\n", "net");
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "net:3: '002' and '2' are one number; write it in one way, or use names");
  }
}

}  // namespace
}  // namespace laconic
