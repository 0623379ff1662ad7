#include <gtest/gtest.h>

#include <string>

#include "job/job.h"
#include "job/job_test.h"
#include "job/schema.h"

namespace laconic {
namespace {

TEST(ResolvedJob, IsTheSameJobAgain) {
  for (const std::string& text :
       {joined(kGood), with_line(15, "model = \"shared\"\nchannel = \"2 Mbit/s\""), with_line(2, "steps = 7"),
        with_line(13, "threshold = inf\nmonitor = \"max-norm\""), with_line(6, "name = \"mlp\"\nhidden = [32, 16]"),
        with_line(4, "dataset = \"mnist\"\ndir = 'a\"b\\c'")}) {
    const Job job = parse(text);
    const std::string resolved = job.resolved_text();
    const Job again = parse_job_text(resolved, "elsewhere/job.resolved.toml");
    EXPECT_EQ(again.resolved_text(), resolved);
    EXPECT_EQ(again.identity(), job.identity());
    EXPECT_EQ(again.name, job.name);
    EXPECT_EQ(again.step_cost, job.step_cost);
    EXPECT_EQ(again.length.numerator, job.length.numerator);
  }
}

// A section of a resolved job, its head included; empty where there is none.
std::string section_of(const std::string& resolved, std::string_view name) {
  const std::size_t begin = resolved.find("[" + std::string(name) + "]\n");
  if (begin == std::string::npos) return {};
  const std::size_t end = resolved.find("\n[", begin);
  return resolved.substr(begin, end == std::string::npos ? end : end + 1 - begin);
}

TEST(ResolvedJob, HoldsEveryOptionThatApplies) {
  const std::string resolved = parse(joined(kGood)).resolved_text();
  for (const SchemaSection& section : schema()) {
    if (section.used_by != nullptr) {
      EXPECT_EQ(resolved.find("[" + std::string(section.name) + "]"), std::string::npos) << "fda has no use for it";
      continue;
    }
    const std::string text = section_of(resolved, section.name);
    EXPECT_NE(text, "") << section.name;
    for (const OptionSpec& spec : section.options) {
      // The job has epochs and interfaces, and nobody trains alone.
      if (spec.name == "steps" || spec.name == "channel" || spec.name == "alone_steps") continue;
      EXPECT_NE(text.find("\n" + std::string(spec.name) + " = "), std::string::npos)
          << section.name << "." << spec.name;
    }
  }
  EXPECT_EQ(resolved.find("\nsketch_cols = "), std::string::npos) << "the monitor is another";
  const std::string sketch = parse(joined(kGood), {"strategy.monitor=sketch"}).resolved_text();
  EXPECT_NE(sketch.find("\nsketch_cols = 250\n"), std::string::npos) << "the strategy's own";
}

TEST(Identity, LeavesOutWhatChangesNoResult) {
  const Job job = parse(joined(kGood));
  EXPECT_EQ(parse(joined(kGood), {"output.dir=elsewhere", "output.progress=off", "workers.threads=3", "job.name=x"})
                .identity(),
            job.identity());
  EXPECT_NE(parse(joined(kGood), {"job.seed=2"}).identity(), job.identity());
  EXPECT_NE(parse(joined(kGood), {"strategy.threshold=2.6"}).identity(), job.identity());
}

}  // namespace
}  // namespace laconic
