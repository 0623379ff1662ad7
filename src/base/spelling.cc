#include "base/spelling.h"

#include <algorithm>
#include <cctype>
#include <cstddef>

namespace laconic {
namespace {

// A word this long is no slip of the keyboard, and comparing it would take long.
constexpr std::size_t kLongestWord = 100;

bool is_word_byte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0;
}

// Letters changed, missing, too many, or two neighbours swapped (optimal string alignment).
std::size_t slips(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  std::vector<std::size_t> next(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i < a.size(); ++i) {
    next[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t changed = row[j] + (a[i] == b[j] ? 0 : 1);
      next[j + 1] = std::min({changed, row[j + 1] + 1, next[j] + 1});
      if (i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j])
        next[j + 1] = std::min(next[j + 1], before[j - 1] + 1);
    }
    std::swap(before, row);
    std::swap(row, next);
  }
  return row[b.size()];
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

}  // namespace

std::string folded(std::string_view word) {
  std::string result;
  for (const char c : word) {
    if (!is_word_byte(c)) continue;
    result +=
        static_cast<char>(static_cast<unsigned char>(c) >= 0x80 ? c : std::tolower(static_cast<unsigned char>(c)));
  }
  return result;
}

std::string_view same_word(std::string_view word, std::span<const std::string_view> known) {
  if (const auto exact = std::find(known.begin(), known.end(), word); exact != known.end()) return *exact;
  if (word.size() > kLongestWord) return {};
  const std::string wanted = folded(word);
  std::string_view found;
  if (wanted.empty()) return found;
  for (const std::string_view candidate : known) {
    if (folded(candidate) != wanted) continue;
    if (!found.empty()) return {};
    found = candidate;
  }
  return found;
}

std::string_view nearest(std::string_view word, std::span<const std::string_view> known) {
  if (word.size() > kLongestWord) return {};
  if (const std::string_view same = same_word(word, known); !same.empty()) return same;
  std::string_view best;
  const std::string wanted = folded(word);
  std::size_t most = wanted.size() <= 2 ? 0 : wanted.size() <= 4 ? 1 : std::max<std::size_t>(2, wanted.size() / 3);
  for (const std::string_view candidate : known) {
    const std::size_t distance = slips(wanted, folded(candidate));
    if (distance > most || (distance == most && !best.empty())) continue;
    best = candidate;
    most = distance;
  }
  return best;
}

std::string listed(std::span<const std::string_view> names) {
  std::string text;
  for (const std::string_view name : names) text.append(text.empty() ? "" : ", ").append(name);
  return text;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known, std::string_view prefix) {
  const std::string_view near = nearest(word, known);
  return near.empty() ? "" : "; did you mean '" + std::string(prefix) + std::string(near) + "'?";
}

std::optional<std::string> spec_meant(std::string_view text, std::span<const std::string_view> known) {
  if (text.size() > kLongestWord) return std::nullopt;
  const std::string_view whole = trim(text);
  const std::size_t end = whole.find_first_of(":( =,\t");
  const std::string_view name = same_word(whole.substr(0, end), known);
  if (name.empty()) return std::nullopt;
  std::string result(name);
  if (end != std::string_view::npos) {
    // Names of arguments go, and signs between two become the colon that this project has there.
    std::string_view rest = trim(whole.substr(end + 1));
    const bool is_call = whole[end] == '(' || rest.starts_with('(');
    if (is_call && rest.ends_with(')')) rest = trim(rest.substr(0, rest.size() - 1));
    while (!rest.empty() && std::string_view(":(=,").find(rest.front()) != std::string_view::npos) {
      rest = trim(rest.substr(1));
    }
    if (const std::size_t equals = rest.find('='); equals != std::string_view::npos)
      rest = trim(rest.substr(equals + 1));
    if (rest.find_first_of("(), =") != std::string_view::npos) return std::nullopt;
    if (!rest.empty()) result.append(":").append(rest);
  }
  if (result == text) return std::nullopt;
  return result;
}

}  // namespace laconic
