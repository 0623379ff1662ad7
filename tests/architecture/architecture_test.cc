// The rules of rules.h hold for src/, and each of them catches a violation planted for it.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include "rules.h"
#include "source_text.h"

namespace laconic::architecture {
namespace {

// The tests run in the project's root.
const std::vector<SourceFile>& sources() {
  static const std::vector<SourceFile> files = read_sources("src");
  return files;
}

std::string listed(const std::vector<Violation>& violations) {
  std::string text;
  for (const Violation& violation : violations) text += violation.to_string() + "\n";
  return text;
}

std::size_t include_objections(const std::string& path, const std::string& text) {
  return include_violations({{path, text}}).size();
}

std::size_t await_objections(const std::string& text) {
  return braced_co_await_violations({{"strategies/planted.cc", text}}).size();
}

std::size_t word_objections(const std::string& path, const std::string& text) {
  return word_violations({{path, text}}).size();
}

TEST(Includes, GoOnlyToLayersAboveInTheTable) {
  const auto violations = include_violations(sources());
  EXPECT_TRUE(violations.empty()) << listed(violations);
}

TEST(Includes, TableHasTheLayersOfTheBuildInItsOrder) {
  std::ifstream stream("CMakeLists.txt");
  const std::string cmake{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  const std::string opening = "set(layers\n";
  const std::size_t begin = cmake.find(opening);
  ASSERT_NE(begin, std::string::npos) << "CMakeLists.txt has no '" << opening << "'";
  const std::size_t end = cmake.find(')', begin);
  std::istringstream list(cmake.substr(begin + opening.size(), end - begin - opening.size()));
  const std::vector<std::string> built{std::istream_iterator<std::string>(list), std::istream_iterator<std::string>()};
  std::vector<std::string> rows;
  for (const Layer& layer : layers()) rows.emplace_back(layer.folder);
  EXPECT_EQ(rows, built);
}

TEST(Includes, CatchALayerThatReachesToOneThatStandsOnIt) {
  EXPECT_EQ(include_objections("base/planted.cc", "#include \"kernels/vector_ops.h\"\n"), 1u);
  EXPECT_EQ(include_objections("comm/planted.h", "#pragma once\n#  include \"protocol/worker.h\"\n"), 1u);
  EXPECT_EQ(include_objections("strategies/planted_test.cc", "#include \"runtimes/sim/simulator.h\"\n"), 1u);
}

TEST(Includes, CatchALayerThatMayNotBeKnownThoughItIsAbove) {
  EXPECT_EQ(include_objections("training/planted.cc", "#include \"runtimes/sim/simulator.h\"\n"), 1u);
  EXPECT_EQ(include_objections("report/planted.cc", "#include \"training/learner.h\"\n"), 1u);
  EXPECT_EQ(include_objections("cli/planted.cc", "#include \"laconic/session.h\"\n"), 1u);
}

TEST(Includes, CatchALibraryThatKnowsTheCommandLine) {
  EXPECT_EQ(include_objections("job/planted.cc", "#include \"cli/console.h\"\n"), 1u);
  EXPECT_EQ(include_objections("job/planted.cc", "#include \"laconic/session.h\"\n"), 1u);
  EXPECT_EQ(include_objections("laconic/planted.h", "#include \"cli/console.h\"\n"), 1u);
  EXPECT_EQ(include_objections("laconic/planted.cc", "#include <CLI/CLI.hpp>\n"), 1u);
}

TEST(Includes, CatchAVendorsHeaderOutsideItsLayers) {
  EXPECT_EQ(include_objections("strategies/planted.cc", "#include <torch/torch.h>\n"), 1u);
  EXPECT_EQ(include_objections("report/planted.cc", "#include \"ATen/Parallel.h\"\n"), 2u) << "and it is quoted";
  EXPECT_EQ(include_objections("strategies/planted.cc", "#include <asio/awaitable.hpp>\n"), 1u);
  EXPECT_EQ(include_objections("monitor/planted.cc", "#include <hwy/highway.h>\n"), 1u);
  EXPECT_EQ(include_objections("comm/planted.cc", "#include <nlohmann/json.hpp>\n"), 1u);
  EXPECT_EQ(include_objections("base/planted.cc", "#include <toml++/toml.h>\n"), 1u);
  EXPECT_EQ(include_objections("report/planted.cc", "#include <CLI/CLI.hpp>\n"), 1u);
  EXPECT_EQ(include_objections("strategies/planted.cc", "#include <thread>\n"), 1u);
  EXPECT_EQ(include_objections("job/planted.cc", "#include <iostream>\n"), 1u);
  EXPECT_EQ(include_objections("laconic/planted_test.cc", "#include <iostream>\n"), 1u);
}

TEST(Includes, CatchAFolderWithoutARowAndAHeaderWithoutItsLayer) {
  EXPECT_EQ(include_objections("utilities/planted.h", "#pragma once\n"), 1u);
  EXPECT_EQ(include_objections("basement/planted.h", "#pragma once\n"), 1u) << "no prefix of a name is a folder";
  EXPECT_EQ(include_objections("comm/planted.cc", "#include \"frame.h\"\n"), 1u);
}

TEST(Includes, AllowWhatIsAllowed) {
  EXPECT_EQ(include_objections("strategies/fine.cc",
                               "#include \"strategies/fine.h\"\n#include <vector>\n#include \"comm/comm.h\"\n"
                               "// #include \"cli/main.h\"\nconst char* text = \"#include <torch/torch.h>\";\n"),
            0u);
  EXPECT_EQ(include_objections("training/fine.cc", "#include <nlohmann/json.hpp>\n#include \"protocol/learner.h\"\n"),
            0u);
  EXPECT_EQ(include_objections("training/models/fine.cc", "#include <torch/torch.h>\n"), 0u);
}

TEST(CoAwait, HoldsNoBracedTemporary) {
  const auto violations = braced_co_await_violations(sources());
  EXPECT_TRUE(violations.empty()) << listed(violations);
}

TEST(CoAwait, CatchesBracedTemporaries) {
  EXPECT_EQ(await_objections("co_await f({.a = x});"), 1u);
  EXPECT_EQ(await_objections("co_await f(Type{x, 2});"), 1u);
  EXPECT_EQ(await_objections("auto y = co_await self.comm().send(to, std::vector<int>{1, 2});"), 1u);
  EXPECT_EQ(await_objections("co_await f(a,\n         {1, 2});"), 1u);
  EXPECT_EQ(await_objections("if (co_await f(Type{})) {}"), 1u);
  EXPECT_EQ(await_objections("co_await f([&] { return 1; }, Type{});"), 1u);
  EXPECT_EQ(await_objections("co_await f(g->h(), Type{});"), 1u);
  EXPECT_EQ(await_objections("co_await f(g()->h, Type{});"), 1u);
  EXPECT_EQ(await_objections("co_await Type{3};"), 1u);
}

TEST(CoAwait, LeavesOtherBracesAlone) {
  EXPECT_EQ(await_objections("if (co_await f(x)) { return Type{1}; }"), 0u);
  EXPECT_EQ(await_objections("auto y = Type{1}; co_await f(y);"), 0u);
  EXPECT_EQ(await_objections("co_await f([&](int v) { return Type{v}; });"), 0u);
  EXPECT_EQ(await_objections("co_await f([x]() mutable -> std::vector<int> { return {x}; });"), 0u);
  EXPECT_EQ(await_objections("// co_await f({1});\nauto s = \"co_await f({1})\";"), 0u);
  EXPECT_EQ(await_objections("my_co_await(f({1}));"), 0u);
}

TEST(Words, ThatMustNotStandInTheCodeDoNot) {
  const auto violations = word_violations(sources());
  EXPECT_TRUE(violations.empty()) << listed(violations);
}

TEST(Words, AreCaughtWherePlanted) {
  EXPECT_EQ(word_objections("base/planted.cc", "std::random_device seed;"), 1u);
  EXPECT_EQ(word_objections("cli/planted.cc", "int x = rand();"), 1u);
  EXPECT_EQ(word_objections("training/planted.cc", "auto noise = torch::rand({3});"), 1u);
  EXPECT_EQ(word_objections("training/planted.cc", "std::mt19937 engine(1);"), 1u);
  EXPECT_EQ(word_objections("strategies/planted.cc", "auto t = std::chrono::steady_clock::now();"), 1u);
  EXPECT_EQ(word_objections("training/planted.cc", "auto t = std::chrono::system_clock::now();"), 1u);
  EXPECT_EQ(word_objections("comm/planted.cc", "std::cout << 1;"), 1u);
  EXPECT_EQ(word_objections("report/planted.cc", "std::printf(\"%d\", 1);"), 1u);
  EXPECT_EQ(word_objections("job/planted.cc", "std::cerr << 1;"), 1u);
  EXPECT_EQ(word_objections("laconic/planted.cc", "fputs(text, stderr);"), 1u);
  EXPECT_EQ(word_objections("job/planted.cc", "std::_Exit(3);"), 1u);
  EXPECT_EQ(word_objections("laconic/planted.cc", "std::exit(3);"), 2u) << "by both its names";
}

TEST(Exceptions, HaveAReasonAndAreUsed) {
  const auto violations = exception_violations(sources());
  EXPECT_TRUE(violations.empty()) << listed(violations);
}

TEST(Exceptions, ThatNoFileUsesAreCaught) {
  const auto violations =
      exception_violations({{"job/process_end.cc", "int clean = 0;  // std::cout\n"}, {"base/other.cc", "printf();"}});
  // Two rules of words and one of headers, of one file; a file that is not there.
  EXPECT_EQ(violations.size(), 4u) << listed(violations);
}

TEST(Exceptions, AreOfOneFileAndOneRule) {
  EXPECT_EQ(word_objections("job/process_end.cc", "std::cout.flush();"), 0u);
  EXPECT_EQ(word_objections("job/process_end.h", "std::cout.flush();"), 1u);
  EXPECT_EQ(word_objections("job/process_end.cc", "int x = rand();"), 1u);
}

TEST(Words, AreAllowedWhereTheyBelongAndInsideLongerWords) {
  EXPECT_EQ(word_objections("report/fine.cc", "auto t = std::chrono::steady_clock::now();"), 0u);
  EXPECT_EQ(word_objections("cli/fine.cc", "std::cout << 1;"), 0u);
  EXPECT_EQ(word_objections("base/fine.cc", "std::snprintf(b, n, \"printf\"); operand(1); // std::cout\nrun_time(2);"),
            0u);
}

TEST(SourceText, KeepsCodeAndOffsetsWhileCommentsAndLiteralsBecomeSpaces) {
  EXPECT_EQ(code_only("a /* b */ c // d\ne"), "a         c     \ne");
  EXPECT_EQ(code_only("f(\"x\\\"{\", '{', 1'000)"), "f(\"    \", ' ', 1'000)");
  EXPECT_EQ(code_only("R\"q(a\"b)q\" + z"), "R\"       \" + z");
  EXPECT_EQ(code_only("#include \"base/ids.h\""), "#include \"base/ids.h\"");
}

}  // namespace
}  // namespace laconic::architecture
