// For the tests of this folder: training on random images whose labels can be learnt.
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "training/data/test_support.h"
#include "training/models/compute_threads.h"
#include "training/training.h"

namespace laconic {

inline constexpr ImageShape kShape{.channels = 1, .height = 12, .width = 12};

struct TinyTraining {
  std::string model = "lenet5";
  std::map<std::string, std::string> model_options = {};
  std::string optimizer = "adam";
  std::map<std::string, std::string> optimizer_options = {};
  std::uint32_t workers = 3;
  std::uint32_t batch = 8;
  Sampling sampling = Sampling::kFresh;
  bool prequential = false;
  bool augmented = false;
  DriftOptions drift = {};
  std::string start = {};
  std::string local = {};
};

inline Training make_training(const TinyTraining& job) {
  use_one_thread_per_computation();
  auto data = std::make_shared<Dataset>(random_dataset(120, 300, kShape, 4));
  data->validation = random_samples(40, kShape, 4, 3);
  if (job.augmented) data->augmentation = Augmentation::kCropMirror;
  TrainingSetup setup;
  setup.prequential = job.prequential;
  setup.drift = job.drift;
  if (!job.drift.at.empty()) setup.length = {.numerator = 100};
  setup.partition = make_partition("iid", data->train, data->classes, job.workers, 1);
  setup.data = data;
  setup.batch = job.batch;
  setup.sampling = job.sampling;
  setup.model = &find_model(job.model);
  const auto given = [](const std::map<std::string, std::string>& values) {
    std::map<std::string, GivenOption> options;
    for (const auto& [key, text] : values) options[key] = {.text = text, .where = "test"};
    return options;
  };
  setup.model_options = Options("model", setup.model->options, given(job.model_options));
  setup.optimizer = &find_optimizer(job.optimizer);
  setup.optimizer_options = Options("optimizer", setup.optimizer->options, given(job.optimizer_options));
  setup.start = job.start;
  setup.local = job.local;
  setup.seed = 5;
  return Training(std::move(setup));
}

inline std::vector<float> copy(std::span<const float> values) { return {values.begin(), values.end()}; }

inline bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

}  // namespace laconic
