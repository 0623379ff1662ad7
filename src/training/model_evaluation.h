// Measuring a model on samples: loss, and accuracy or errors. Internal to the training layer.
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <span>
#include <vector>

#include "protocol/learner.h"
#include "training/torch_learner.h"

namespace laconic {

// How many of these samples are measured at once; the last ones may be fewer.
std::size_t samples_at_once(const Dataset& data, const Samples& samples);

// Mean loss and accuracy of a model on a split, as the data are in `step`, over its predictions; all zero when the
// split has no sample. `params` are as params(), `buffers` as buffers().
Evaluation evaluate_model(TrainingContext& context, std::span<const float> params, std::span<const float> buffers,
                          Split split, Step step);
// The same on what worker `owner` trains on, without a confusion: on all of it, or evenly spread on as many samples as the
// test split has, but no fewer than these. A worker with much data then takes about as long as the others, who wait for it.
inline constexpr std::size_t kFewestOfOwnData = 1'000;
Evaluation evaluate_on_training_data(TrainingContext& context, Rank owner, std::span<const float> params,
                                     std::span<const float> buffers, Step step);

// The buffers in a worker's vector, which must outlive them. libtorch has no view of constants: only a pass in training
// writes.
std::vector<at::Tensor> buffer_tensors(const WorkerVector& places, const float* vector);

// The vector of a model from its two parts, no buffer below its minimum.
std::vector<float> usable_vector(const TrainingContext& context, std::span<const float> params,
                                 std::span<const float> buffers);

}  // namespace laconic
