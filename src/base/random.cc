#include "base/random.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace laconic {
namespace {

std::uint64_t splitmix64(std::uint64_t& state) {
  std::uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// Folds one word into the running name of a stream.
std::uint64_t fold(std::uint64_t name, std::uint64_t word) {
  std::uint64_t state = name ^ (word * 0xff51afd7ed558ccdULL);
  splitmix64(state);
  return splitmix64(state);
}

}  // namespace

RandomStream::RandomStream(std::uint64_t seed, std::string_view purpose, std::initializer_list<std::uint64_t> indices) {
  std::uint64_t name = fold(0x6c61636f6e6963ULL, seed);
  for (const char c : purpose) name = fold(name, static_cast<unsigned char>(c));
  name = fold(name, purpose.size());
  for (const std::uint64_t index : indices) name = fold(name, index);
  for (std::uint64_t& word : state_) word = splitmix64(name);
}

RandomStream::result_type RandomStream::operator()() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

std::uint64_t RandomStream::below(std::uint64_t bound) {
  LACONIC_CHECK(bound > 0, "bound " << bound);
  // Lemire's multiply-and-reject: the low half tells whether a draw falls in the biased remainder.
  __extension__ using Wide = unsigned __int128;
  Wide product = Wide{(*this)()} * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t threshold = -bound % bound;
    while (static_cast<std::uint64_t>(product) < threshold) product = Wide{(*this)()} * bound;
  }
  return static_cast<std::uint64_t>(product >> 64);
}

double RandomStream::uniform() { return static_cast<double>((*this)() >> 11) * 0x1.0p-53; }

double RandomStream::gaussian() {
  if (has_spare_gaussian_) {
    has_spare_gaussian_ = false;
    return spare_gaussian_;
  }
  // Marsaglia's polar method: two normals from a uniform point of the disc.
  double x = 0.0;
  double y = 0.0;
  double square = 0.0;
  do {
    x = 2.0 * uniform() - 1.0;
    y = 2.0 * uniform() - 1.0;
    square = x * x + y * y;
  } while (square >= 1.0 || square == 0.0);
  const double factor = std::sqrt(-2.0 * std::log(square) / square);
  spare_gaussian_ = y * factor;
  has_spare_gaussian_ = true;
  return x * factor;
}

double RandomStream::gamma(double shape) {
  LACONIC_CHECK(shape > 0.0 && std::isfinite(shape), "shape " << shape);
  // The method needs shape >= 1; below it, gamma(shape) = gamma(shape + 1) * u^(1/shape).
  if (shape < 1.0) {
    const double boost = std::pow(1.0 - uniform(), 1.0 / shape);
    return gamma(shape + 1.0) * boost;
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double normal = gaussian();
    const double root = 1.0 + c * normal;
    if (root <= 0.0) continue;
    const double v = root * root * root;
    const double u = 1.0 - uniform();
    if (std::log(u) < 0.5 * normal * normal + d - d * v + d * std::log(v)) return d * v;
  }
}

std::vector<std::uint32_t> random_permutation(RandomStream& stream, std::uint32_t count) {
  std::vector<std::uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0U);
  stream.shuffle(std::span(order));
  return order;
}

std::vector<std::uint32_t> random_subset(RandomStream& stream, std::uint32_t count, std::uint32_t bound) {
  LACONIC_CHECK(count <= bound, "count " << count << ", bound " << bound);
  if (count > bound / 4) {
    std::vector<std::uint32_t> order = random_permutation(stream, bound);
    order.resize(count);
    return order;
  }
  // A small subset: draw again what was drawn before.
  std::vector<std::uint32_t> subset;
  std::vector<std::uint32_t> sorted;
  subset.reserve(count);
  sorted.reserve(count);
  while (subset.size() < count) {
    const auto value = static_cast<std::uint32_t>(stream.below(bound));
    const auto place = std::lower_bound(sorted.begin(), sorted.end(), value);
    if (place != sorted.end() && *place == value) continue;
    sorted.insert(place, value);
    subset.push_back(value);
  }
  return subset;
}

}  // namespace laconic
