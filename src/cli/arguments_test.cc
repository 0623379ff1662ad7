#include "cli/arguments.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "job/schema.h"
#include "job/tiny_job_test.h"

namespace laconic {
namespace {

using Words = std::vector<std::string>;

// The words between blanks.
Words words(const std::string& line) {
  std::istringstream stream(line);
  return {std::istream_iterator<std::string>(stream), {}};
}

std::string line(const std::string& written) {
  std::string text;
  for (const std::string& word : settled(words(written))) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string refusal(const Words& written) {
  try {
    settled(written);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Arguments, SeveralSettingsMayStandBehindOneSet) {
  const std::string twice = "run a.toml --set job.seed=1 --set workers.count=2";
  EXPECT_EQ(line("run a.toml --set job.seed=1 workers.count=2"), twice);
  EXPECT_EQ(line(twice), twice);
  EXPECT_EQ(line("run --set job.seed=1 workers.count=2 a.toml --dry-run"),
            "run --set job.seed=1 --set workers.count=2 a.toml --dry-run");
  EXPECT_EQ(line("compare --set seed=1 steps=2 --set batch=3 runs/x=4/a.toml b.toml"),
            "compare --set job.seed=1 --set job.steps=2 --set data.batch=3 runs/x=4/a.toml b.toml")
      << "no key has a slash";
}

TEST(Arguments, BehindTheSetOfASweepValuesAreItsOwn) {
  EXPECT_EQ(line("sweep a.toml --set epochs=2 strategy.threshold=1,2"),
            "sweep a.toml --set job.epochs=2 strategy.threshold=1,2");
}

TEST(Arguments, AFileWithASignInItsNameIsNoSetting) {
  const testing::TemporaryFolder folder;
  std::filesystem::create_directory(folder.path("seed=1"));
  const testing::Within here(folder.path());
  EXPECT_EQ(line("compare --set job.steps=2 seed=1"), "compare --set job.steps=2 seed=1");
  EXPECT_EQ(line("compare --set job.steps=2 seed=2"), "compare --set job.steps=2 --set job.seed=2");
}

TEST(Arguments, EveryKeyIsTakenWithItsSectionAndWithoutWhereThatSaysEnough) {
  EXPECT_EQ(full_setting("steps=10"), "job.steps=10");
  EXPECT_EQ(full_setting("strategy.name=fda"), "strategy.name=fda");
  EXPECT_EQ(full_setting("strategy=fda"), "strategy.name=fda");
  EXPECT_EQ(full_setting("learning-rate=.1"), "optimizer.learning_rate=.1");
  EXPECT_EQ(full_setting(" job.seed = 2 "), "job.seed=2");
  EXPECT_EQ(full_setting("job.name='x y'"), "job.name=x y");
  EXPECT_EQ(full_setting("data.test_file="), "data.test_file=") << "an empty value is one";
  EXPECT_EQ(full_setting("job.until=accuracy >= 0.9"), "job.until=accuracy >= 0.9");
  for (const SchemaSection& section : schema()) {
    for (const OptionSpec& option : section.options) {
      const std::string full = std::string(section.name) + "." + std::string(option.name) + "=1";
      EXPECT_EQ(full_setting(full), full);
    }
  }
}

TEST(Arguments, ASettingThatSaysTooLittleIsRefusedWithTheForm) {
  EXPECT_EQ(refusal({"run", "a.toml", "--set", "seed"}),
            "--set seed: the value is missing; write --set job.seed=VALUE");
  EXPECT_EQ(refusal({"run", "a.toml", "--set", "seed", "2"}),
            "--set seed: the value is missing; write --set job.seed=2");
  EXPECT_EQ(refusal({"run", "a.toml", "--set", "job.seed", "=", "2"}),
            "--set job.seed: the value is missing; write --set job.seed=2");
  EXPECT_EQ(refusal({"run", "--set", "seed", "--dry-run"}),
            "--set seed: the value is missing; write --set job.seed=VALUE");
  EXPECT_EQ(refusal({"run", "a.toml", "--set", "=2"}),
            "--set '=2': a key and its value belong here, such as --set job.seed=2");
  EXPECT_EQ(refusal({"run", "a.toml", "--set="}),
            "--set '': a key and its value belong here, such as --set job.seed=2");
  EXPECT_EQ(refusal({"run", "a.toml", "--set", "name=x"}).find("--set name=x: 'name' is a key of several sections; "),
            0U);
  EXPECT_EQ(refusal({"run", "a.toml", "--set", "treshold=1"}),
            "--set treshold=1: 'treshold' is no key of a job; did you mean strategy.threshold?");
  EXPECT_EQ(refusal({"run", "a.toml", "--set"}), "accepted") << "the parser of options misses it";
}

TEST(Arguments, OtherCommandsKeepTheirWords) {
  for (const char* written :
       {"consensus ring:8 --set memory=difference", "list options", "", "--help", "codec top_k"}) {
    EXPECT_EQ(line(written), written);
  }
  EXPECT_EQ(line("run a.toml -- --set x"), "run a.toml -- --set x");
}

TEST(Arguments, HelpAndVersionAreCommandsToo) {
  EXPECT_EQ(line("help"), "--help");
  EXPECT_EQ(line("help run"), "run --help");
  EXPECT_EQ(line("help run more"), "run --help");
  EXPECT_EQ(line("version"), "--version");
}

}  // namespace
}  // namespace laconic
