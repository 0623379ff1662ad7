// A line of a job file that is not TOML, taken apart as well as can be: no parser, but what a user's eye sees in it.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace laconic {

// Without "\n" and "\r". What stands behind the last "\n" is a line too.
std::vector<std::string_view> lines_of(std::string_view text);

// Without blanks and tabs at both ends.
std::string_view trimmed(std::string_view text);

// Without the comment, which begins with a # outside quotes; trimmed.
std::string_view without_comment(std::string_view line);

// Letters, digits, '_' and '-', and at least one.
bool is_bare_key(std::string_view text);

// The place of the first `sign` outside quotes, or npos.
std::size_t find_outside_quotes(std::string_view text, char sign);

// The parts between commas that stand outside quotes and brackets of any kind, trimmed; an empty last one is left out.
std::vector<std::string_view> split_at_commas(std::string_view text);

// How many square brackets a line opens, outside quotes and its comment, less those that it closes.
int open_brackets(std::string_view line);

}  // namespace laconic
