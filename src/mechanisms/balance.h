// The set S of nodes whose models are averaged to come within a threshold of a reference (Kamp et al. 2018, algorithm
// 2: dynamic averaging with balancing).
//
//   mean    sum_{i in S} B_i f_i / sum_{i in S} B_i
//   apart   ||mean - r||^2 > Delta: more nodes are needed
#pragma once

#include <map>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/options.h"
#include "base/random.h"
#include "comm/frame.h"

namespace laconic {

// Which nodes are asked for their models when those of S are not enough.
enum class Augmentation {
  kRandom,    // one more
  kDoubling,  // as many as there are
  kTripling,  // twice as many; all when half of the nodes are in it (as the published code has it)
  kAll,
};
OptionSpec augmentation_option();
Augmentation read_augmentation(const Options& options);
// How many nodes to add to `members` of `nodes`, at least 1 and at most all others.
std::size_t augment(Augmentation policy, std::size_t members, std::size_t nodes);

class Balance {
 public:
  // `weights`: B_i > 0 of every node; both outlive the balance.
  Balance(std::span<const float> reference, std::span<const double> weights)
      : reference_(reference), weights_(weights) {}

  // Takes a member's model, of the reference's size and finite.
  void add(Rank node, SharedVector model);
  bool has(Rank node) const { return models_.contains(node.value); }
  std::size_t size() const { return models_.size(); }
  std::vector<Rank> members() const;
  // Every node that is no member, in an order drawn from `random`.
  std::vector<Rank> others(RandomStream& random) const;

  // max ||f_i - r||^2 over the members; with at least one.
  double farthest() const;
  // sum of B_i over the members.
  double weight() const { return weight_; }
  // ||mean - r||^2; with at least one member.
  double distance() const;
  // The mean, its sum in the order of ranks, whatever the order of add().
  std::vector<float> mean() const;

 private:
  std::span<const float> reference_;
  std::span<const double> weights_;
  std::map<std::int32_t, SharedVector> models_;
  std::vector<double> sum_;  // empty: no members
  double weight_ = 0.0;
};

}  // namespace laconic
