// The learner on libtorch. Internal to the training layer.
#pragma once

#include <memory>
#include <span>

#include "strategies/learner.h"
#include "training/instance_pool.h"
#include "training/learning_rate.h"
#include "training/network.h"
#include "training/training.h"

namespace laconic {

// What all learners of a job share; constant but for the pool, which guards itself.
struct TrainingContext {
  TrainingContext(TrainingSetup given, std::shared_ptr<const Network> model, LearningRate rate)
      : setup(std::move(given)),
        network(std::move(model)),
        learning_rate(std::move(rate)),
        layout(layout_of(*network)),
        buffer_layout(buffer_layout_of(*network)),
        pool(layout) {}
  const TrainingSetup setup;
  const std::shared_ptr<const Network> network;
  const LearningRate learning_rate;
  const Layout layout;
  const Layout buffer_layout;
  InstancePool pool;
};

std::unique_ptr<Learner> make_torch_learner(std::shared_ptr<TrainingContext> context, Rank rank);

// Mean loss and accuracy of a model on a split, over its predictions; all zero when the split has no sample.
Evaluation evaluate_model(TrainingContext& context, std::span<const float> params, std::span<const float> buffers,
                          Split split);

}  // namespace laconic
