#include "job/bare_key.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "job/schema.h"

namespace laconic {
namespace {

std::string answer(std::string_view name) {
  try {
    return full_key(name);
  } catch (const UsageError& error) {
    return error.what();
  }
}

TEST(BareKeys, AreThoseOfTheJobOrTheOnlyOnesOfTheirName) {
  EXPECT_EQ(answer("steps"), "job.steps");
  EXPECT_EQ(answer("seed"), "job.seed");
  EXPECT_EQ(answer("learning_rate"), "optimizer.learning_rate");
  EXPECT_EQ(answer("monitor"), "strategy.monitor");
  EXPECT_EQ(answer("batch"), "data.batch");
}

TEST(BareKeys, ThatNameASectionAreItsMainKey) {
  EXPECT_EQ(answer("workers"), "workers.count") << "not evaluation.workers";
  EXPECT_EQ(answer("model"), "model.name") << "not network.model";
  EXPECT_EQ(answer("strategy"), "strategy.name");
  EXPECT_EQ(answer("optimizer"), "optimizer.name");
  EXPECT_EQ(answer("data"), "data.dataset");
  EXPECT_EQ(answer("dataset"), "data.dataset");
  EXPECT_EQ(answer("compression"), "compression.operator");
  EXPECT_EQ(answer("topology"), "topology.graph");
  EXPECT_EQ(answer("evaluation"), "evaluation.every");
  EXPECT_EQ(answer("checkpoint"), "checkpoint.every");
  EXPECT_EQ(answer("job").find("'job' is no key of a job"), 0U) << answer("job");
  for (const SchemaSection& section : schema()) {
    const std::string key = key_of_section(section.name);
    if (key.empty()) continue;
    const std::vector<std::string> known = keys_named(key.substr(key.find('.') + 1));
    EXPECT_NE(std::find(known.begin(), known.end(), key), known.end()) << key;
  }
}

TEST(BareKeys, OfSeveralSectionsAreRefusedWithTheCandidates) {
  for (const std::string& key : keys_named("every")) {
    EXPECT_NE(answer("every").find(key), std::string::npos) << key << " in " << answer("every");
  }
  EXPECT_GE(keys_named("every").size(), 3U);
  EXPECT_EQ(answer("threshold"),
            "'threshold' is a key of several sections; write strategy.threshold or compression.threshold");
  EXPECT_EQ(answer("name").find("'name' is a key of several sections; write job.name, "), 0U) << answer("name");
}

TEST(BareKeys, ThatAreNoneNameTheNearest) {
  EXPECT_EQ(answer("treshold"), "'treshold' is no key of a job; did you mean strategy.threshold?");
  EXPECT_EQ(answer("lr"), "'lr' is no key of a job; did you mean optimizer.learning_rate?");
  EXPECT_EQ(answer("device").find("'device' is no key of a job: laconic computes on the CPU; "), 0U)
      << answer("device");
  EXPECT_EQ(answer("zzzzzzzz"), "'zzzzzzzz' is no key of a job; laconic list options shows them all");
  EXPECT_EQ(answer("").find("'' is no key of a job"), 0U);
}

}  // namespace
}  // namespace laconic
