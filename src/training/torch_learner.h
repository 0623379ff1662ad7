// The learner on libtorch. Internal to the training layer.
#pragma once

#include <memory>
#include <span>

#include "protocol/learner.h"
#include "training/models/instance_pool.h"
#include "training/models/network.h"
#include "training/optimizers/learning_rate.h"
#include "training/training.h"

namespace laconic {

// Whether the job's model has an option `buffers` that is "average".
bool do_buffers_travel(const TrainingSetup& setup);

// What all learners of a job share; constant but for the pool, which guards itself.
struct TrainingContext {
  TrainingContext(TrainingSetup given, std::shared_ptr<const Network> model, LearningRate rate, Drift changes)
      : setup(std::move(given)),
        network(std::move(model)),
        learning_rate(std::move(rate)),
        drift(std::move(changes)),
        trained(layout_of(*network)),
        state(buffer_layout_of(*network)),
        buffers_travel(do_buffers_travel(setup)),
        layout(buffers_travel ? joined(trained, state) : trained),
        pool(trained) {}
  const TrainingSetup setup;
  const std::shared_ptr<const Network> network;
  const LearningRate learning_rate;
  const Drift drift;
  const Layout trained;       // of the parameters
  const Layout state;         // of the buffers
  const bool buffers_travel;  // buffers = "average": a learner's params() are its parameters, then its buffers
  const Layout layout;        // of params()
  InstancePool pool;
};

// What params() is at first.
std::vector<float> initial_vector(const TrainingContext& context);

std::unique_ptr<Learner> make_torch_learner(std::shared_ptr<TrainingContext> context, Rank rank);

// Mean loss and accuracy of a model on a split, as the data are in `step`, over its predictions; all zero when the
// split has no sample. `params` are as params(), `buffers` empty where they travel.
Evaluation evaluate_model(TrainingContext& context, std::span<const float> params, std::span<const float> buffers,
                          Split split, Step step);

}  // namespace laconic
