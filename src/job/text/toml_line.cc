#include "job/text/toml_line.h"

#include <algorithm>
#include <cctype>

namespace laconic {
namespace {

// Calls `see(place)` for each byte of `text` outside quotes until it returns true. An apostrophe inside a word is no
// quote, and a quote that is never closed is none either: what follows is seen.
template <typename See>
void outside_quotes(std::string_view text, See&& see) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    const bool in_word = at > 0 && std::isalnum(static_cast<unsigned char>(text[at - 1])) != 0;
    if (c == '"' || (c == '\'' && !in_word)) {
      std::size_t end = at + 1;
      while (end < text.size() && text[end] != c) end += c == '"' && text[end] == '\\' ? 2 : 1;
      if (end < text.size()) {
        at = end;
        continue;
      }
      // Looking for its end again at each further one would take time squared.
      for (; at < text.size(); ++at) {
        if (see(at)) return;
      }
      return;
    }
    if (see(at)) return;
  }
}

}  // namespace

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    if (end == std::string_view::npos) return lines;
    text.remove_prefix(end + 1);
  }
}

std::string_view trimmed(std::string_view text) {
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

std::size_t find_outside_quotes(std::string_view text, char sign) {
  std::size_t found = std::string_view::npos;
  outside_quotes(text, [&](std::size_t at) {
    if (text[at] != sign) return false;
    found = at;
    return true;
  });
  return found;
}

std::string_view without_comment(std::string_view line) {
  return trimmed(line.substr(0, find_outside_quotes(line, '#')));
}

bool is_bare_key(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
  });
}

std::vector<std::string_view> split_at_commas(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  int depth = 0;
  outside_quotes(text, [&](std::size_t at) {
    const char c = text[at];
    if (c == '[' || c == '(' || c == '{') ++depth;
    if (c == ']' || c == ')' || c == '}') --depth;
    if (c == ',' && depth == 0) {
      parts.push_back(trimmed(text.substr(begin, at - begin)));
      begin = at + 1;
    }
    return false;
  });
  const std::string_view last = trimmed(text.substr(begin));
  if (!last.empty()) parts.push_back(last);
  return parts;
}

int open_brackets(std::string_view line) {
  int open = 0;
  outside_quotes(line, [&](std::size_t at) {
    if (line[at] == '#') return true;
    open += line[at] == '[' ? 1 : line[at] == ']' ? -1 : 0;
    return false;
  });
  return open;
}

}  // namespace laconic
