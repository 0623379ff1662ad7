#include "model_differences.h"

#include <map>
#include <memory>
#include <utility>

#include "training/data/dataset.h"
#include "training/training.h"

namespace laconic::bench {

ModelDifferences train_differences(const std::string& model, const std::string& data_dir, std::size_t warm_up,
                                   std::size_t ranges, std::size_t steps) {
  const DatasetRow& row = find_dataset("fashion_mnist");
  TrainingSetup setup;
  setup.data = std::make_shared<const Dataset>(
      load_dataset(row, data_dir.empty() ? std::string(row.default_directory) : data_dir));
  setup.partition = make_partition("iid", setup.data->train, setup.data->classes, 1, 1);
  setup.model = &find_model(model);
  setup.model_options = Options("model", setup.model->options, {});
  setup.optimizer = &find_optimizer("adam");
  setup.optimizer_options =
      Options("optimizer", setup.optimizer->options, {{"learning_rate", {.text = "1e-3", .where = "benchmark"}}});
  const Training training(std::move(setup));
  const std::unique_ptr<Learner> learner = training.learner(Rank{0});

  Step step{0};
  const auto take = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i, ++step.value) learner->local_step(step);
  };
  take(warm_up);
  ModelDifferences result{.layout = training.layout(), .ranges = {}};
  for (std::size_t range = 0; range < ranges; ++range) {
    const std::vector<float> before(learner->params().begin(), learner->params().end());
    take(steps);
    std::vector<float> difference(before.size());
    for (std::size_t j = 0; j < before.size(); ++j) difference[j] = learner->params()[j] - before[j];
    result.ranges.push_back(std::move(difference));
  }
  return result;
}

}  // namespace laconic::bench
