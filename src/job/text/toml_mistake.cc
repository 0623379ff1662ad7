#include "job/text/toml_mistake.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <optional>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "job/text/toml_line.h"
#include "job/text/toml_value.h"

namespace laconic {
namespace {

constexpr std::size_t kLongestLine = 2000;

// Keys whose words are what others write for true and false.
constexpr std::array<std::string_view, 2> kKeysOfWords = {"header", "progress"};
constexpr std::array<std::string_view, 4> kFlagWords = {"yes", "no", "on", "off"};

struct Sign {
  std::string_view typographic;
  std::string_view plain;
};
// What word processors make of quotes, blanks and minus signs.
constexpr std::array kSigns = {
    Sign{"\u201c", "\""}, Sign{"\u201d", "\""}, Sign{"\u201e", "\""}, Sign{"\u00ab", "\""}, Sign{"\u00bb", "\""},
    Sign{"\u2018", "'"},  Sign{"\u2019", "'"},  Sign{"\u201a", "'"},  Sign{"\u00a0", " "},  Sign{"\u2212", "-"},
    Sign{"\u2013", "-"},  Sign{"`", "'"},       Sign{"\u200b", ""},
};

std::string with_plain_signs(std::string_view line) {
  std::string result;
  while (!line.empty()) {
    const auto sign =
        std::find_if(kSigns.begin(), kSigns.end(), [&](const Sign& row) { return line.starts_with(row.typographic); });
    if (sign == kSigns.end()) {
      result += line.front();
      line.remove_prefix(1);
    } else {
      result += sign->plain;
      line.remove_prefix(sign->typographic.size());
    }
  }
  return result;
}

// "[job]" of a line that is a section's head and nothing else; else empty.
std::string_view header(std::string_view line) {
  const std::string_view text = without_comment(line);
  return text.starts_with('[') && text.ends_with(']') && text.find('=') == std::string_view::npos ? text
                                                                                                  : std::string_view{};
}

// The key of a line "key = value"; else empty.
std::string_view key_of(std::string_view line) {
  const std::size_t equals = find_outside_quotes(line, '=');
  return equals == std::string_view::npos ? std::string_view{} : trimmed(line.substr(0, equals));
}

// The key as TOML has it: without quotes around a bare one, other signs as underscores. Empty for what is hardly a key.
std::string bare_key(std::string_view text) {
  if (text.size() >= 2 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front()) {
    text = text.substr(1, text.size() - 2);
  }
  if (text.empty() || text.size() > 60) return {};
  std::string result;
  for (const char c : text) {
    if (c != ' ' && c != '.' && !is_bare_key(std::string_view(&c, 1))) return {};
    result += c == ' ' ? '_' : c;
  }
  return result.front() == '.' || result.front() == '-' || result.back() == '.' ? std::string() : result;
}

class Reader {
 public:
  Reader(std::string_view text, std::size_t line, bool (*is_toml)(std::string_view))
      : lines_(lines_of(text)), number_(std::clamp<std::size_t>(line, 1, lines_.size())), is_toml_(is_toml) {}

  TomlMistake explain() {
    if (std::optional<TomlMistake> list = unclosed_list()) return *std::move(list);
    const std::string_view whole = lines_[number_ - 1];
    if (whole.size() > kLongestLine) return at("the line has more than 2000 characters; is this a job file?");
    const std::string plain = with_plain_signs(whole);
    if (plain != whole) {
      const std::string_view line = trimmed(plain);
      const std::string problem = "TOML needs plain quotes and signs";
      if (is_toml_(line)) return write(problem, line);
      const TomlMistake rest = explain_line(line);
      return rest.text.empty() ? at(problem) : rest;
    }
    return explain_line(trimmed(whole));
  }

 private:
  TomlMistake at(const std::string& text) const { return {.line = number_, .text = printable(text, 800)}; }

  // What to write, if that is TOML.
  TomlMistake write(const std::string& problem, std::string_view line) const {
    if (!is_toml_(line)) return at({});
    return at(problem + "; write " + printable(line, 200));
  }

  TomlMistake explain_line(std::string_view line) {
    if (line.starts_with("//") || line.starts_with(";") || line.starts_with("--") || line.starts_with("%") ||
        line.starts_with("/*")) {
      const std::string_view words = trimmed(line.substr(std::min(line.find_first_not_of("/;-%*"), line.size())));
      return at("a comment begins with #; write # " + printable(words));
    }
    if (line.starts_with("- ")) return at("this is a list of YAML; a list of TOML is key = [\"a\", \"b\"]");
    const std::size_t equals = find_outside_quotes(line, '=');
    if (line.starts_with('[')) return explain_header(line);
    if (line.ends_with(']') && equals == std::string_view::npos &&
        is_bare_key(trimmed(line.substr(0, line.size() - 1)))) {
      return write("a section name needs square brackets",
                   "[" + std::string(trimmed(line.substr(0, line.size() - 1))) + "]");
    }
    const std::size_t colon = find_outside_quotes(line, ':');
    if (equals == std::string_view::npos || (colon < equals && colon + 1 != equals)) {
      if (colon != std::string_view::npos) return explain_colon(line, colon);
      return explain_no_sign(without_comment(line));
    }
    const bool is_walrus = colon != std::string_view::npos && colon + 1 == equals;
    return explain_pair(trimmed(line.substr(0, is_walrus ? colon : equals)), trimmed(line.substr(equals + 1)),
                        is_walrus ? ":=" : "=");
  }

  TomlMistake explain_header(std::string_view line) {
    const std::string_view text = without_comment(line);
    if (const std::string_view name = header(line); !name.empty()) {
      for (std::size_t i = 0; i + 1 < number_; ++i) {
        if (header(lines_[i]) != name) continue;
        return at("section " + printable(name) + " is in lines " + std::to_string(i + 1) + " and " +
                  std::to_string(number_) + "; put all its keys under one of them");
      }
    }
    if (is_toml_(text)) return section_with_the_name_of_a_key(text);
    const std::size_t begin = text.find_first_not_of('[');
    if (begin == std::string_view::npos) return at("a section needs a name; write [job], or another one");
    const std::size_t end = std::min(text.find_first_of("]=", begin), text.size());
    std::string_view name = trimmed(text.substr(begin, end - begin));
    if (end < text.size() && text[end] == '=') name = name.substr(0, name.find(' '));
    if (name.empty()) return at("a section needs a name; write [job], or another one");
    const std::string_view behind = end < text.size() && text[end] == ']'
                                        ? trimmed(text.substr(std::min(text.find_first_not_of(']', end), text.size())))
                                        : std::string_view{};
    if (!behind.empty()) {
      return at("a section needs its own line; write [" + printable(name) + "], and on the next line " +
                printable(behind));
    }
    const std::string key = bare_key(name);
    if (key.empty()) return at({});
    return write("a section name needs square brackets", "[" + key + "]");
  }

  // A section whose name a key above all sections has taken.
  TomlMistake section_with_the_name_of_a_key(std::string_view head) const {
    const std::string_view name = trimmed(head.substr(1, head.size() - 2));
    for (std::size_t i = 0; i + 1 < number_ && header(lines_[i]).empty(); ++i) {
      if (key_of(lines_[i]) != name) continue;
      return {.line = i + 1,
              .text = "'" + printable(name) + "' is the section in line " + std::to_string(number_) +
                      "; remove this line, and put its value under " + printable(head)};
    }
    return at({});
  }

  TomlMistake explain_colon(std::string_view line, std::size_t colon) {
    const std::string key = bare_key(trimmed(line.substr(0, colon)));
    std::string_view value = without_comment(line.substr(colon + 1));
    if (key.empty()) return at({});
    if (value.ends_with(',')) value = trimmed(value.substr(0, value.size() - 1));
    if (value.empty() || value == "{") return write("a section name needs square brackets", "[" + key + "]");
    const std::string pair = key + " = " + std::string(value);
    if (is_toml_(pair)) return write("TOML uses = between a key and its value", pair);
    const std::optional<ValueMistake> mistake = explain_value(value);
    if (!mistake || mistake->mended.empty()) return at("TOML uses = between a key and its value, as in epochs = 2");
    return write("TOML uses = between a key and its value", key + " = " + mistake->mended);
  }

  // A line without = and without a colon.
  TomlMistake explain_no_sign(std::string_view line) {
    if (line.empty()) return at({});
    const std::size_t blank = line.find_first_of(" \t");
    const std::string key = bare_key(line.substr(0, blank));
    if (key.empty() || !is_bare_key(key) || std::isdigit(static_cast<unsigned char>(key.front())) != 0) {
      return continued(line);
    }
    if (blank == std::string_view::npos) return at("'" + key + "' has no value; write " + key + " = ..., or remove it");
    const std::string_view value = trimmed(line.substr(blank));
    const std::string pair = key + " = " + std::string(value);
    if (is_toml_(pair)) return write("an = is missing", pair);
    const std::optional<ValueMistake> mistake = explain_value(value);
    if (!mistake || mistake->mended.empty() || value.find(' ') != std::string_view::npos) return continued(line);
    return write("an = is missing", key + " = " + mistake->mended);
  }

  // What may be the rest of the line before.
  TomlMistake continued(std::string_view line) const {
    if (number_ > 1 && !key_of(lines_[number_ - 2]).empty()) {
      return at("a value continues on the next line only inside [ ]; put '" + printable(line, 40) +
                "' after the = of line " + std::to_string(number_ - 1) + ", or give it a key");
    }
    return at({});
  }

  TomlMistake explain_pair(std::string_view key_text, std::string_view value, std::string_view sign) {
    const std::string key = bare_key(key_text);
    if (key_text.empty()) return at("there is no key before the =; write key = value");
    if (key.empty()) return at({});
    for (const std::string_view more : {"=", ">"}) {
      if (!value.starts_with(more)) continue;
      value = trimmed(value.substr(1));
      sign = "==";
    }
    // Comments of other languages; inside a text they are no comments.
    const std::size_t slashes = find_outside_quotes(value, '/');
    const bool has_slashes = slashes != std::string_view::npos && value.substr(slashes).starts_with("//");
    const std::string_view comment = has_slashes ? trimmed(value.substr(slashes + 2)) : std::string_view{};
    value = without_comment(has_slashes ? value.substr(0, slashes) : value);
    const std::string pair = key + " = " + std::string(value);
    if (value.empty()) return at("'" + key + "' has no value; write " + key + " = ..., or remove the line");
    if (is_toml_(pair)) {
      if (has_slashes) return write("a comment begins with #", pair + " # " + std::string(comment));
      if (sign != "=") return write("TOML uses a single = between a key and its value", pair);
      if (std::optional<TomlMistake> twice = duplicate(key_text)) return *std::move(twice);
      if (key != key_text) return write("a key has no blanks", pair);
      return at({});
    }
    if (std::find(kKeysOfWords.begin(), kKeysOfWords.end(), key) != kKeysOfWords.end() &&
        std::find(kFlagWords.begin(), kFlagWords.end(), value) != kFlagWords.end()) {
      return write("text needs quotes", key + " = \"" + std::string(value) + "\"");
    }
    const std::optional<ValueMistake> mistake = explain_value(value);
    if (!mistake) return at({});
    if (mistake->mended.empty()) return at(mistake->problem);
    if (std::optional<std::string> list = list_over_lines(key, value)) {
      return write("several values need square brackets", *list);
    }
    return write(mistake->problem, key + " = " + mistake->mended);
  }

  // The same key further up in the section.
  std::optional<TomlMistake> duplicate(std::string_view key) const {
    for (std::size_t i = number_ - 1; i-- > 0;) {
      if (!header(lines_[i]).empty()) break;
      if (key_of(lines_[i]) != key) continue;
      return at("'" + printable(key) + "' is set in lines " + std::to_string(i + 1) + " and " +
                std::to_string(number_) + "; remove one of them");
    }
    return std::nullopt;
  }

  // A value that ends in a comma and goes on in the lines behind it, which have no keys: all of it as a list.
  std::optional<std::string> list_over_lines(const std::string& key, std::string_view value) const {
    if (!value.ends_with(',')) return std::nullopt;
    std::string all(value);
    std::size_t taken = 0;
    for (std::size_t i = number_; i < lines_.size() && all.size() < kLongestLine; ++i) {
      const std::string_view line = without_comment(lines_[i]);
      if (line.empty() || !header(line).empty() || find_outside_quotes(line, '=') != std::string_view::npos) break;
      all.append(" ").append(line);
      ++taken;
      if (!line.ends_with(',')) break;
    }
    if (taken == 0) return std::nullopt;
    const std::optional<ValueMistake> mistake = explain_value(all);
    if (!mistake || mistake->mended.empty()) return std::nullopt;
    return key + " = " + mistake->mended;
  }

  // A list that began further up and has not ended where a line with a key or a section begins.
  std::optional<TomlMistake> unclosed_list() const {
    std::size_t begin = 0;
    int open = 0;
    for (std::size_t i = 0; i + 1 < number_; ++i) {
      const std::string_view line = lines_[i];
      if (open == 0) {
        const std::size_t equals = find_outside_quotes(line, '=');
        if (equals == std::string_view::npos || !trimmed(line.substr(equals + 1)).starts_with('[')) continue;
        open = open_brackets(line.substr(equals + 1));
        begin = i;
      } else {
        if (!header(line).empty() && is_bare_key(header(line).substr(1, header(line).size() - 2))) return std::nullopt;
        open += open_brackets(line);
      }
      open = std::max(open, 0);
    }
    if (open == 0) return std::nullopt;
    const std::string_view line = without_comment(lines_[number_ - 1]);
    const bool is_next =
        find_outside_quotes(line, '=') != std::string_view::npos || line.starts_with('[') || line.empty();
    if (!is_next) {
      std::string_view element = line;
      if (element.ends_with(',')) element = trimmed(element.substr(0, element.size() - 1));
      const std::optional<ValueMistake> mistake = explain_value(element);
      if (!mistake || mistake->mended.empty() || !is_toml_("x = " + mistake->mended)) return std::nullopt;
      return at(mistake->problem + "; write " + printable(mistake->mended, 200) + (line.ends_with(',') ? "," : "") +
                " in the list that begins in line " + std::to_string(begin + 1));
    }
    return TomlMistake{
        .line = begin + 1,
        .text = "the list of '" + printable(key_of(lines_[begin]), 40) + "' is not closed; put ] after its last value"};
  }

  std::vector<std::string_view> lines_;
  std::size_t number_;
  bool (*is_toml_)(std::string_view);
};

}  // namespace

TomlMistake explain_toml_mistake(std::string_view text, std::size_t line, bool (*is_toml)(std::string_view)) {
  return Reader(text, line, is_toml).explain();
}

}  // namespace laconic
