#include "compress/error_feedback.h"

#include "kernels/vector_ops.h"

namespace laconic {

std::size_t ErrorFeedback::prepare(std::span<const float> x, RandomStream& random) {
  kernels::axpy(1.0F, x, error_);
  return compressor_.prepare(error_, random);
}

void ErrorFeedback::write(std::span<std::byte> out) {
  compressor_.write(out);
  compressor_.decode_add(out, -1.0F, error_);
}

void ErrorFeedback::add_difference(std::span<const float> a, std::span<const float> b) {
  kernels::axpy_difference(1.0F, a, b, error_);
}

void ErrorFeedback::scale(float factor) { kernels::scale(factor, error_); }

void ErrorFeedback::archive(Archive& archive) { archive.floats("error feedback", error_); }

}  // namespace laconic
