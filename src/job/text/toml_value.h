// What TOML would have for a value that a user wrote as in another language, or without its quotes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace laconic {

struct ValueMistake {
  std::string problem;  // "text needs quotes"
  std::string mended;   // "\"fda\""; empty where there is nothing to write, and the problem says what to do
};

// Of `value`, what stands behind the equals sign without a comment, trimmed and not empty, that TOML has refused. Nothing
// where none of the known mistakes is seen. That `mended` is TOML is likely, not sure.
std::optional<ValueMistake> explain_value(std::string_view value);

}  // namespace laconic
