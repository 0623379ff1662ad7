// The tables of other programs' words: what they tell to write is right, and no word of ours is in them.
#include "job/foreign_words.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/spelling.h"
#include "job/job_sections.h"
#include "job/stray_words.h"
#include "job/text/job_text.h"

namespace laconic {
namespace {

std::vector<OptionSpec> specs_of(const SchemaSection& section, std::string_view key) {
  std::vector<OptionSpec> found;
  const auto add = [&](std::span<const OptionSpec> specs) {
    for (const OptionSpec& spec : specs) {
      if (spec.name == key) found.push_back(spec);
    }
  };
  add(section.options);
  for (const auto& variant : section.variants) add(variant.options);
  return found;
}

// Whether some row of the section takes the line "key = value".
bool takes(const SchemaSection& section, const std::string& line) {
  const WrittenJob job = read_job_text("[s]\n" + line + "\n", "x");
  const auto& [key, value] = *job.at("s").keys.begin();
  for (const OptionSpec& spec : specs_of(section, key)) {
    try {
      check_kind(section, spec, value);
      check_value(section, spec, value);
      return true;
    } catch (const UsageError&) {
      continue;
    }
  }
  return false;
}

TEST(ForeignWords, OfKeysNameKeysOfOursWithAnExampleThatTheyTake) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const ForeignKey& row : foreign_keys()) {
    EXPECT_EQ(row.word, folded(row.word));
    EXPECT_TRUE(seen.insert({row.section, row.word}).second) << row.section << " " << row.word << " has two rows";
    EXPECT_TRUE(row.section.empty() || find_section(row.section) != nullptr) << row.section;
    if (row.key.empty()) {
      EXPECT_FALSE(row.note.empty()) << row.word;
      continue;
    }
    const std::size_t dot = row.key.find('.');
    ASSERT_NE(dot, std::string_view::npos) << row.key;
    const SchemaSection* section = find_section(row.key.substr(0, dot));
    ASSERT_NE(section, nullptr) << row.key;
    const std::string key(row.key.substr(dot + 1));
    EXPECT_TRUE(takes(*section, key + " = " + std::string(row.example))) << row.key << " = " << row.example;
  }
}

TEST(ForeignWords, OfASectionAreNoKeysOfThatSection) {
  for (const ForeignKey& row : foreign_keys()) {
    if (row.section.empty()) continue;
    const SchemaSection& section = *find_section(row.section);
    for (const OptionSpec& spec : section.options) EXPECT_NE(folded(spec.name), row.word) << row.section;
  }
}

TEST(ForeignWords, OfSectionsNameSectionsOfOurs) {
  for (const ForeignSection& row : foreign_sections()) {
    EXPECT_EQ(row.word, folded(row.word));
    EXPECT_EQ(find_section(row.word), nullptr) << row.word << " is one of ours";
    if (row.section.empty()) {
      EXPECT_FALSE(row.note.empty()) << row.word;
    } else {
      EXPECT_NE(find_section(row.section), nullptr) << row.section;
    }
  }
}

TEST(ForeignWords, OfValuesNameValuesThatTheKeyTakes) {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  for (const ForeignValue& row : foreign_values()) {
    EXPECT_EQ(row.word, folded(row.word));
    EXPECT_TRUE(seen.insert({row.key, row.word}).second) << row.key << " " << row.word << " has two rows";
    const SchemaSection* section = find_section(row.key.substr(0, row.key.find('.')));
    ASSERT_NE(section, nullptr) << row.key;
    const std::vector<OptionSpec> specs = specs_of(*section, row.key.substr(row.key.find('.') + 1));
    EXPECT_FALSE(specs.empty()) << row.key;
    for (const OptionSpec& spec : specs)
      EXPECT_EQ(same_word(row.word, spec.choices), "") << row.key << " has that word";
    if (row.lines.empty()) {
      EXPECT_FALSE(row.note.empty()) << row.word;
      continue;
    }
    std::string rest(row.lines);
    while (!rest.empty()) {
      const std::size_t end = rest.find(" and ");
      EXPECT_TRUE(takes(*section, rest.substr(0, end))) << row.key << ": " << rest.substr(0, end);
      rest = end == std::string::npos ? "" : rest.substr(end + 5);
    }
  }
}

}  // namespace
}  // namespace laconic
