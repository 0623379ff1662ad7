#include "cli/arguments.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "base/error.h"
#include "job/bare_key.h"

namespace laconic {
namespace {

constexpr std::string_view kSet = "--set";

// The commands that take --set of a job's keys; of the first ones several may stand behind one.
constexpr std::array<std::string_view, 4> kOfFiles = {"run", "compare", "evaluate", "simulate-faults"};
constexpr std::string_view kSweep = "sweep";

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.front())) != 0) text.remove_prefix(1);
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back())) != 0) text.remove_suffix(1);
  return text;
}

bool is_key_letter(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_' || letter == '.' || letter == '-';
}

// Whether a word behind a setting is another one, and no file: a file may have "=" in its name.
bool is_setting(const std::string& word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string::npos || equals == 0 || word.front() == '-') return false;
  const std::string_view key = trimmed(std::string_view(word).substr(0, equals));
  std::error_code error;
  return std::all_of(key.begin(), key.end(), is_key_letter) && !std::filesystem::exists(word, error);
}

// What stands behind a key without "=": "2" of "job.seed 2" and of "job.seed = 2".
std::string_view value_behind(const std::vector<std::string>& words, std::size_t key) {
  std::size_t value = key + 1;
  if (value < words.size() && words[value] == "=") ++value;
  std::error_code error;
  const bool is_value = value < words.size() && !words[value].starts_with("--") &&
                        words[value].find('=') == std::string::npos && !std::filesystem::exists(words[value], error);
  return is_value ? std::string_view(words[value]) : std::string_view();
}

}  // namespace

std::string full_setting(std::string_view text, std::string_view value_behind) {
  const std::size_t equals = text.find('=');
  std::string key(trimmed(text.substr(0, equals)));
  std::replace(key.begin(), key.end(), '-', '_');
  if (key.empty()) {
    throw UsageError("--set '" + std::string(text) + "': a key and its value belong here, such as --set job.seed=2");
  }
  if (key.find('.') == std::string::npos) {
    try {
      key = full_key(key);
    } catch (const UsageError& error) {
      throw UsageError("--set " + std::string(trimmed(text)) + ": " + error.what());
    }
  }
  if (equals == std::string_view::npos) {
    throw UsageError("--set " + std::string(trimmed(text)) + ": the value is missing; write --set " + key + "=" +
                     std::string(value_behind.empty() ? "VALUE" : value_behind));
  }
  std::string_view value = trimmed(text.substr(equals + 1));
  if (value.size() >= 2 && value.front() == '\'' && value.back() == '\'') value = value.substr(1, value.size() - 2);
  return key + "=" + std::string(value);
}

std::vector<std::string> settled(std::vector<std::string> words) {
  if (words.empty()) return words;
  if (words.front() == "version" && words.size() == 1) return {"--version"};
  if (words.front() == "help") {
    words.erase(words.begin());
    words.resize(std::min<std::size_t>(words.size(), 1));
    words.emplace_back("--help");
    return words;
  }
  const bool of_files = std::find(kOfFiles.begin(), kOfFiles.end(), words.front()) != kOfFiles.end();
  if (!of_files && words.front() != kSweep) return words;
  std::vector<std::string> result = {words.front()};
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word.starts_with("--set=")) {
      result.push_back("--set=" + full_setting(std::string_view(word).substr(kSet.size() + 1)));
      continue;
    }
    result.push_back(word);
    if (word == "--") {
      result.insert(result.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 1, words.end());
      break;
    }
    if (word != kSet || i + 1 == words.size()) continue;
    ++i;
    result.push_back(full_setting(words[i], value_behind(words, i)));
    for (; of_files && i + 1 < words.size() && is_setting(words[i + 1]); ++i) {
      result.emplace_back(kSet);
      result.push_back(full_setting(words[i + 1]));
    }
  }
  return result;
}

}  // namespace laconic
