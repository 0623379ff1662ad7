// Operators that send every value, in a value format.
//
//   body := values
#pragma once

#include <memory>
#include <vector>

#include "compress/compressor.h"
#include "compress/message.h"

namespace laconic::compress {

class DenseCompressor final : public Compressor {
 public:
  DenseCompressor(std::vector<std::size_t> groups, std::unique_ptr<ValueFormat> format);

  std::size_t prepare(std::span<const float> v, RandomStream& random) override;
  void write(std::span<std::byte> out) override;
  void decode_add(std::span<const std::byte> message, float weight, std::span<float> y) override;
  bool unbiased() const override { return format_->unbiased(); }
  std::optional<double> omega(std::span<const float> v) const override { return format_->omega(v, groups_); }
  Information information() override { return {size_, format_->entropy_bits(prepared_, groups_, key_)}; }

  // E||C(v)||^2 / ||v||^2 at most, where the format is unbiased on v; else unset.
  std::optional<double> second_moment(std::span<const float> v) const;
  const ValueFormat& format() const { return *format_; }

 private:
  std::vector<std::size_t> groups_;
  std::unique_ptr<ValueFormat> format_;
  std::size_t size_ = 0;  // d
  std::span<const float> prepared_;
  kernels::NoiseKey key_;
  ByteWriter message_;  // where its size depends on the values
};

}  // namespace laconic::compress
