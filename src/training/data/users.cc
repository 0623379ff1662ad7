#include "training/data/users.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace laconic {

std::vector<std::uint32_t> sort_names(std::vector<std::string>& names) {
  std::vector<std::uint32_t> order(names.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return names[a] < names[b]; });
  std::vector<std::uint32_t> numbers(names.size());
  std::vector<std::string> sorted;
  sorted.reserve(names.size());
  for (std::uint32_t place = 0; place < order.size(); ++place) {
    numbers[order[place]] = place;
    sorted.push_back(std::move(names[order[place]]));
  }
  names = std::move(sorted);
  return numbers;
}

std::vector<std::uint32_t> numbered(std::span<const std::uint32_t> users, std::span<const std::uint32_t> numbers) {
  std::vector<std::uint32_t> result(users.size());
  std::transform(users.begin(), users.end(), result.begin(), [&](std::uint32_t user) { return numbers[user]; });
  return result;
}

}  // namespace laconic
