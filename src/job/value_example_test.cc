#include "job/value_example.h"

#include <gtest/gtest.h>

#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "job/schema.h"
#include "job/stray_words.h"

namespace laconic {
namespace {

TEST(ValueExample, IsAValueThatItsKeyTakes) {
  for (const SchemaSection& section : schema()) {
    const auto check = [&](std::span<const OptionSpec> specs) {
      for (const OptionSpec& spec : specs) {
        const std::string line = example_line(section.name, spec);
        EXPECT_EQ(line.find("..."), std::string::npos) << section.name << ": " << line;
        const WrittenJob job = read_job_text("[s]\n" + line + "\n", "x");
        const WrittenValue& value = job.at("s").keys.begin()->second;
        EXPECT_NO_THROW(check_kind(section, spec, value)) << line;
        EXPECT_NO_THROW(check_value(section, spec, value)) << line;
      }
    };
    check(section.options);
    for (const auto& variant : section.variants) check(variant.options);
  }
}

TEST(LineMeant, IsWhatAValueOfAnotherTypeStandsFor) {
  using Kind = WrittenValue::Kind;
  struct Case {
    OptionSpec spec;
    WrittenValue value;
    std::optional<std::string> line;
  };
  const OptionSpec steps = {.name = "steps", .type = OptionType::kInteger};
  const OptionSpec epochs = {.name = "epochs", .type = OptionType::kNumber};
  const OptionSpec flag = {.name = "augment", .type = OptionType::kFlag};
  const OptionSpec choice = {.name = "augment", .type = OptionType::kChoice, .choices = {"none", "mirror"}};
  const OptionSpec duration = {.name = "latency", .type = OptionType::kDuration, .default_value = "10 ms"};
  const Case cases[] = {
      {steps, {"1000", "", Kind::kText}, "steps = 1000"},
      {steps, {"1_000", "", Kind::kText}, "steps = 1000"},
      {steps, {"1000 steps", "", Kind::kText}, "steps = 1000"},
      {steps, {"2 epochs", "", Kind::kText}, "epochs = 2"},
      {steps, {"0.5epochs", "", Kind::kText}, "epochs = 0.5"},
      {steps, {"0.5", "", Kind::kText}, std::nullopt},
      {steps, {"many", "", Kind::kText}, std::nullopt},
      {epochs, {"0.5", "", Kind::kText}, "epochs = 0.5"},
      {epochs, {"100 steps", "", Kind::kText}, "steps = 100"},
      {epochs, {"0.5 steps", "", Kind::kText}, std::nullopt},
      {flag, {"True", "", Kind::kText}, "augment = true"},
      {flag, {"0", "", Kind::kInteger}, "augment = false"},
      {flag, {"2", "", Kind::kInteger}, std::nullopt},
      {choice, {"false", "", Kind::kFlag}, "augment = \"none\""},
      {choice, {"true", "", Kind::kFlag}, std::nullopt},
      {duration, {"5", "", Kind::kInteger}, "latency = \"5 ms\""},
      {duration, {"-5", "", Kind::kInteger}, std::nullopt},
  };
  for (const Case& one : cases) EXPECT_EQ(line_meant("job", one.spec, one.value), one.line) << one.value.text;
  const OptionSpec every = {.name = "every", .default_value = "1 epoch"};
  EXPECT_EQ(line_meant("evaluation", every, {"100", "", Kind::kInteger}), "every = \"100 steps\"");
  EXPECT_EQ(line_meant("evaluation", every, {"0.5", "", Kind::kNumber}), "every = \"0.5 epochs\"");
}

}  // namespace
}  // namespace laconic
