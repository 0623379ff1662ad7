#include "compress/stochastic_format.h"

#include <cmath>

#include "base/error.h"
#include "compress/symbols.h"
#include "kernels/select.h"
#include "kernels/vector_ops.h"

namespace laconic::compress {

bool StochasticFormat::write_dense(std::span<const float>, Groups, std::span<std::byte>) const {
  LACONIC_CHECK(false, "the size of a quantised vector depends on its values");
  return false;
}

std::vector<StochasticFormat::Scale> StochasticFormat::scales_of(std::span<const float> values, Groups groups) const {
  std::vector<Scale> scales;
  std::size_t begin = 0;
  for (const std::size_t group : groups) {
    scales.push_back(scale_of(values.subspan(begin, group)));
    begin += group;
  }
  return scales;
}

std::size_t StochasticFormat::quantise_chunk(std::span<const float> values, GroupWalk& walk,
                                             std::span<const Scale> scales, kernels::NoiseKey key, std::size_t begin,
                                             std::size_t end) {
  if (indices_.size() < end - begin) {
    indices_.resize(end - begin);
    symbols_.resize(end - begin);
  }
  std::size_t count = 0;
  walk.visit(begin, end, [&](std::size_t group, std::size_t from, std::size_t to) {
    count += quantise(values.subspan(from, to - from), scales[group], key, static_cast<std::uint32_t>(from),
                      std::span(indices_).subspan(count), std::span(symbols_).subspan(count));
  });
  for (std::size_t i = 0; i < count; ++i) indices_[i] -= static_cast<std::uint32_t>(begin);
  return count;
}

bool StochasticFormat::append(std::span<const float> values, Groups groups, kernels::NoiseKey key, ByteWriter& out) {
  const std::vector<Scale> scales = scales_of(values, groups);
  if (has_scales()) {
    for (const Scale& scale : scales) {
      if (!std::isfinite(scale.sent)) return false;
      out.f32(scale.sent);
    }
  }
  GroupWalk walk(groups);
  for (std::size_t begin = 0; begin < values.size(); begin += kLevelChunk) {
    const std::size_t end = std::min(values.size(), begin + kLevelChunk);
    if (!has_scales() && !kernels::all_finite(values.subspan(begin, end - begin))) return false;
    const std::size_t count = quantise_chunk(values, walk, scales, key, begin, end);
    append_level_chunk(std::span(indices_).first(count), std::span(symbols_).first(count), end - begin, out);
  }
  return true;
}

std::vector<float> StochasticFormat::read_scales(ByteReader& in, Groups groups) const {
  std::vector<float> scales(groups.size(), 0.0F);
  if (!has_scales()) return scales;
  for (float& scale : scales) {
    scale = in.f32();
    if (!(scale >= 0.0F && std::isfinite(value_of(largest_magnitude(), scale))))
      in.fail("a scale that is negative or not finite");
  }
  return scales;
}

template <typename Visit>
void StochasticFormat::visit_chunks(ByteReader& in, std::size_t count, Groups groups, const Visit& visit) {
  const std::vector<float> scales = read_scales(in, groups);
  GroupWalk walk(groups);
  for (std::size_t begin = 0; begin < count; begin += kLevelChunk) {
    const std::size_t end = std::min(count, begin + kLevelChunk);
    read_level_chunk(in, end - begin, largest_magnitude(), indices_, symbols_);
    chunk_values_.resize(indices_.size());
    std::size_t i = 0;
    walk.visit(begin, end, [&](std::size_t group, std::size_t, std::size_t to) {
      for (; i < indices_.size() && begin + indices_[i] < to; ++i) {
        const float magnitude = value_of(symbols_[i] >> 1, scales[group]);
        chunk_values_[i] = (symbols_[i] & 1) != 0 ? -magnitude : magnitude;
      }
    });
    visit(begin, std::span<const std::uint32_t>(indices_), std::span<const float>(chunk_values_));
  }
}

void StochasticFormat::check_dense(ByteReader& in, std::size_t count, Groups groups) {
  visit_chunks(in, count, groups, [](std::size_t, auto, auto) {});
}

void StochasticFormat::add_dense(ByteReader& in, Groups groups, float weight, std::span<float> y) {
  visit_chunks(in, y.size(), groups,
               [&](std::size_t begin, std::span<const std::uint32_t> indices, std::span<const float> values) {
                 kernels::scatter_add(indices, values, weight, y.subspan(begin));
               });
}

void StochasticFormat::read(ByteReader& in, Groups groups, std::span<float> values) {
  std::fill(values.begin(), values.end(), 0.0F);
  add_dense(in, groups, 1.0F, values);
}

double StochasticFormat::entropy_bits(std::span<const float> values, Groups groups, kernels::NoiseKey key) {
  const std::vector<Scale> scales = scales_of(values, groups);
  std::vector<std::uint32_t> symbols(values.size(), 0);
  GroupWalk walk(groups);
  for (std::size_t begin = 0; begin < values.size(); begin += kLevelChunk) {
    const std::size_t count =
        quantise_chunk(values, walk, scales, key, begin, std::min(values.size(), begin + kLevelChunk));
    for (std::size_t i = 0; i < count; ++i) symbols[begin + indices_[i]] = symbols_[i];
  }
  return symbols_entropy_bits(symbols) + (has_scales() ? 32.0 * static_cast<double>(groups.size()) : 0.0);
}

}  // namespace laconic::compress
