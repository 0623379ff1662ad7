// Words of other programs (PyTorch, Keras, Lightning, Hugging Face, Flower, NVFlare, DeepSpeed, Hydra, papers) and what a
// job file has for them.
#pragma once

#include <span>
#include <string_view>

namespace laconic {

// A key of another program. `section` is ours that has it, empty for any; `word` is folded (base/spelling.h).
struct ForeignKey {
  std::string_view section;
  std::string_view word;
  // Our key, "optimizer.learning_rate"; empty where there is none.
  std::string_view key = {};
  // A value of that key as TOML has it.
  std::string_view example = {};
  // Whether the value of the other program means the same: it is then suggested in the place of the example.
  bool same_value = false;
  // What else is to be said, or, without a key, all: a sentence that ends in what to do.
  std::string_view note = {};
};
std::span<const ForeignKey> foreign_keys();
// Null for a word that is not known. `word` as the user wrote it; a row for `section` comes before one for any.
const ForeignKey* find_foreign_key(std::string_view section, std::string_view word);

// A section of another program: ours in its place, or none, and what to do.
struct ForeignSection {
  std::string_view word;  // folded
  std::string_view section = {};
  std::string_view note = {};
};
std::span<const ForeignSection> foreign_sections();
const ForeignSection* find_foreign_section(std::string_view word);

// A value of another program for a key of ours, "strategy.name".
struct ForeignValue {
  std::string_view key;
  std::string_view word;  // folded
  // Lines of TOML that mean the same or come near, " and " between; empty where nothing does.
  std::string_view lines = {};
  std::string_view note = {};
};
std::span<const ForeignValue> foreign_values();
const ForeignValue* find_foreign_value(std::string_view key, std::string_view word);

}  // namespace laconic
