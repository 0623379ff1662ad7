#include "cli/reference.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "job/schema.h"
#include "job/tiny_job_test.h"
#include "protocol/strategy.h"
#include "strategies/registry.h"

namespace laconic {
namespace {

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"), pclose);
  std::string text;
  for (int byte = 0; (byte = std::fgetc(pipe.get())) != EOF;) text += static_cast<char>(byte);
  return text;
}

const std::string kProgram = LACONIC_PROGRAM;

TEST(KeyReference, InTheDocsIsWhatTheProgramWrites) {
  EXPECT_EQ(testing::read_text("docs/keys.md"), key_reference())
      << "stale; write it anew with: build/release/laconic docs keys > docs/keys.md";
}

// What stands under a head "## NAME", up to the next; empty where there is none.
std::string part_of(const std::string& text, const std::string& name) {
  const std::size_t begin = text.find("\n## " + name + "\n");
  if (begin == std::string::npos) return {};
  const std::size_t end = text.find("\n## ", begin + 1);
  return text.substr(begin, end == std::string::npos ? end : end - begin);
}

TEST(KeyReference, HasEveryKeyOfEverySection) {
  const std::string all = key_reference();
  for (const SchemaSection& section : schema()) {
    const std::string text = part_of(all, "[" + std::string(section.name) + "]");
    EXPECT_NE(text, "") << section.name;
    for (const OptionSpec& spec : section.options)
      EXPECT_NE(text.find("\n| `" + std::string(spec.name) + "` |"), std::string::npos) << spec.name;
    for (const auto& variant : section.variants) {
      EXPECT_NE(text.find(std::string(variant.name)), std::string::npos) << variant.name;
      for (const OptionSpec& spec : variant.options)
        EXPECT_NE(text.find("\n| `" + std::string(spec.name) + "` |"), std::string::npos) << spec.name;
    }
  }
}

TEST(StrategyReference, InTheDocsIsWhatTheProgramWrites) {
  EXPECT_EQ(testing::read_text("docs/strategies.md"), strategy_reference())
      << "stale; write it anew with: build/release/laconic docs strategies > docs/strategies.md";
}

TEST(StrategyReference, LinksToTheFileThatOpensWithTheAlgorithm) {
  const std::string text = strategy_reference();
  for (const StrategyRow* row : strategies()) {
    const std::string part = part_of(text, std::string(row->name));
    const std::size_t link = part.find("(../");
    ASSERT_NE(link, std::string::npos) << row->name;
    const std::string file = part.substr(link + 4, part.find(')', link) - link - 4);
    EXPECT_EQ(testing::read_text(file).substr(0, 3), "// ") << file;
    EXPECT_FALSE(row->source.empty()) << row->name;
  }
}

TEST(ManPage, IsSetByGroffWithoutAWarning) {
  if (std::system("command -v groff >/dev/null") != 0) GTEST_SKIP() << "no groff";
  EXPECT_EQ(output_of("'" + kProgram + "' docs man | groff -ww -man -Tutf8 -K utf8 >/dev/null"), "");
  // -P -cbou: neither bold nor underlined.
  const std::string text = output_of("'" + kProgram + "' docs man | groff -man -Tascii -P -cbou -K utf8");
  for (const char* expected : {"laconic sweep", "--dry-run\n", "--resume [value]\n", "--serve [value]\n", "EXIT STATUS",
                               "3 a peer", "[strategy]"}) {
    EXPECT_NE(text.find(expected), std::string::npos) << expected << " in\n" << text;
  }
}

// What the shell offers behind a line.
std::string offered(const std::string& line) {
  testing::TemporaryFolder folder;
  testing::write_text(folder.path("complete"), output_of("'" + kProgram + "' docs completion"));
  testing::write_text(folder.path("job.toml"), "");
  testing::write_text(folder.path("ask"), "source complete\nCOMP_LINE='" + line + "'\nCOMP_POINT=${#COMP_LINE}\n" +
                                              "_laconic\nprintf '%s ' \"${COMPREPLY[@]}\"\n");
  return output_of("cd '" + folder.path() + "' && bash ask");
}

TEST(BashCompletion, OffersCommandsOptionsKeysAndTheirWords) {
  EXPECT_EQ(offered("laconic sw"), "sweep ");
  EXPECT_NE(offered("laconic ").find("run compare sweep"), std::string::npos) << offered("laconic ");
  EXPECT_EQ(offered("laconic run --dr"), "--dry-run ");
  EXPECT_EQ(offered("laconic run jo"), "job.toml ");
  EXPECT_EQ(offered("laconic run job.toml --set strategy.thres"), "strategy.threshold= ");
  EXPECT_EQ(offered("laconic run job.toml --set strategy.name=fda_"), "fda_opt ");
  EXPECT_EQ(offered("laconic run job.toml --set job.seed=2 strategy.thres"), "strategy.threshold= ");
  EXPECT_EQ(offered("laconic help ev"), "evaluate ");
  EXPECT_EQ(offered("laconic sweep job.toml compression.operator=top"), "top_k ");
  EXPECT_EQ(offered("laconic list strat"), "strategies ");
  EXPECT_EQ(offered("laconic codec qs"), "qsgd ");
  EXPECT_EQ(offered("laconic docs "), "completion keys man strategies ") << "words of its own";
}

}  // namespace
}  // namespace laconic
