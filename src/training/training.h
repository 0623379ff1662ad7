// Everything a job trains with, put together: data, model, optimiser, and a learner for each worker.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/options.h"
#include "base/training_length.h"
#include "base/units.h"
#include "protocol/learner.h"
#include "training/data/dataset.h"
#include "training/data/drift.h"
#include "training/data/partition.h"
#include "training/data/sampling.h"
#include "training/models/models.h"
#include "training/optimizers/optimizers.h"

namespace laconic {

struct TrainingSetup {
  std::shared_ptr<const Dataset> data;
  Partition partition;   // of data->train; one part a worker, empty for workers whose samples are elsewhere
  SampleCounts samples;  // of all workers; left empty: they are in `partition`
  std::uint32_t batch = 32;
  Sampling sampling = Sampling::kFresh;
  const ModelRow* model = nullptr;
  Options model_options;  // resolved against model->options
  std::string start;      // a safetensors file that every worker begins with; empty: the model's own start
  std::string local;      // patterns of the tensors that stay with each worker (worker_vector.h)
  const OptimizerRow* optimizer = nullptr;
  Options optimizer_options;  // resolved against optimizer->options
  TrainingLength length;      // of the run, for learning rates that depend on it
  DriftOptions drift;
  bool prequential = false;  // StepResult::test_loss is measured
  std::uint64_t seed = 1;
  // A model written for Python does to raw samples what was done to those of `data`. Not for text.
  bool preprocess = false;
};

struct TrainingContext;  // torch_learner.h

// Its methods may be called from any thread at any time. Learners live on without it.
class Training {
 public:
  // Throws UsageError for a batch of 0, a start or local tensors that do not fit the model, what the rows of the model and
  // the optimiser, and Drift, refuse, and a model that cannot be written with its preprocessing.
  explicit Training(TrainingSetup setup);

  std::size_t workers() const;
  // d, the number of parameters that are shared; where the buffers travel with them, with the buffers.
  std::size_t dimension() const;
  const Layout& layout() const;
  // Of them the first that steps train; what is behind them is buffers that travel.
  std::size_t trained_size() const;
  // Of all tensors that a stored model has: those of a learner's params(), then those of its buffers().
  Layout stored_layout() const;
  // Tries what a run does with the model, at its start and on the data that are here: training passes with as many
  // samples as the workers' steps have, evaluations of as many as are measured at once. Gives what whoever trains it
  // should know, each in one line. Throws UsageError, one line, with the model, what happens and what to do.
  std::vector<std::string> rehearse() const;
  // Steps of each worker in setup.length.
  std::uint64_t steps() const;
  // The start of every worker, d elements.
  std::vector<float> initial_parameters() const;
  // Of the files that decide the model and its start; 0 where there is none.
  std::uint64_t model_fingerprint() const;
  // Samples that all workers train on, and of one worker's part, here or elsewhere.
  std::uint64_t training_samples() const;
  std::uint64_t training_samples(Rank rank) const;
  // Samples that one step of all workers sees: training_samples() / samples_per_step() steps are an epoch.
  std::uint64_t samples_per_step() const;
  // Writes the model of stored_layout() as Python loads it: a TorchScript model as the module it was, for
  // torch.jit.load; any other as a state dict for torch.load; or, where `setup.preprocess` says so, either as a
  // TorchScript module that takes raw samples (models/exported_module.h). Throws RunError when the file cannot be written.
  void write_for_python(const std::string& path, std::span<const float> tensors) const;
  // What one learner's vectors take: parameters, buffers, optimiser state, and the gradient where the strategy asks for
  // it.
  Bytes memory_per_worker(bool with_gradient) const;

  // The learner of one worker whose samples are here, at the initial parameters, without optimiser state. Two of one
  // rank are independent and do the same.
  std::unique_ptr<Learner> learner(Rank rank) const;
  // The steps at which the data drift.
  const std::vector<std::uint64_t>& drifts() const;
  // As Learner::evaluate, on what the data are at the end of setup.length; many may run at once.
  Evaluation evaluate(std::span<const float> params, std::span<const float> buffers, Split split) const;

 private:
  std::shared_ptr<TrainingContext> context_;
};

}  // namespace laconic
