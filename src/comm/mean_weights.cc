#include "comm/mean_weights.h"

#include <cmath>
#include <utility>

#include "base/error.h"

namespace laconic {

MeanWeights::MeanWeights(std::vector<double> of_worker) : of_worker_(std::move(of_worker)) {
  for (const double weight : of_worker_) {
    LACONIC_CHECK(std::isfinite(weight) && weight >= 0.0, "a weight of " << weight);
    sum_ += weight;
    alike_ = alike_ && weight == of_worker_.front();
  }
  LACONIC_CHECK(sum_ > 0.0, "the weights of " << of_worker_.size() << " workers are all 0");
  double shares = 0.0;
  for (Rank rank{0}; rank.value < static_cast<std::int32_t>(of_worker_.size()); ++rank.value) {
    shares += static_cast<double>(share(rank));
  }
  all_shares_ = static_cast<float>(1.0 / shares);
}

float MeanWeights::share(Rank rank) const {
  return static_cast<float>(static_cast<double>(of_worker_.size()) * of(rank) / sum_);
}

}  // namespace laconic
