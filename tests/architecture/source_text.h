// Source files as the rules of the architecture read them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace laconic::architecture {

// One file under src/.
struct SourceFile {
  std::string path;  // relative to src/, with forward slashes: "runtimes/sim/clock.h"
  std::string text;
};

// What a rule objects to, and where.
struct Violation {
  std::string path;
  int line = 0;  // from 1
  std::string reason;

  std::string to_string() const;
};

// Every *.h and *.cc under `src`, in the order of their paths. Throws std::runtime_error if there is none or one cannot
// be read.
std::vector<SourceFile> read_sources(const std::filesystem::path& src);

// The text with every comment, and the inside of every string and character literal (raw strings too), turned into
// spaces. Line breaks stay, and so do offsets. The names in #include lines stay.
std::string code_only(std::string_view text);

// The line, from 1, that holds the character at `offset`.
int line_at(std::string_view text, std::size_t offset);

// The offset of `word` in `code` at or after `from` where it does not continue an identifier to its left, nor to its
// right if it ends like one; npos if there is none.
std::size_t find_word(std::string_view code, std::string_view word, std::size_t from = 0);

}  // namespace laconic::architecture
