// What the stochastic quantisers share: vectors of signed small integers, in the chunks of levels.h.
//
//   values := scale* chunk*      scale: float32, one a vector where the format has scales
#pragma once

#include <vector>

#include "compress/levels.h"
#include "compress/value_format.h"

namespace laconic::compress {

class StochasticFormat : public ValueFormat {
 public:
  std::optional<std::size_t> dense_size(std::size_t, Groups) const final { return std::nullopt; }
  bool write_dense(std::span<const float>, Groups, std::span<std::byte>) const final;
  void check_dense(ByteReader& in, std::size_t count, Groups groups) final;
  void add_dense(ByteReader& in, Groups groups, float weight, std::span<float> y) final;
  bool append(std::span<const float> values, Groups groups, kernels::NoiseKey key, ByteWriter& out) final;
  void read(ByteReader& in, Groups groups, std::span<float> values) final;
  double entropy_bits(std::span<const float> values, Groups groups, kernels::NoiseKey key) final;

 protected:
  // A vector's scale, in the message where has_scales(), and what quantise() needs for it. The scale of a vector that
  // is not finite is not finite.
  struct Scale {
    float sent = 0.0F;
    float inverse_step = 0.0F;
  };
  virtual bool has_scales() const = 0;
  virtual Scale scale_of(std::span<const float> x) const = 0;
  // As kernels::quantise_levels.
  virtual std::size_t quantise(std::span<const float> x, const Scale& scale, kernels::NoiseKey key,
                               std::uint32_t first_index, std::span<std::uint32_t> indices,
                               std::span<std::uint32_t> symbols) const = 0;
  virtual std::uint32_t largest_magnitude() const = 0;
  // The value of a magnitude above 0.
  virtual float value_of(std::uint32_t magnitude, float scale) const = 0;

 private:
  std::vector<Scale> scales_of(std::span<const float> values, Groups groups) const;
  // Quantises one chunk into indices_, counted from the chunk's start, and symbols_; returns how many are not 0.
  std::size_t quantise_chunk(std::span<const float> values, GroupWalk& walk, std::span<const Scale> scales,
                             kernels::NoiseKey key, std::size_t begin, std::size_t end);
  std::vector<float> read_scales(ByteReader& in, Groups groups) const;
  // Reads chunk after chunk; visit(begin, indices, values) gets the values that are not 0 of each.
  template <typename Visit>
  void visit_chunks(ByteReader& in, std::size_t count, Groups groups, const Visit& visit);

  std::vector<std::uint32_t> indices_;  // scratch, as the others
  std::vector<std::uint32_t> symbols_;
  std::vector<float> chunk_values_;
};

}  // namespace laconic::compress
