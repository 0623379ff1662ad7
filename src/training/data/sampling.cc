#include "training/data/sampling.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "base/random.h"

namespace laconic {

Sampling parse_sampling(std::string_view text) {
  if (text == "fresh") return Sampling::kFresh;
  if (text == "epoch") return Sampling::kEpoch;
  throw UsageError("data.sampling: '" + std::string(text) + "' is neither fresh nor epoch");
}

Sampler::Sampler(Sampling sampling, std::span<const std::uint32_t> shard, std::uint32_t batch, std::uint64_t seed,
                 Rank rank)
    : sampling_(sampling), shard_(shard), batch_(batch), seed_(seed), rank_(static_cast<std::uint64_t>(rank.value)) {
  LACONIC_CHECK(!shard.empty() && batch >= 1 && rank.value >= 0,
                "shard of " << shard.size() << ", batch " << batch << ", rank " << rank.value);
}

std::span<const std::uint32_t> Sampler::draw(Step step) {
  const std::uint64_t size = shard_.size();
  if (sampling_ == Sampling::kFresh) {
    RandomStream stream(seed_, "batch", {rank_, step.value});
    drawn_ = random_subset(stream, static_cast<std::uint32_t>(std::min<std::uint64_t>(batch_, size)),
                           static_cast<std::uint32_t>(size));
    for (std::uint32_t& place : drawn_) place = shard_[place];
    return drawn_;
  }
  drawn_.resize(batch_);
  for (std::uint64_t j = 0; j < batch_; ++j) {
    const std::uint64_t place = step.value * batch_ + j;
    drawn_[j] = shard_[order_of(place / size)[place % size]];
  }
  return drawn_;
}

const std::vector<std::uint32_t>& Sampler::order_of(std::uint64_t pass) {
  if (pass != order_pass_) {
    RandomStream stream(seed_, "pass", {rank_, pass});
    order_ = random_permutation(stream, static_cast<std::uint32_t>(shard_.size()));
    order_pass_ = pass;
  }
  return order_;
}

}  // namespace laconic
