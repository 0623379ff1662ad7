#include "compress/dense.h"

#include <cstring>
#include <numeric>

#include "base/error.h"

namespace laconic::compress {

DenseCompressor::DenseCompressor(std::vector<std::size_t> groups, std::unique_ptr<ValueFormat> format)
    : groups_(std::move(groups)),
      format_(std::move(format)),
      size_(std::accumulate(groups_.begin(), groups_.end(), std::size_t{0})) {}

std::optional<double> DenseCompressor::second_moment(std::span<const float> v) const {
  double moment = 0.0;
  double squares = 0.0;
  std::size_t begin = 0;
  for (const std::size_t group : groups_) {
    const double mass = kernels::mass(v.subspan(begin, group)).squared;
    const std::optional<double> of_group = format_->second_moment(v.subspan(begin, group), group);
    if (!of_group) return std::nullopt;
    moment += mass * *of_group;
    squares += mass;
    begin += group;
  }
  return squares > 0.0 ? moment / squares : 1.0;
}

std::size_t DenseCompressor::prepare(std::span<const float> v, RandomStream& random) {
  LACONIC_CHECK(v.size() == size_, v.size() << " elements for " << size_);
  prepared_ = v;
  key_ = draw_key(random);
  if (const auto size = format_->dense_size(size_, groups_)) return 1 + *size;
  message_.clear();
  message_.u8(form_byte(Body::kDense, *format_));
  if (!format_->append(v, groups_, key_, message_)) refuse_non_finite(v);
  return message_.size();
}

void DenseCompressor::write(std::span<std::byte> out) {
  if (const auto size = format_->dense_size(size_, groups_)) {
    LACONIC_CHECK(out.size() == 1 + *size, out.size() << " bytes for a message of " << 1 + *size);
    out[0] = std::byte{form_byte(Body::kDense, *format_)};
    if (!format_->write_dense(prepared_, groups_, out.subspan(1))) refuse_non_finite(prepared_);
    return;
  }
  LACONIC_CHECK(out.size() == message_.size(), out.size() << " bytes for a message of " << message_.size());
  std::memcpy(out.data(), message_.bytes().data(), out.size());
}

void DenseCompressor::decode_add(std::span<const std::byte> message, float weight, std::span<float> y) {
  LACONIC_CHECK(y.size() == size_, y.size() << " elements for " << size_);
  ByteReader check(message, "compressed vector");
  expect_form(check, Body::kDense, *format_);
  format_->check_dense(check, size_, groups_);
  check.expect_end();
  ByteReader in(message, "compressed vector");
  in.u8();
  format_->add_dense(in, groups_, weight, y);
}

}  // namespace laconic::compress
