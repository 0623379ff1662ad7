#include "mechanisms/balance.h"

#include <algorithm>

#include "base/error.h"
#include "kernels/vector_ops.h"

namespace laconic {

OptionSpec augmentation_option() {
  return {.name = "augment",
          .type = OptionType::kChoice,
          .default_value = "doubling",
          .choices = {"random", "doubling", "tripling", "all"},
          .help =
              "which workers are asked next while the mean is still too far from the reference; random: one more; "
              "doubling: as many again; tripling: twice as many (all, once half have been asked); all: all others"};
}

Augmentation read_augmentation(const Options& options) {
  const std::string name(options.text("augment"));
  return name == "random"     ? Augmentation::kRandom
         : name == "tripling" ? Augmentation::kTripling
         : name == "all"      ? Augmentation::kAll
                              : Augmentation::kDoubling;
}

std::size_t augment(Augmentation policy, std::size_t members, std::size_t nodes) {
  LACONIC_CHECK(members > 0 && members < nodes, members << " of " << nodes);
  const std::size_t rest = nodes - members;
  switch (policy) {
    case Augmentation::kRandom:
      return 1;
    case Augmentation::kDoubling:
      return std::min(members, rest);
    case Augmentation::kTripling:
      return 2 * members >= nodes ? rest : std::min(2 * members, rest);
    case Augmentation::kAll:
      break;
  }
  return rest;
}

void Balance::add(Rank node, SharedVector model) {
  LACONIC_CHECK(model.size() == reference_.size() && !has(node), "node " << node.value);
  const double weight = weights_[static_cast<std::size_t>(node.value)];
  if (sum_.empty()) sum_.resize(reference_.size(), 0.0);
  kernels::accumulate(weight, model, sum_);
  weight_ += weight;
  models_.emplace(node.value, std::move(model));
}

std::vector<Rank> Balance::members() const {
  std::vector<Rank> result;
  for (const auto& [node, model] : models_) result.push_back({node});
  return result;
}

std::vector<Rank> Balance::others(RandomStream& random) const {
  std::vector<Rank> result;
  for (Rank node{0}; node.value < static_cast<std::int32_t>(weights_.size()); ++node.value) {
    if (!has(node)) result.push_back(node);
  }
  random.shuffle(std::span(result));
  return result;
}

double Balance::distance() const {
  LACONIC_CHECK(size() > 0, "no members");
  double squares = 0.0;
  for (std::size_t j = 0; j < sum_.size(); ++j) {
    const double difference = sum_[j] / weight_ - static_cast<double>(reference_[j]);
    squares += difference * difference;
  }
  return squares;
}

double Balance::farthest() const {
  LACONIC_CHECK(size() > 0, "no members");
  double result = 0.0;
  for (const auto& [node, model] : models_) {
    result = std::max(result, kernels::squared_distance(model, reference_));
  }
  return result;
}

std::vector<float> Balance::mean() const {
  LACONIC_CHECK(size() > 0, "no members");
  std::vector<std::span<const float>> vectors;
  std::vector<double> weights;
  for (const auto& [node, model] : models_) {
    vectors.push_back(model.values());
    weights.push_back(weights_[static_cast<std::size_t>(node)]);
  }
  std::vector<float> result(reference_.size());
  kernels::weighted_mean(vectors, weights, result);
  return result;
}

}  // namespace laconic
