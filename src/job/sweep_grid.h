// The grid of a sweep: keys of the job file with several values each, and every combination of these.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace laconic {

struct SweptKey {
  std::string section;
  std::string key;
  std::string job = {};             // of several jobs the one that it is swept in; empty: in all
  std::vector<std::string> values;  // as a job file or --set would have them; no two alike

  std::string path() const { return section + "." + key; }
};

// "strategy.threshold=0.5,1,2", "job.seed=1..3": values behind commas, whole numbers from .. to (both are among them);
// values of a key that takes a list ("model.hidden=64,64;128") behind semicolons. A key without its section is one of
// [job], or else the only one of that name. "strategy.threshold@fda=1,2" is of the job fda alone. Throws UsageError for what is none of this, says less than one value, the
// same twice, or more than kMostCombinations.
SweptKey parse_swept_key(std::string_view text);
inline constexpr std::size_t kMostCombinations = 10'000;

// Throws UsageError as above, for a key that comes twice in a job, and for more combinations than that.
std::vector<SweptKey> parse_grid(std::span<const std::string> texts);

// A value for each key, in the keys' order; the last key's values change fastest.
using Combination = std::vector<std::string>;
std::vector<Combination> combinations(std::span<const SweptKey> keys);

// The keys that a job's runs go over.
std::vector<SweptKey> keys_of(std::span<const SweptKey> keys, std::string_view job);

// `text` with all but letters, digits and "._-+" written as %2F is.
std::string folder_text(std::string_view text);

// "threshold=0.5,seed=1": for a folder, the same for no other combination of these keys. A key that shares its name
// with another has its section in front; what a folder's name should not have is written %2F. Throws UsageError when
// the name gets longer than file systems take.
std::string folder_name(std::span<const SweptKey> keys, const Combination& combination);

}  // namespace laconic
