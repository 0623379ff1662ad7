// How much each worker counts in a mean: (sum_k weight_k x_k) / (sum_k weight_k). Every node of a job has the same ones,
// so that they never travel.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/ids.h"

namespace laconic {

class MeanWeights {
 public:
  // One for each worker, by rank: finite, at least 0, not all 0.
  explicit MeanWeights(std::vector<double> of_worker);

  std::span<const double> of_worker() const { return of_worker_; }
  double of(Rank rank) const { return of_worker_[static_cast<std::size_t>(rank.value)]; }
  // Added in the order of ranks.
  double sum() const { return sum_; }
  // Whether all are the same: the mean is then the plain one, and Comm takes that, to the bit.
  bool alike() const { return alike_; }

  // For means that workers form by adding float32: each multiplies its own by its share, K weight_k / sum, and the sum
  // of all is multiplied by all_shares(), which is not quite 1 / K: it takes back how the shares were rounded. Else means
  // of means would grow or shrink a little with each, in the same direction.
  float share(Rank rank) const;
  float all_shares() const { return all_shares_; }

 private:
  std::vector<double> of_worker_;
  double sum_ = 0.0;
  bool alike_ = true;
  float all_shares_ = 1.0F;
};

// What the nodes of a process share.
using SharedWeights = std::shared_ptr<const MeanWeights>;

}  // namespace laconic
