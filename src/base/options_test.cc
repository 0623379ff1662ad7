#include "base/options.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/error.h"

namespace laconic {
namespace {

const std::vector<OptionSpec>& specs() {
  static const std::vector<OptionSpec> kSpecs = {
      {.name = "threshold", .type = OptionType::kNumber, .required = true, .minimum = 0.0, .help = "Theta"},
      {.name = "rows", .type = OptionType::kInteger, .default_value = "5", .minimum = 1, .maximum = 64},
      {.name = "monitor", .type = OptionType::kChoice, .default_value = "linear", .choices = {"linear", "sketch"}},
      {.name = "label", .type = OptionType::kText, .default_value = "none"},
      {.name = "warm", .type = OptionType::kFlag, .default_value = "false"},
      {.name = "frame", .type = OptionType::kBytes, .default_value = "1 MB"},
      {.name = "deadline", .type = OptionType::kDuration, .default_value = "20 ms"},
      {.name = "up", .type = OptionType::kRate, .default_value = "100 Mbit/s"},
      {.name = "learning_rate", .type = OptionType::kNumber, .default_value = "0.1"},
  };
  return kSpecs;
}

Options resolve(std::map<std::string, GivenOption> given, bool with_threshold = true) {
  if (with_threshold) given.try_emplace("threshold", GivenOption{"1.5", "job.toml:3"});
  return Options("strategy", specs(), given);
}

// The text of the UsageError that resolving ends in.
std::string refusal(std::map<std::string, GivenOption> given, bool with_threshold = true) {
  try {
    resolve(std::move(given), with_threshold);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

#define EXPECT_MENTIONS(text, part) \
  EXPECT_NE(std::string(text).find(part), std::string::npos) << "'" << (text) << "' lacks '" << (part) << "'"

TEST(Options, DefaultsFillWhatIsNotGiven) {
  const Options options = resolve({});
  EXPECT_EQ(options.number("threshold"), 1.5);
  EXPECT_EQ(options.integer("rows"), 5U);
  EXPECT_EQ(options.text("monitor"), "linear");
  EXPECT_EQ(options.text("label"), "none");
  EXPECT_FALSE(options.flag("warm"));
  EXPECT_EQ(options.bytes("frame").value, 1000000U);
  EXPECT_DOUBLE_EQ(options.seconds("deadline").value, 0.02);
  EXPECT_DOUBLE_EQ(options.rate("up").value, 1e8);
  EXPECT_TRUE(options.given("threshold"));
  EXPECT_FALSE(options.given("rows"));
}

TEST(Options, GivenValuesAreReadByType) {
  const Options options = resolve({{"threshold", {"inf", "--set"}},
                                   {"rows", {"64", "--set"}},
                                   {"monitor", {"sketch", "--set"}},
                                   {"label", {"any text = \"at all\"", "--set"}},
                                   {"warm", {"true", "--set"}},
                                   {"frame", {"4 KiB", "--set"}},
                                   {"deadline", {"2 min", "--set"}},
                                   {"up", {"unlimited", "--set"}},
                                   {"learning_rate", {"-2.5e-3", "--set"}}});
  EXPECT_TRUE(std::isinf(options.number("threshold")));
  EXPECT_EQ(options.integer("rows"), 64U);
  EXPECT_EQ(options.text("monitor"), "sketch");
  EXPECT_EQ(options.text("label"), "any text = \"at all\"");
  EXPECT_TRUE(options.flag("warm"));
  EXPECT_EQ(options.bytes("frame").value, 4096U);
  EXPECT_EQ(options.seconds("deadline").value, 120.0);
  EXPECT_TRUE(std::isinf(options.rate("up").value));
  EXPECT_EQ(options.number("learning_rate"), -2.5e-3);
}

TEST(Options, AnUnknownKeyNamesThePlaceAndTheNearestKnownOne) {
  const std::string text = refusal({{"treshold", {"1", "job.toml:12"}}});
  EXPECT_MENTIONS(text, "job.toml:12");
  EXPECT_MENTIONS(text, "strategy.treshold");
  EXPECT_MENTIONS(text, "did you mean 'threshold'");
  const std::string far = refusal({{"zzzzzzzz", {"1", "job.toml:12"}}});
  EXPECT_MENTIONS(far, "known are: threshold, rows, monitor");
}

TEST(Options, AMissingRequiredOptionIsNamedWithItsMeaning) {
  const std::string text = refusal({}, false);
  EXPECT_MENTIONS(text, "strategy.threshold");
  EXPECT_MENTIONS(text, "missing");
  EXPECT_MENTIONS(text, "Theta");
}

TEST(Options, AWrongValueNamesThePlaceTheOptionAndTheRange) {
  const std::string range = refusal({{"rows", {"65", "job.toml:4"}}});
  EXPECT_MENTIONS(range, "job.toml:4");
  EXPECT_MENTIONS(range, "strategy.rows");
  EXPECT_MENTIONS(range, "'65' is not a whole number from 1 to 64");
  EXPECT_MENTIONS(refusal({{"threshold", {"-1", "x"}}}), "at least 0");
  EXPECT_MENTIONS(refusal({{"monitor", {"skech", "x"}}}), "did you mean 'sketch'");
  EXPECT_MENTIONS(refusal({{"warm", {"yes", "x"}}}), "neither true nor false");
  EXPECT_MENTIONS(refusal({{"deadline", {"20", "x"}}}), "us, ms, s, min, h");
}

TEST(Options, ValuesOfAnotherTypeAreRefused) {
  for (const char* text : {"", " 5", "5 ", "5.5", "-5", "five", "0x5", "nan", "inf", "1e300"}) {
    EXPECT_NE(refusal({{"rows", {text, "x"}}}), "accepted") << "'" << text << "'";
  }
  for (const char* text : {"", "nan", "1.5x", "1,5", "one", "1e999"}) {
    EXPECT_NE(refusal({{"learning_rate", {text, "x"}}}), "accepted") << "'" << text << "'";
  }
  EXPECT_EQ(refusal({{"rows", {"5", "x"}}}), "accepted");
  EXPECT_EQ(refusal({{"learning_rate", {"1.5", "x"}}}), "accepted");
}

TEST(Options, PlacesAreForErrorsFoundLater) {
  const Options options = resolve({{"rows", {"7", "job.toml:9"}}});
  EXPECT_EQ(options.place("rows"), "job.toml:9: strategy.rows");
  EXPECT_EQ(options.place("monitor"), "strategy.monitor");
}

TEST(Options, ResolvedKeepsTheTableOrderAndTheUsersText) {
  const Options options = resolve({{"frame", {"4 KiB", "--set"}}});
  const std::vector<Options::Resolved> resolved = options.resolved();
  ASSERT_EQ(resolved.size(), specs().size());
  for (std::size_t i = 0; i < resolved.size(); ++i) EXPECT_EQ(resolved[i].spec->name, specs()[i].name);
  EXPECT_EQ(resolved[0].text, "1.5");
  EXPECT_EQ(resolved[1].text, "5");
  EXPECT_EQ(resolved[5].text, "4 KiB");
}

TEST(Options, AskingForWhatIsNotDeclaredIsACallersBug) {
  const Options options = resolve({});
  EXPECT_THROW(options.number("nothing"), CheckFailed);
  EXPECT_THROW(options.number("rows"), CheckFailed);
  EXPECT_THROW(options.text("rows"), CheckFailed);
  EXPECT_THROW(options.integer("threshold"), CheckFailed);
}

TEST(Options, AnOptionWithoutAMeaningBesideTheOthersIsRefusedAndLeftOutOfWhatIsResolved) {
  const std::vector<OptionSpec> table = {
      {.name = "monitor", .type = OptionType::kChoice, .default_value = "linear", .choices = {"linear", "sketch"}},
      {.name = "cols",
       .type = OptionType::kInteger,
       .default_value = "250",
       .only_with = {.option = "monitor", .value = "sketch"}},
  };
  EXPECT_EQ(Options("strategy", table, {}).resolved().size(), 1U);
  const Options sketch("strategy", table, {{"monitor", {"sketch", "a:1"}}, {"cols", {"100", "a:2"}}});
  EXPECT_EQ(sketch.resolved().size(), 2U);
  EXPECT_EQ(sketch.integer("cols"), 100U);
  try {
    Options("strategy", table, {{"cols", {"100", "a:2"}}});
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "a:2: strategy.cols: has no meaning with strategy.monitor = \"linear\"; remove it, or choose monitor "
                 "\"sketch\"");
  }
}

TEST(Options, AConditionHoldsForEachOfItsWords) {
  const std::vector<OptionSpec> table = {
      {.name = "server",
       .type = OptionType::kChoice,
       .default_value = "average",
       .choices = {"average", "adam", "yogi"}},
      {.name = "beta", .type = OptionType::kNumber, .default_value = "0.9", .only_with = {"server", "adam|yogi"}},
  };
  for (const char* server : {"adam", "yogi"}) {
    EXPECT_EQ(Options("strategy", table, {{"server", {server, "a:1"}}, {"beta", {"0.5", "a:2"}}}).number("beta"), 0.5);
  }
  try {
    Options("strategy", table, {{"beta", {"0.5", "a:2"}}});
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(),
                 "a:2: strategy.beta: has no meaning with strategy.server = \"average\"; remove it, or choose server "
                 "\"adam\" or \"yogi\"");
  }
}

TEST(Options, AreRefusedWhereWhatTheyGoWithIsNotGiven) {
  const std::vector<OptionSpec> two = {
      {.name = "size", .type = OptionType::kText, .default_value = ""},
      {.name = "fit", .type = OptionType::kText, .default_value = "crop", .only_with = {"size", OptionSpec::kAnyText}}};
  const Options given("data", two, {{"size", {"32", "a:1"}}, {"fit", {"pad", "a:2"}}});
  EXPECT_EQ(given.text("fit"), "pad");
  EXPECT_EQ(given.resolved().size(), 2U);
  EXPECT_EQ(Options("data", two, {}).resolved().size(), 1U) << "the size alone";
  EXPECT_EQ(two[1].only_with.values(), "given");
  try {
    Options("data", two, {{"fit", {"pad", "a:2"}}});
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    EXPECT_STREQ(error.what(), "a:2: data.fit: has no meaning with data.size = \"\"; remove it, or give data.size");
  }
}

TEST(Options, AWordOfTheTableMayBeSpeltInAnotherWay) {
  const OptionSpec specs[] = {
      {.name = "kind", .type = OptionType::kChoice, .default_value = "a", .choices = {"a", "max-norm", "lenet5"}},
      {.name = "rows", .type = OptionType::kInteger, .default_value = "1", .only_with = {"kind", "max-norm"}}};
  const auto kind = [&](const std::string& text) {
    return Options("s", specs, {{"kind", {text, "test"}}}).text("kind");
  };
  EXPECT_EQ(kind("MaxNorm"), "max-norm");
  EXPECT_EQ(kind("LeNet-5"), "lenet5");
  const Options options("s", specs, {{"kind", {"Max_Norm", "test"}}, {"rows", {"3", "test"}}});
  EXPECT_EQ(options.integer("rows"), 3U) << "what has a meaning only with that word has one";
  EXPECT_EQ(options.resolved().front().text, "max-norm");
}

TEST(Options, AWordInThePlaceOfANumberMayBeSpeltInAnotherWay) {
  const OptionSpec specs[] = {
      {.name = "gamma", .type = OptionType::kNumber, .default_value = "0.1", .choices = {"auto"}}};
  const Options options("s", specs, {{"gamma", {"Auto", "test"}}});
  EXPECT_TRUE(options.is_word("gamma"));
  EXPECT_EQ(options.resolved().front().text, "auto");
}

TEST(Options, AFractionMayBeAPercentage) {
  const OptionSpec specs[] = {
      {.name = "part", .type = OptionType::kNumber, .default_value = "0", .minimum = 0, .maximum = 0.9},
      {.name = "rate", .type = OptionType::kNumber, .default_value = "0", .minimum = 0, .maximum = 1000}};
  const auto part = [&](const std::string& text) { return Options("s", specs, {{"part", {text, "test"}}}); };
  EXPECT_EQ(part("10%").number("part"), 0.1);
  EXPECT_EQ(part("12.5 %").number("part"), 0.125);
  EXPECT_EQ(part("10%").resolved().front().text, "0.1");
  for (const char* text : {"95%", "%", "x%", "-1%", "10%%"}) EXPECT_THROW(part(text), UsageError) << text;
  EXPECT_THROW(Options("s", specs, {{"rate", {"10%", "test"}}}), UsageError) << "a percentage of what?";
}

const std::vector<OptionSpec>& changing_specs() {
  static const std::vector<OptionSpec> kSpecs = {
      {.name = "ratio",
       .type = OptionType::kNumber,
       .default_value = "0.5",
       .minimum = 0,
       .maximum = 1,
       .choices = {"auto"},
       .scheduled = true},
      {.name = "rate", .type = OptionType::kNumber, .default_value = "0.1", .minimum = 0},
      {.name = "steps", .type = OptionType::kInteger, .default_value = "1"},
      {.name = "words", .type = OptionType::kText, .default_value = ""}};
  return kSpecs;
}
Options changing(const std::map<std::string, GivenOption>& given) { return {"s", changing_specs(), given}; }

TEST(Options, ANumberMayChangeOverTheRunWhereTheTableSaysSo) {
  const Options options = changing({{"ratio", {"0.2->1e-2 over 1.5 epoch", "test"}}});
  ASSERT_NE(options.schedule("ratio"), nullptr);
  EXPECT_EQ(options.schedule("ratio")->first, 0.2);
  EXPECT_EQ(options.schedule("ratio")->last, 0.01);
  EXPECT_FALSE(options.is_word("ratio"));
  EXPECT_EQ(options.number("ratio"), 0.01) << "in the long run";
  EXPECT_EQ(options.resolved().front().text, "0.2 -> 0.01 over 1.5 epochs");
  ASSERT_NE(options.scheduled(), nullptr);
  EXPECT_EQ(options.scheduled()->name, "ratio");
  for (const char* text : {"0.2", "auto", "20%"}) {
    const Options constant = changing({{"ratio", {text, "test"}}});
    EXPECT_EQ(constant.schedule("ratio"), nullptr) << text;
    EXPECT_EQ(constant.scheduled(), nullptr) << text;
  }
  EXPECT_EQ(options.with("ratio", "0.3").schedule("ratio"), nullptr);
  EXPECT_EQ(changing({{"words", {"0.2 -> 0.1", "test"}}}).text("words"), "0.2 -> 0.1") << "no number";
}

TEST(Options, EpochsOfAScheduleBecomeStepsRoundedUp) {
  const auto steps = [](const std::string& over, double steps_per_epoch) {
    const Options options = changing({{"ratio", {"0.2 -> 0.1 over " + over, "test"}}});
    return options.in_steps(steps_per_epoch).schedule("ratio")->steps();
  };
  EXPECT_EQ(steps("2 epochs", 210.9375), 422U);
  EXPECT_EQ(steps("16 epochs", 210.9375), 3375U) << "not 16 * 211";
  EXPECT_EQ(steps("0.07 epochs", 100.0), 7U) << "exactly";
  EXPECT_EQ(steps("0.001 epochs", 10.0), 1U);
  EXPECT_EQ(steps("30 steps", 10.0), 30U);
  EXPECT_EQ(steps("30 steps", 0.0), 30U) << "an epoch need not be known for it";
  const Options options = changing({{"ratio", {"0.2 -> 0.1 over 2 epochs", "job.toml:4"}}});
  EXPECT_EQ(options.in_steps(10.0).resolved().front().text, "0.2 -> 0.1 over 20 steps");
  try {
    options.in_steps(0.0);
    ADD_FAILURE() << "an epoch of no known length";
  } catch (const UsageError& error) {
    EXPECT_MENTIONS(error.what(), "job.toml:4: s.ratio: ");
    EXPECT_MENTIONS(error.what(), "give a number of steps");
  }
}

TEST(Options, AtItsLowestAScheduleIsANumber) {
  for (const char* text : {"0.2 -> 0.01 over 2 epochs", "0.01 -> 0.2 over 9 steps"}) {
    const Options options = changing({{"ratio", {text, "test"}}, {"rate", {"7", "test"}}}).at_lowest();
    EXPECT_EQ(options.number("ratio"), 0.01) << text;
    EXPECT_EQ(options.scheduled(), nullptr) << text;
    EXPECT_EQ(options.resolved().front().text, "0.01") << text;
    EXPECT_EQ(options.number("rate"), 7.0);
  }
}

TEST(Options, AScheduleIsRefusedOutOfRangeAndWhereANumberCannotChange) {
  const auto refused = [](const std::string& key, const std::string& text) -> std::string {
    try {
      changing({{key, {text, "job.toml:4"}}});
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refused("ratio", "2 -> 0.1 over 2 epochs"),
            "job.toml:4: s.ratio: '2 -> 0.1 over 2 epochs': both its ends must be a number from 0 to 1");
  EXPECT_MENTIONS(refused("ratio", "0.2 -> -0.1 over 2 epochs"), "both its ends must be a number from 0 to 1");
  EXPECT_MENTIONS(refused("ratio", "0.2 -> 0.1"), "write it as in \"0.2 -> 0.01 over 2 epochs\"");
  EXPECT_MENTIONS(refused("ratio", "3"), "or one that changes (\"0.2 -> 0.01 over 2 epochs\")");
  EXPECT_EQ(refused("rate", "0.2 -> 0.1 over 2 epochs"),
            "job.toml:4: s.rate: '0.2 -> 0.1 over 2 epochs': this key cannot change over a run; give a number of at "
            "least 0");
  EXPECT_MENTIONS(refused("steps", "2 -> 1 over 2 epochs"), "cannot change over a run; give a whole number");
}

TEST(Options, AMessageShowsBytesThatAreNoTextEscaped) {
  EXPECT_MENTIONS(refusal({{"monitor", {"\xff\x1b", "x"}}}), "'\\xff\\x1b' is not one of");
}

TEST(Options, WholeNumbersAreTakenToTheLastDigitUpToTheLargestOfToml) {
  const OptionSpec specs[] = {{.name = "seed", .type = OptionType::kInteger, .default_value = "1", .minimum = 0}};
  const auto seed = [&](const std::string& text) {
    return Options("job", specs, {{"seed", {.text = text, .where = "test"}}}).integer("seed");
  };
  EXPECT_EQ(seed("9007199254740993"), 9007199254740993U);  // 2^53 + 1, which no double is
  EXPECT_EQ(seed("9223372036854775807"), 9223372036854775807U);
  EXPECT_EQ(seed("1e5"), 100000U);
  for (const char* text : {"9223372036854775808", "18446744073709551616", "99999999999999999999999"}) {
    try {
      seed(text);
      ADD_FAILURE() << text;
    } catch (const UsageError& error) {
      EXPECT_MENTIONS(std::string(error.what()),
                      "'" + std::string(text) + "' is above 9223372036854775807, the largest whole number");
    }
  }
  EXPECT_THROW(seed("1.5"), UsageError);
  EXPECT_THROW(seed("-1"), UsageError);
}

}  // namespace
}  // namespace laconic
