#include "source_text.h"

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace laconic::architecture {
namespace {

bool continues_identifier(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

bool starts_with_at(std::string_view text, std::size_t offset, std::string_view what) {
  return text.substr(offset, what.size()) == what;
}

// Turns [begin, end) into spaces, line breaks excepted.
void blank(std::string& text, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < std::min(end, text.size()); ++i) {
    if (text[i] != '\n') text[i] = ' ';
  }
}

// The end of a quoted literal whose opening quote is at `open`: the offset of the closing quote, or of the line's end.
std::size_t closing_quote(std::string_view text, std::size_t open) {
  std::size_t i = open + 1;
  while (i < text.size() && text[i] != text[open] && text[i] != '\n') i += text[i] == '\\' ? 2 : 1;
  return std::min(i, text.size());
}

bool is_include_line(std::string_view text, std::size_t line_begin) {
  const std::size_t hash = text.find_first_not_of(" \t", line_begin);
  if (hash == std::string_view::npos || text[hash] != '#') return false;
  const std::size_t directive = text.find_first_not_of(" \t", hash + 1);
  return directive != std::string_view::npos && starts_with_at(text, directive, "include");
}

}  // namespace

std::string Violation::to_string() const { return "src/" + path + ":" + std::to_string(line) + ": " + reason; }

std::vector<SourceFile> read_sources(const std::filesystem::path& src) {
  std::vector<SourceFile> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(src)) {
    const std::filesystem::path& path = entry.path();
    if (!entry.is_regular_file() || (path.extension() != ".h" && path.extension() != ".cc")) continue;
    std::ifstream stream(path, std::ios::binary);
    if (!stream) throw std::runtime_error("cannot read " + path.string());
    files.push_back({path.lexically_relative(src).generic_string(),
                     std::string(std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>())});
  }
  if (files.empty()) throw std::runtime_error("no source file under " + src.string());
  std::sort(files.begin(), files.end(), [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

std::string code_only(std::string_view text) {
  std::string code(text);
  std::size_t line_begin = 0;
  std::size_t i = 0;
  while (i < text.size()) {
    const char c = text[i];
    if (c == '\n') {
      line_begin = ++i;
    } else if (starts_with_at(text, i, "//")) {
      const std::size_t end = std::min(text.find('\n', i), text.size());
      blank(code, i, end);
      i = end;
    } else if (starts_with_at(text, i, "/*")) {
      const std::size_t close = text.find("*/", i + 2);
      const std::size_t end = close == std::string_view::npos ? text.size() : close + 2;
      blank(code, i, end);
      i = end;
    } else if (c == '"' && i > 0 && text[i - 1] == 'R' && (i < 2 || !continues_identifier(text[i - 2]))) {
      const std::size_t bracket = std::min(text.find('(', i), text.size());
      std::string terminator(1, ')');
      terminator.append(text.substr(i + 1, bracket - i - 1)).push_back('"');
      const std::size_t close = text.find(terminator, bracket);
      const std::size_t end = close == std::string_view::npos ? text.size() : close + terminator.size();
      blank(code, i + 1, end - 1);
      i = end;
    } else if (c == '"' || (c == '\'' && (i == 0 || !continues_identifier(text[i - 1])))) {
      // A quote after a digit or a letter separates digits: 1'000.
      const std::size_t close = closing_quote(text, i);
      if (!is_include_line(text, line_begin)) blank(code, i + 1, close);
      i = close < text.size() && text[close] == c ? close + 1 : close;
    } else {
      ++i;
    }
  }
  return code;
}

int line_at(std::string_view text, std::size_t offset) {
  const auto before = text.substr(0, std::min(offset, text.size()));
  return 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
}

std::size_t find_word(std::string_view code, std::string_view word, std::size_t from) {
  for (std::size_t at = code.find(word, from); at != std::string_view::npos; at = code.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool cut_left = at > 0 && continues_identifier(word.front()) && continues_identifier(code[at - 1]);
    const bool cut_right = end < code.size() && continues_identifier(word.back()) && continues_identifier(code[end]);
    if (!cut_left && !cut_right) return at;
  }
  return std::string_view::npos;
}

}  // namespace laconic::architecture
