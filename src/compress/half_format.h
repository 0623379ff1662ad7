// What the two formats of 16 bits share: whole vectors as they are, lists in the code of float_list.h.
#pragma once

#include <vector>

#include "compress/float_list.h"
#include "compress/value_format.h"

namespace laconic::compress {

class HalfFormat final : public ValueFormat {
 public:
  struct Kernels {
    bool (*encode)(std::span<const float>, std::span<std::byte>);
    bool (*finite)(std::span<const std::byte>);
    void (*add)(std::span<const std::byte>, float, std::span<float>);
  };
  struct Range {
    double largest;          // finite value
    double smallest_normal;  // positive value
    double unit;             // relative error of a rounded normal value at most
  };
  HalfFormat(std::uint8_t id, FloatShape shape, const Kernels& kernels, const Range& range)
      : id_(id), shape_(shape), kernels_(kernels), range_(range) {}

  std::uint8_t id() const override { return id_; }
  std::optional<std::size_t> dense_size(std::size_t count, Groups) const override { return 2 * count; }
  bool write_dense(std::span<const float> values, Groups, std::span<std::byte> out) const override {
    return kernels_.encode(values, out);
  }
  void check_dense(ByteReader& in, std::size_t count, Groups) override;
  void add_dense(ByteReader& in, Groups, float weight, std::span<float> y) override {
    kernels_.add(in.raw(2 * y.size()), weight, y);
  }
  bool append(std::span<const float> values, Groups, kernels::NoiseKey, ByteWriter& out) override;
  void read(ByteReader& in, Groups, std::span<float> values) override;
  bool unbiased() const override { return false; }
  double omega(std::span<const float> values, Groups) const override;
  double entropy_bits(std::span<const float> values, Groups, kernels::NoiseKey) override;

 private:
  std::span<const std::uint32_t> words_of(std::span<const float> values);

  std::uint8_t id_;
  FloatShape shape_;
  Kernels kernels_;
  Range range_;
  std::vector<std::uint32_t> words_;  // scratch
  std::vector<std::uint16_t> halves_;
};

}  // namespace laconic::compress
