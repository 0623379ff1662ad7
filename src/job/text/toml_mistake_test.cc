// What is said of text that is no TOML, and that what is to be written is TOML.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "job/text/job_text.h"

namespace laconic {
namespace {

std::string refusal(const std::string& text) {
  try {
    read_job_text(text, "job.toml");
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

struct Mistake {
  std::string line;
  std::string problem;
  std::string mended;  // empty: the problem says what to do
};

TEST(TomlMistake, OfALineIsToldWithTheLineToWrite) {
  const std::vector<Mistake> mistakes = {
      // Text without quotes.
      {"name = fda", "text needs quotes", "name = \"fda\""},
      {"name = fda  # the best", "text needs quotes", "name = \"fda\""},
      {"graph = ring:8", "text needs quotes", "graph = \"ring:8\""},
      {"until = accuracy >= 0.9", "text needs quotes", "until = \"accuracy >= 0.9\""},
      {"name = don't", "text needs quotes", "name = \"don't\""},
      {"dir = /data/mnist", "text needs quotes", "dir = \"/data/mnist\""},
      {"dir = C:\\data", "text needs quotes", "dir = 'C:\\data'"},
      {"name = 2nd_run", "text needs quotes", "name = \"2nd_run\""},
      {"date = 1.2.3", "text needs quotes", "date = \"1.2.3\""},
      // Numbers.
      {"validation = 10%", "a percentage needs quotes", "validation = \"10%\""},
      {"latency = 10 ms", "a number with a unit needs quotes", "latency = \"10 ms\""},
      {"up = 100Mbit/s", "a number with a unit needs quotes", "up = \"100Mbit/s\""},
      {"lr = .1", "a number needs a digit before and after the point", "lr = 0.1"},
      {"lr = -.5", "a number needs a digit before and after the point", "lr = -0.5"},
      {"lr = 1.", "a number needs a digit before and after the point", "lr = 1.0"},
      {"count = 08", "a number has no leading zeros", "count = 8"},
      {"lr = 1e-3f", "no letter follows a number", "lr = 0.001"},
      {"steps = 10,000", "a number has no commas (a list needs square brackets)", "steps = 10000"},
      {"lr = 1/4", "TOML does not calculate", "lr = 0.25"},
      {"steps = 10**3", "TOML does not calculate", "steps = 1000"},
      {"x = Infinity", "infinity is inf", "x = inf"},
      // Flags and nothing.
      {"augment = True", "a flag is true or false", "augment = true"},
      {"augment = FALSE", "a flag is true or false", "augment = false"},
      {"augment = yes", "a flag is true or false", "augment = true"},
      {"augment = off", "a flag is true or false", "augment = false"},
      {"dir = None", "TOML has no None; remove the line, and the key has its default", ""},
      {"dir = null", "TOML has no null; remove the line, and the key has its default", ""},
      {"augment = none", "text needs quotes", "augment = \"none\""},
      {"progress = off", "text needs quotes", "progress = \"off\""},
      {"dir =", "'dir' has no value; write dir = ..., or remove the line", ""},
      {"dir", "'dir' has no value; write dir = ..., or remove it", ""},
      {"dir = ${HOME}/data", "a job file knows no variables; write the value, or give it with --set section.key=value",
       ""},
      // Calls and lists.
      {"partition = dirichlet(0.3)", "a parameter follows a colon, in quotes", "partition = \"dirichlet:0.3\""},
      {"partition = dirichlet(alpha=0.3)", "a parameter follows a colon, in quotes", "partition = \"dirichlet:0.3\""},
      {"hidden = (256, 128)", "a list needs square brackets", "hidden = [256, 128]"},
      {"hidden = 256, 128", "several values need square brackets", "hidden = [256, 128]"},
      {"at = [10 ms, 20 ms]", "a number with a unit needs quotes", "at = [\"10 ms\", \"20 ms\"]"},
      {"at = [1, 2", "the list is not closed", "at = [1, 2]"},
      // Quotes.
      {"name = \"fda", "a quote is not closed", "name = \"fda\""},
      {"name = 'fda\"", "a quote is not closed", "name = \"fda\""},
      {"name = fda\"", "a quote is not opened", "name = \"fda\""},
      {"name = \u201cfda\u201d", "TOML needs plain quotes and signs", "name = \"fda\""},
      {"name = \u2018fda\u2019", "TOML needs plain quotes and signs", "name = 'fda'"},
      {"lr = 1e\u22123", "TOML needs plain quotes and signs", "lr = 1e-3"},
      {"dir = \"C:\\Users\\me\"", "a backslash in \"...\" begins an escape, in '...' it does not",
       "dir = 'C:\\Users\\me'"},
      {"name = \"a\" \"b\"",
       "two texts follow each other; put one pair of quotes around all, or square brackets and a comma", ""},
      // Signs of other languages.
      {"name: fda", "TOML uses = between a key and its value", "name = \"fda\""},
      {"\"lr\": 0.1,", "TOML uses = between a key and its value", "lr = 0.1"},
      {"lr := 0.1", "TOML uses a single = between a key and its value", "lr = 0.1"},
      {"lr == 0.1", "TOML uses a single = between a key and its value", "lr = 0.1"},
      {"lr 0.1", "an = is missing", "lr = 0.1"},
      {"name fda", "an = is missing", "name = \"fda\""},
      {"lr = 0.1,", "no comma follows a value", "lr = 0.1"},
      {"name = fda,", "no comma follows a value", "name = \"fda\""},
      {"lr = 0.1;", "no semicolon follows a value", "lr = 0.1"},
      {"lr = 0.1; batch = 32", "a line holds one key; put each on its own line", ""},
      {"lr = 0.1, batch = 32", "a line holds one key; put each on its own line", ""},
      {"name = \"x\" batch = 32", "a line holds one key; put each on its own line", ""},
      {"lr = 0.1 // small", "a comment begins with #", "lr = 0.1 # small"},
      {"// small", "a comment begins with #", "# small"},
      {"; small", "a comment begins with #", "# small"},
      {"learning rate = 0.1", "a key has no blanks", "learning_rate = 0.1"},
      {"= 0.1", "there is no key before the =; write key = value", ""},
      {"- 0.1", "this is a list of YAML; a list of TOML is key = [\"a\", \"b\"]", ""},
      // Sections.
      {"[data", "a section name needs square brackets", "[data]"},
      {"data]", "a section name needs square brackets", "[data]"},
      {"[data]]", "a section name needs square brackets", "[data]"},
      {"[[data]]", "a section name has single brackets", "[data]"},
      {"[data] batch = 32", "a section needs its own line; write [data], and on the next line batch = 32", ""},
      {"[]", "a section needs a name; write [job], or another one", ""},
      {"data:", "a section name needs square brackets", "[data]"},
  };
  for (const Mistake& mistake : mistakes) {
    const std::string text = "[job]\nseed = 1\n" + mistake.line + "\n";
    const std::string problem = "job.toml:3: " + mistake.problem;
    EXPECT_EQ(refusal(text), mistake.mended.empty() ? problem : problem + "; write " + mistake.mended);
    if (!mistake.mended.empty()) {
      EXPECT_EQ(refusal("[job]\nseed = 1\n" + mistake.mended + "\n"), "accepted") << mistake.mended;
    }
  }
}

TEST(TomlMistake, OfTwoLinesNamesBoth) {
  EXPECT_EQ(refusal("[job]\nseed = 1\n\nseed = 2\n"), "job.toml:4: 'seed' is set in lines 2 and 4; remove one of them");
  EXPECT_EQ(refusal("[job]\nseed = 1\n[data]\n[job]\nsteps = 2\n"),
            "job.toml:4: section [job] is in lines 1 and 4; put all its keys under one of them");
  EXPECT_EQ(refusal("strategy = \"fda\"\n[job]\nseed = 1\n[strategy]\nthreshold = 2\n"),
            "job.toml:1: 'strategy' is the section in line 4; remove this line, and put its value under [strategy]");
  EXPECT_EQ(refusal("[a]\nseed = 1\n[b]\nseed = 2\n"), "accepted") << "sections of their own";
}

TEST(TomlMistake, OfAListOverSeveralLinesIsToldWhereItBegins) {
  EXPECT_EQ(refusal("[drift]\nat = [1,\n  2\nkind = \"labels\"\n"),
            "job.toml:2: the list of 'at' is not closed; put ] after its last value");
  EXPECT_EQ(refusal("[workers]\ncompute = [\n  \"1 ms\",\n  2 ms,\n]\n"),
            "job.toml:4: a number with a unit needs quotes; write \"2 ms\", in the list that begins in line 2");
  EXPECT_EQ(refusal("[workers]\ncompute = \"1 ms\",\n  2 ms\n[job]\n"),
            "job.toml:2: several values need square brackets; write compute = [\"1 ms\", \"2 ms\"]");
  EXPECT_EQ(refusal("[job]\nname = \"a\"\n\"b\"\n").find("job.toml:3: "), 0u);
}

TEST(TomlMistake, AFileInAnotherLanguageIsNamed) {
  EXPECT_EQ(refusal("{\"job\": {\"epochs\": 2}}").find("job.toml:1: this is JSON; a job file is TOML: "), 0u);
  EXPECT_EQ(
      refusal("# mine\n\njob:\n  epochs: 2\ndata:\n").find("job.toml:3: this is YAML; a job file is TOML: write [job]"),
      0u);
  EXPECT_EQ(refusal("---\njob:\n").find("job.toml:1: this is YAML"), 0u);
  EXPECT_EQ(refusal("import torch\nlr = 3\n").find("job.toml:1: this is Python"), 0u);
  EXPECT_EQ(refusal("<?xml version=\"1.0\"?>").find("job.toml:1: this is XML or HTML"), 0u);
}

TEST(TomlMistake, BytesThatAreNoTextAreNamed) {
  EXPECT_EQ(
      refusal("PK\x03\x04\x14"),
      "job.toml:1: this is a zip archive, as PyTorch writes models and NumPy .npz; give a job file, which is text in "
      "TOML");
  EXPECT_EQ(refusal(std::string("\xff\xfe[\0j\0", 6)), "job.toml:1: the file is UTF-16; save it as UTF-8");
  EXPECT_EQ(refusal(std::string("[\0j\0o\0b\0]\0", 10)), "job.toml:1: the file is UTF-16; save it as UTF-8");
  EXPECT_EQ(refusal(std::string("[job]\nname = \"a\0b\"\n", 19)),
            "job.toml:2: a zero byte, which no text has; give a job file, which is text in TOML");
  EXPECT_EQ(refusal("[job]\nname = \"caf\xe9\"\n"),
            "job.toml:2: byte \\xe9 is not UTF-8 (the file may be Latin-1); save the file as UTF-8");
  EXPECT_EQ(refusal("\xef\xbb\xbf[job]\r\nname = \"caf\xc3\xa9\"\r\n"), "accepted") << "a byte order mark, CRLF";
}

TEST(TomlMistake, ThatIsNotKnownIsToldInTheParsersWordsWithLineAndColumn) {
  EXPECT_EQ(
      refusal("[job]\nx = {a = 1\n"),
      "job.toml:2:11: this is not TOML (expected key or closing '}', saw '\\n'); a line is a [section], a key = value "
      "with text in quotes, or a # comment");
}

TEST(TomlMistake, IsOneLineOfPrintableText) {
  for (const std::string& text :
       {std::string("[job]\n\x1b[31m = 3\n"), "[job]\nname = " + std::string(5000, 'x') + "\n",
        std::string("[job]\nname = a\x07 b\n"), std::string("[job]\na = ") + std::string(300, '[')}) {
    const std::string line = refusal(text);
    EXPECT_NE(line, "accepted");
    EXPECT_LT(line.size(), 600u);
    EXPECT_EQ(line.find_first_of("\n\x1b\x07"), std::string::npos) << line;
  }
}

TEST(ReadJobText, KeepsKeysOutsideASectionAndTablesInside) {
  const WrittenJob job = read_job_text("lr = 0.1\n[optimizer.sgd]\nlr = 1\n[data]\nday = 2024-01-01\n", "x");
  EXPECT_EQ(job.at("").keys.at("lr").text, "0.1");
  EXPECT_EQ(job.at("optimizer").keys.at("sgd").kind, WrittenValue::Kind::kTable);
  EXPECT_EQ(job.at("data").keys.at("day").kind, WrittenValue::Kind::kOther);
}

}  // namespace
}  // namespace laconic
