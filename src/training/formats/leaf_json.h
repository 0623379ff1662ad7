// LEAF's JSON (Caldas et al. 2018): samples by user, some users in each file.
//
//   file   = {"users": [name, ...], "num_samples": [count, ...], "user_data": {name: user, ...}}      other keys are passed over
//   user   = {"x": [sample, ...], "y": [label, ...]}                                                  as many of both
//   sample = [number, ...], or lists of such lists, whose numbers are taken in their order
//   label  = whole number | text
//
//   {"users": ["ann"], "num_samples": [2], "user_data": {"ann": {"x": [[0.5, 1.0], [0.25, 0.0]], "y": [3, 0]}}}
//   is two samples of two numbers each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace laconic {

struct LeafFile {
  std::vector<std::string> user_names;   // in the order of the file, all different
  std::vector<std::uint32_t> users;      // of each sample: which of `user_names`
  std::vector<std::string> label_names;  // in the order in which they appear, all different
  std::vector<std::uint32_t> labels;     // of each sample: which of `label_names`
  std::size_t features = 0;              // numbers of every sample, at least one
  std::vector<float> values;             // samples x features, of the samples that were wanted
};

inline constexpr std::size_t kMostLeafLabels = 65536;

// The samples of a file, whose numbers are kept of those alone for which `keep[first + sample]` holds; of an empty `keep` of
// none. Throws UsageError, one line with the path, the user and the sample, and the remedy, for what is not as above:
// text in the place of numbers, numbers outside the range of float, samples of several sizes, more than kMostLeafLabels
// labels, users and counts that are not those of the data, more samples than `keep` has marks, and a file without one.
// Memory grows with what is kept.
LeafFile read_leaf_json(const std::string& path, const std::vector<bool>& keep = {}, std::size_t first = 0);

}  // namespace laconic
