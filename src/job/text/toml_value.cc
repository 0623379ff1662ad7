#include "job/text/toml_value.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <vector>

#include "job/text/toml_line.h"

namespace laconic {
namespace {

// A list in a list in a list is as much as anybody writes; more is hostile.
constexpr int kDeepest = 4;
constexpr std::size_t kLongest = 2000;

std::optional<ValueMistake> explain(std::string_view value, int depth);

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }
bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

bool is_among(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Whether another key follows: "fda lr = 3", but not "accuracy >= 0.9".
bool holds_pair(std::string_view text) {
  const std::size_t equals = find_outside_quotes(text, '=');
  if (equals == std::string_view::npos || text.substr(equals + 1).starts_with('=')) return false;
  std::string_view before = trimmed(text.substr(0, equals));
  const std::size_t blank = before.find_last_of(" \t,;\"'");
  if (blank != std::string_view::npos) before.remove_prefix(blank + 1);
  return is_bare_key(before);
}

std::string shortest(double number) {
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  return {buffer.data(), end.ptr};
}

// As TOML quotes text: in single quotes where it has double ones or backslashes. Empty where neither will do.
std::string quoted(std::string_view text) {
  const bool plain = text.find_first_of("\"\\") == std::string_view::npos;
  if (!plain && text.find('\'') != std::string_view::npos) return {};
  const std::string_view quote = plain ? "\"" : "'";
  return std::string(quote).append(text).append(quote);
}

ValueMistake needs_quotes(std::string problem, std::string_view text) {
  std::string mended = quoted(text);
  if (mended.empty()) problem += "; put it between ' and ' or \" and \"";
  return {std::move(problem), std::move(mended)};
}

// How many bytes of `text` are a number, its sign among them; 0: it begins with none. Takes what other languages take:
// ".5", "5.", "007".
std::size_t number_length(std::string_view text, double& number) {
  const std::size_t sign = !text.empty() && text.front() == '+' ? 1 : 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data() + sign, end, number);
  if (result.ec != std::errc{} || !std::isfinite(number)) return 0;
  const auto length = static_cast<std::size_t>(result.ptr - text.data());
  return is_digit(text[length - 1]) || text[length - 1] == '.' ? length : 0;  // no "inf"
}

// A whole number is written without a point.
std::string number_text(std::string_view text, double number) {
  const bool whole = text.find_first_of(".eE") == std::string_view::npos;
  std::string result = shortest(number);
  if (!whole && result.find_first_of(".e") == std::string::npos) result += ".0";
  return result;
}

// What begins with a digit, a point or a sign.
std::optional<ValueMistake> explain_number(std::string_view value) {
  double number = 0.0;
  const std::size_t length = number_length(value, number);
  if (length == 0) return std::nullopt;
  const std::string_view digits = value.substr(0, length);
  const std::string_view rest = trimmed(value.substr(length));
  const std::string plain = number_text(digits, number);
  if (rest.empty()) {
    const bool has_point = digits.find('.') != std::string_view::npos;
    return ValueMistake{
        has_point ? "a number needs a digit before and after the point" : "a number has no leading zeros", plain};
  }
  if (rest == "%") return ValueMistake{"a percentage needs quotes", quoted(value)};
  if (rest == "f" || rest == "F" || rest == "L") return ValueMistake{"no letter follows a number", plain};
  if (rest == "e" || rest == "E") return ValueMistake{"a power of ten is missing after " + std::string(value), {}};
  // 1/3 and 2**10 of languages that calculate.
  for (const std::string_view sign : {"/", "**", "*", "^"}) {
    if (!rest.starts_with(sign)) continue;
    const std::string_view right = trimmed(rest.substr(sign.size()));
    double other = 0.0;
    if (right.empty() || number_length(right, other) != right.size()) continue;
    const double result = sign == "/" ? number / other : sign == "*" ? number * other : std::pow(number, other);
    if (std::isfinite(result)) return ValueMistake{"TOML does not calculate", shortest(result)};
  }
  const auto is_unit = [](char c) {
    return is_letter(c) || is_digit(c) || c == '/' || c == '.' || c == ' ' || static_cast<unsigned char>(c) >= 0x80;
  };
  if (is_letter(rest.front()) || static_cast<unsigned char>(rest.front()) >= 0x80) {
    if (std::all_of(rest.begin(), rest.end(), is_unit)) {
      return needs_quotes("a number with a unit needs quotes", value);
    }
  }
  return std::nullopt;
}

// "1,000,000"
bool has_thousands(const std::vector<std::string_view>& parts) {
  const auto all_digits = [](std::string_view part) { return std::all_of(part.begin(), part.end(), is_digit); };
  return parts.front().size() <= 3 && !parts.front().empty() && parts.front().front() != '0' &&
         all_digits(parts.front()) && std::all_of(parts.begin() + 1, parts.end(), [&](std::string_view part) {
           return part.size() == 3 && all_digits(part);
         });
}

bool is_toml_number(std::string_view text) {
  std::size_t at = 0;
  const auto skip_digits = [&] {
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - begin;
  };
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  const bool zero = at < text.size() && text[at] == '0';
  const std::size_t whole = skip_digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (skip_digits() == 0) return false;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (skip_digits() == 0) return false;
  }
  return at == text.size();
}

// What can stay as it is: a flag, a number, a text in its quotes, a list of such.
bool is_fine(std::string_view part, int depth) {
  if (part.empty() || depth > kDeepest) return false;
  if (is_among(part, {"true", "false", "inf", "nan"}) || is_toml_number(part)) return true;
  if (part.size() < 2) return false;
  const char quote = part.front();
  const std::string_view inside = part.substr(1, part.size() - 2);
  if (quote == '"' || quote == '\'') {
    return part.back() == quote && inside.find(quote) == std::string_view::npos &&
           (quote == '\'' || inside.find('\\') == std::string_view::npos);
  }
  if (quote != '[' || part.back() != ']') return false;
  const std::vector<std::string_view> parts = split_at_commas(inside);
  return std::all_of(parts.begin(), parts.end(), [&](std::string_view one) { return is_fine(one, depth + 1); });
}

// A value with a sign behind it that has no business there.
ValueMistake without_last(std::string_view rest, std::string problem, int depth) {
  if (is_fine(rest, depth)) return {std::move(problem), std::string(rest)};
  const std::optional<ValueMistake> inner = explain(rest, depth + 1);
  if (!inner) return {std::move(problem) + "; remove it", {}};
  return inner->mended.empty() ? *inner : ValueMistake{std::move(problem), inner->mended};
}

// The values of a list, each mended where it has to be; nothing where one can't be.
std::optional<ValueMistake> list_of(const std::vector<std::string_view>& parts, std::string problem, int depth) {
  std::string list;
  for (const std::string_view part : parts) {
    std::string element(part);
    if (!is_fine(part, depth)) {
      std::optional<ValueMistake> mistake = explain(part, depth + 1);
      if (!mistake || mistake->mended.empty()) return mistake;
      if (problem.empty()) problem = std::move(mistake->problem);
      element = std::move(mistake->mended);
    }
    list.append(list.empty() ? "" : ", ").append(element);
  }
  return ValueMistake{std::move(problem), "[" + list + "]"};
}

// What begins with a quote.
std::optional<ValueMistake> explain_text(std::string_view value) {
  const char quote = value.front();
  std::size_t end = 1;
  while (end < value.size() && value[end] != quote) end += quote == '"' && value[end] == '\\' ? 2 : 1;
  if (end >= value.size()) {
    std::string_view inside = value.substr(1);
    if (inside.ends_with('"') || inside.ends_with('\'')) inside.remove_suffix(1);
    return needs_quotes("a quote is not closed", inside);
  }
  const std::string_view rest = trimmed(value.substr(end + 1));
  if (rest.empty()) {
    if (quote != '"' || value.find('\\') == std::string_view::npos) return std::nullopt;
    return needs_quotes("a backslash in \"...\" begins an escape, in '...' it does not", value.substr(1, end - 1));
  }
  if (holds_pair(rest)) return ValueMistake{"a line holds one key; put each on its own line", {}};
  if (rest.front() == '"' || rest.front() == '\'') {
    return ValueMistake{
        "two texts follow each other; put one pair of quotes around all, or square brackets and a comma", {}};
  }
  std::string whole(value.substr(1, end - 1));
  whole.append(" ").append(rest);
  return needs_quotes("the quotes close too early", whole);
}

// NAME(ARGUMENT), as code has it.
std::optional<ValueMistake> explain_call(std::string_view value) {
  const std::size_t open = value.find('(');
  if (open == std::string_view::npos || !value.ends_with(')')) return std::nullopt;
  const std::string_view name = trimmed(value.substr(0, open));
  if (!is_bare_key(name) || !is_letter(name.front())) return std::nullopt;
  std::string_view argument = trimmed(value.substr(open + 1, value.size() - open - 2));
  if (const std::size_t equals = argument.find('='); equals != std::string_view::npos) {
    argument = trimmed(argument.substr(equals + 1));
  }
  if (argument.find_first_of("(),=\"'") != std::string_view::npos) return std::nullopt;
  return needs_quotes("a parameter follows a colon, in quotes",
                      std::string(name) + (argument.empty() ? "" : ":") + std::string(argument));
}

// What stands between brackets, or behind an opening one that is never closed.
std::optional<ValueMistake> explain_list(std::string_view value, int depth) {
  const bool is_closed = value.ends_with(']');
  std::string_view inside = value.substr(1);
  if (is_closed) inside.remove_suffix(1);
  return list_of(split_at_commas(inside), is_closed ? "" : "the list is not closed", depth);
}

std::optional<ValueMistake> explain_word(std::string_view value) {
  const std::string word = lower(value);
  // A word that some keys have; the others say so.
  if (value == "none") return std::nullopt;
  if (is_among(word, {"true", "yes", "on"})) return ValueMistake{"a flag is true or false", "true"};
  if (is_among(word, {"false", "no", "off"})) return ValueMistake{"a flag is true or false", "false"};
  if (is_among(word, {"none", "null", "nil", "~", "undefined"})) {
    return ValueMistake{"TOML has no " + std::string(value) + "; remove the line, and the key has its default", {}};
  }
  if (is_among(word, {"inf", "+inf", "infinity", "+infinity"})) return ValueMistake{"infinity is inf", "inf"};
  if (word == "nan") return ValueMistake{"not a number is nan", "nan"};
  return std::nullopt;
}

std::optional<ValueMistake> explain(std::string_view value, int depth) {
  if (value.empty() || value.size() > kLongest || depth > kDeepest) return std::nullopt;
  if (value.ends_with(';')) {
    const std::string_view rest = trimmed(value.substr(0, value.size() - 1));
    if (rest.empty() || rest.ends_with(';')) return std::nullopt;
    return without_last(rest, "no semicolon follows a value", depth);
  }
  if (const std::size_t semicolon = find_outside_quotes(value, ';'); semicolon != std::string_view::npos) {
    if (holds_pair(value.substr(semicolon + 1))) {
      return ValueMistake{"a line holds one key; put each on its own line", {}};
    }
  }
  const std::vector<std::string_view> parts = split_at_commas(value);
  if (parts.size() > 1) {
    if (value.find(' ') == std::string_view::npos && has_thousands(parts)) {
      std::string digits;
      for (const std::string_view part : parts) digits += part;
      return ValueMistake{"a number has no commas (a list needs square brackets)", digits};
    }
    if (std::any_of(parts.begin() + 1, parts.end(), holds_pair)) {
      return ValueMistake{"a line holds one key; put each on its own line", {}};
    }
    return list_of(parts, "several values need square brackets", depth);
  }
  if (value.ends_with(',')) {
    if (parts.empty()) return std::nullopt;
    if (parts.front().empty()) return std::nullopt;
    return without_last(parts.front(), "no comma follows a value", depth);
  }
  const char first = value.front();
  if (first == '"' || first == '\'') return explain_text(value);
  if (first == '[') return explain_list(value, depth);
  if (first == '(' && value.ends_with(')')) {
    return list_of(split_at_commas(value.substr(1, value.size() - 2)), "a list needs square brackets", depth);
  }
  if (first == '{') return std::nullopt;
  if (first == '$' || value.starts_with("{{")) {
    return ValueMistake{"a job file knows no variables; write the value, or give it with --set section.key=value", {}};
  }
  if (auto mistake = explain_word(value)) return mistake;
  if (is_digit(first) || first == '.' || first == '-' || first == '+') {
    if (auto mistake = explain_number(value)) return mistake;
    return value.find_first_of("\"'=") == std::string_view::npos
               ? std::optional(needs_quotes("text needs quotes", value))
               : std::nullopt;
  }
  if (auto mistake = explain_call(value)) return mistake;
  if (value.ends_with('"') || value.ends_with('\'')) {
    const std::string_view inside = value.substr(0, value.size() - 1);
    if (inside.find_first_of("\"'") == std::string_view::npos) return needs_quotes("a quote is not opened", inside);
  }
  if (holds_pair(value)) return ValueMistake{"a line holds one key; put each on its own line", {}};
  return needs_quotes("text needs quotes", value);
}

}  // namespace

std::optional<ValueMistake> explain_value(std::string_view value) { return explain(value, 0); }

}  // namespace laconic
