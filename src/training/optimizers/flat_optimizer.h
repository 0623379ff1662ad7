// An optimiser of one worker on its flat vector. Internal to the training layer.
#pragma once

#include <ATen/ATen.h>

#include "base/archive.h"

namespace laconic {

class FlatOptimizer {
 public:
  virtual ~FlatOptimizer() = default;
  // The vector that is optimised, from now on; called once, before anything else.
  virtual void attach(const at::Tensor& params) = 0;
  // One step of size `learning_rate` with `gradient`, of the size of the vector; it is not kept.
  virtual void step(const at::Tensor& gradient, double learning_rate) = 0;
  // The state: what was loaded continues bit for bit as what was saved would have.
  virtual void archive(Archive& archive) = 0;
};

}  // namespace laconic
