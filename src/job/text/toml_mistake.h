// Why a job file is no TOML, in the words of who wrote it. A parser says which character it did not expect; its reader
// wants to know what to write.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace laconic {

struct TomlMistake {
  std::size_t line = 0;  // counted from 1; where the mend belongs, which may be before the place that was refused
  std::string text;      // what is wrong, and what to write; empty: not known
};

// `text` is what a parser of TOML refused at `line`. Where the result says "write ...", what follows is a line that
// `is_toml` holds for.
TomlMistake explain_toml_mistake(std::string_view text, std::size_t line, bool (*is_toml)(std::string_view));

}  // namespace laconic
