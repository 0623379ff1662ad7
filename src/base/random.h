// Seeded random streams. Every random decision of a run is drawn from a stream that is named by the job's seed, a
// purpose and indices, so that it depends on nothing else: not on the clock, not on threads, not on other draws.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

namespace laconic {

// xoshiro256** (Blackman and Vigna 2018), seeded through splitmix64. A UniformRandomBitGenerator; the distributions
// below are used instead of the standard library's, whose results are not the same everywhere.
class RandomStream {
 public:
  using result_type = std::uint64_t;

  // The stream of `seed` for `purpose` ("batch", "partition", ...) at `indices` (rank, step, ...).
  RandomStream(std::uint64_t seed, std::string_view purpose, std::initializer_list<std::uint64_t> indices = {});

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()();

  // Uniform in [0, bound), without bias; bound > 0.
  std::uint64_t below(std::uint64_t bound);
  // Uniform in [0, 1), 53 bits.
  double uniform();
  // Normal with mean 0 and variance 1.
  double gaussian();
  // Gamma with the given shape > 0 and scale 1 (Marsaglia and Tsang 2000).
  double gamma(double shape);

  // A uniform permutation of `values`, in place (Fisher-Yates).
  template <typename T>
  void shuffle(std::span<T> values) {
    for (std::size_t remaining = values.size(); remaining > 1; --remaining) {
      std::swap(values[remaining - 1], values[below(remaining)]);
    }
  }

 private:
  std::array<std::uint64_t, 4> state_;
  double spare_gaussian_ = 0.0;
  bool has_spare_gaussian_ = false;
};

// 0, 1, ..., count-1 in a uniformly random order.
std::vector<std::uint32_t> random_permutation(RandomStream& stream, std::uint32_t count);

// `count` distinct values below `bound`, each subset equally likely, in the order drawn; count <= bound.
std::vector<std::uint32_t> random_subset(RandomStream& stream, std::uint32_t count, std::uint32_t bound);

}  // namespace laconic
