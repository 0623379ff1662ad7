// What a strategy's worker trains: one model as a flat vector, its gradient, its data. Implemented by `training` on
// libtorch and by the closed-form learners of the tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/archive.h"
#include "base/ids.h"
#include "base/layout.h"

namespace laconic {

// What one gradient computation saw.
struct StepResult {
  double loss = 0.0;          // mean over the samples of the batch, at the parameters before the step
  std::uint64_t samples = 0;  // size of the batch
  // Where the job asks for it: the loss of the model as it is used, not trained (no dropout, running statistics), on
  // the same samples at the same parameters.
  std::optional<double> test_loss = {};
};

// Test, then train: losses of the models on the batches that they were then trained with.
struct Prequential {
  double loss = 0.0;          // summed over the samples
  std::uint64_t samples = 0;  // 0: not measured

  Prequential& operator+=(const Prequential& other) {
    loss += other.loss;
    samples += other.samples;
    return *this;
  }
};

// Held-out data a model is measured on.
enum class Split { kTest, kValidation };

// How good predicted numbers are.
struct Regression {
  double r2 = 0.0;                   // coefficient of determination, at most 1: mean over the numbers of a sample
  double mean_absolute_error = 0.0;  // over all numbers, in the unit of the data's file
};

// Which classes a model takes the samples of a split for. Figures of it: report/class_metrics.h.
struct Confusion {
  std::vector<std::uint64_t> samples;  // of each class
  // By class, then predicted class: classes x classes. A row has less than the samples of its class where the model gave
  // a number that is no class.
  std::vector<std::uint64_t> counts;
  // Of two classes, where both have samples: the area under the ROC curve, class 1 being the positive one.
  std::optional<double> auc = {};

  std::size_t classes() const { return samples.size(); }
  std::uint64_t count(std::size_t of, std::size_t predicted) const { return counts[of * classes() + predicted]; }
};
// Of data with more classes there is none.
inline constexpr std::size_t kMostConfusedClasses = 1'000;

struct Evaluation {
  double loss = 0.0;                          // mean over the split
  double accuracy = 0.0;                      // of classes: fraction in [0, 1]
  std::uint64_t samples = 0;                  // 0: the learner has no such split
  std::optional<Regression> regression = {};  // where numbers are predicted, in the place of an accuracy
  // Of held-out samples with a class each; null where there is none.
  std::shared_ptr<const Confusion> confusion = nullptr;

  // The larger the better: the accuracy, or the R2.
  double score() const { return regression ? regression->r2 : accuracy; }
};

// Every method may be called from any thread, but calls for one learner never overlap, except those of evaluate with each
// other. Results depend on the state, the arguments and the job's seed only, never on the thread.
class Learner {
 public:
  virtual ~Learner() = default;

  // The live parameters, d elements. The view is valid and at the same address for the learner's life; a strategy reads
  // and overwrites it between steps.
  virtual std::span<float> params() = 0;
  // The gradient that compute_gradient left, d elements; a strategy may overwrite it before apply_gradient. The view is
  // valid and at the same address for the learner's life.
  virtual std::span<float> gradient() = 0;
  virtual const Layout& layout() const = 0;
  // How many of params(), the first ones, the steps of the optimiser move; those after them are buffers that travel
  // with the parameters.
  virtual std::size_t trained_size() const { return layout().size; }
  // State that is not trained but belongs to the model (batch-norm statistics); empty when there is none. Local to the
  // worker: what is measured is the average model with the average of the workers' buffers. The view is valid and at
  // the same address for the learner's life.
  virtual std::span<float> buffers() = 0;
  // Training samples the learner draws from: its weight in weighted means. Positive.
  virtual std::uint64_t samples() const = 0;

  // The learning rate of the step whose gradient was computed last; before any, that of the first. At least 0.
  virtual double learning_rate() const = 0;

  // Computes the gradient of the mean loss over the batch of step `step`, at params(), into gradient().
  virtual StepResult compute_gradient(Step step) = 0;
  // One optimiser step with gradient().
  virtual void apply_gradient() = 0;
  // compute_gradient and apply_gradient together. May keep the gradient elsewhere than in gradient(), whose content is
  // unspecified afterwards.
  virtual StepResult local_step(Step step) = 0;

  // Measures the model of `params` (d elements) and `buffers` (as many as buffers()), not necessarily this learner's
  // own, on a split; where the data change in the course of a run, as they were in this learner's newest step. Leaves
  // the learner's state as it was. What takes long reports its progress (base/supervision.h), and may end with Interrupted.
  virtual Evaluation evaluate(std::span<const float> params, std::span<const float> buffers, Split split) = 0;
  // The same on the samples that worker `owner` trains on, or on a part of many, without augmentation. No samples where
  // they are not here, or are drawn as they are needed.
  virtual Evaluation evaluate_on_data_of(Rank owner, std::span<const float> params, std::span<const float> buffers) {
    static_cast<void>(owner), static_cast<void>(params), static_cast<void>(buffers);
    return {};
  }

  // All that training changes except params(): optimiser state, buffers, the step that learning_rate() and evaluate()
  // depend on. Saved and loaded between steps; what was loaded, with the same params(), goes on bit for bit as what was
  // saved would have.
  virtual void archive(Archive& archive) = 0;
};

}  // namespace laconic
