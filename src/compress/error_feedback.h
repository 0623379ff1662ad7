// Error feedback (Seide et al. 2014; Karimireddy et al. 2019): what one message left out is added to the next vector.
//
//   v = x + e;  c = C(v);  e = v - c
//
// c + e = v holds exactly for sparsifiers that send values as they are, or rounded to bfloat16, or to float16 within
// its range; within one ulp of max(|c|, |v|) for the others.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "base/archive.h"
#include "compress/compressor.h"

namespace laconic {

class ErrorFeedback {
 public:
  // For vectors of `size` elements; e starts at 0. `compressor` outlives this.
  ErrorFeedback(Compressor& compressor, std::size_t size) : compressor_(compressor), error_(size, 0.0F) {}

  // As Compressor::prepare() and write(), of v. Every prepare() is followed by its write(). An error ends the series: e
  // is then of no use.
  std::size_t prepare(std::span<const float> x, RandomStream& random);
  void write(std::span<std::byte> out);

  // e; between prepare() and write() it is v.
  std::span<const float> error() const { return error_; }
  // e += a - b: to be told later.
  void add_difference(std::span<const float> a, std::span<const float> b);
  // e *= factor
  void scale(float factor);
  // e = 0: nothing is left to tell.
  void clear() { std::fill(error_.begin(), error_.end(), 0.0F); }

  void archive(Archive& archive);

 private:
  Compressor& compressor_;
  std::vector<float> error_;
};

}  // namespace laconic
