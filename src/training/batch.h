// Samples as tensors. Internal to the training layer.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>

#include "base/random.h"
#include "training/data/dataset.h"
#include "training/data/drift.h"

namespace laconic {

struct Batch {
  // Of images: samples x channels x height x width floats, pixel / 255 and then normalised as the data set says, or
  // the values as they are. Of text: samples x length tokens (int64).
  at::Tensor inputs;
  // What each prediction should be. Int64: the labels of images; of text the tokens one place on, sample after sample.
  // Of regression samples x Dataset::numbers floats.
  at::Tensor targets;
};

// The samples `chosen` of a split of `data`, turned into those of `present`. `augmentation`: what data that
// want one draw from, sample after sample; null: none.
Batch make_batch(const Dataset& data, const Samples& samples, std::span<const std::uint32_t> chosen,
                 RandomStream* augmentation, const Concept& present = {});

}  // namespace laconic
