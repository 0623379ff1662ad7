#include "runtimes/node/checkpoint_job.h"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "comm/crc32c.h"

namespace laconic {
namespace {

// The values of a job's text under "section.key", in its order.
using Values = std::vector<std::pair<std::string, std::string>>;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r";
  const std::size_t first = text.find_first_not_of(kBlanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlanks) + 1 - first);
}

Values values_of(std::string_view text) {
  Values values;
  std::string section;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = trimmed(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t equals = line.find('=');
    if (line.starts_with('[') && line.ends_with(']')) {
      section = line.substr(1, line.size() - 2);
    } else if (!line.starts_with('#') && equals != std::string_view::npos) {
      values.emplace_back(section + "." + std::string(trimmed(line.substr(0, equals))),
                          trimmed(line.substr(equals + 1)));
    }
  }
  return values;
}

std::optional<std::string> value_in(const std::map<std::string, std::string>& values, const std::string& key) {
  const auto found = values.find(key);
  if (found == values.end()) return std::nullopt;
  return found->second;
}

std::string difference(const std::string& key, std::string_view other, const std::optional<std::string>& in_checkpoint,
                       const std::optional<std::string>& in_job) {
  return key + " is " + in_checkpoint.value_or("not given") + " in " + std::string(other) + " and " +
         in_job.value_or("not given") + " in the job";
}

}  // namespace

TextDigest digest(std::string_view text) {
  TextDigest digest{.size = text.size(), .fnv1a = 0xcbf29ce484222325ULL, .crc32c = 0};
  for (const char c : text) digest.fnv1a = (digest.fnv1a ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  digest.crc32c = crc32c(std::as_bytes(std::span(text)));
  return digest;
}

std::string first_difference(std::string_view resolved_in_checkpoint, const CheckpointJob& job,
                             std::string_view other) {
  const Values kept = values_of(resolved_in_checkpoint);
  const std::map<std::string, std::string> kept_by_key(kept.begin(), kept.end());
  for (const auto& [key, value] : values_of(job.identity)) {
    const std::optional<std::string> in_checkpoint = value_in(kept_by_key, key);
    if (in_checkpoint != value) return difference(key, other, in_checkpoint, value);
  }
  // The job lacks a line. One that it has among those that decide nothing is not the difference.
  const Values own = values_of(job.resolved);
  const std::map<std::string, std::string> own_by_key(own.begin(), own.end());
  for (const auto& [key, value] : kept) {
    if (!own_by_key.contains(key)) return difference(key, other, value, std::nullopt);
  }
  return "what decides the results is written in another way";
}

}  // namespace laconic
