// The learner on libtorch. Internal to the training layer.
#pragma once

#include <memory>
#include <span>

#include "protocol/learner.h"
#include "training/models/instance_pool.h"
#include "training/models/network.h"
#include "training/models/start.h"
#include "training/optimizers/learning_rate.h"
#include "training/training.h"
#include "training/worker_vector.h"

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
        places(*network, do_buffers_travel(setup), setup.local),
        start(start_of(*network, setup.seed, setup.start)),
        start_vector(places.start(start)),
        pool(places.parameters) {}
  const TrainingSetup setup;
  const std::shared_ptr<const Network> network;
  const LearningRate learning_rate;
  const Drift drift;
  const WorkerVector places;
  const ModelStart start;
  const std::vector<float> start_vector;  // of every worker
  InstancePool pool;
};

// What params() is at first.
std::vector<float> initial_vector(const TrainingContext& context);

std::unique_ptr<Learner> make_torch_learner(std::shared_ptr<TrainingContext> context, Rank rank);

}  // namespace laconic
