// The learning rate as a function of the step.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/options.h"
#include "base/training_length.h"

namespace laconic {

// With t the step, counted from 0, W the length of the warm-up and T that of the run, all in steps, the rate is
//
//   base * min(1, (t + 1) / W) * f(t)
//   f(t) = 1                                          constant
//        = decay ^ (milestones at or before t)        milestones
//        = (1 + cos(pi * (t - W) / (T - W))) / 2      cosine, for t >= W (Loshchilov and Hutter 2017, without restarts)
//
// A milestone of m steps is in force from the step t = m on: after m steps.
struct LearningRate {
  enum class Kind { kConstant, kMilestones, kCosine };
  double base = 0.0;
  Kind kind = Kind::kConstant;
  std::uint64_t warmup = 0;               // steps
  std::vector<std::uint64_t> milestones;  // steps, rising
  double decay = 1.0;
  std::uint64_t steps = 0;  // of the run

  double at(std::uint64_t step) const;
};

// Where an epoch and the run end, for schedules that ask.
struct RunLength {
  std::uint64_t samples = 1;           // of an epoch
  std::uint64_t samples_per_step = 1;  // of all workers
  std::uint64_t steps = 1;             // of the run
};

// The keys of [optimizer] that make a schedule, `learning_rate` not among them.
std::span<const OptionSpec> schedule_options();
// Checks what needs neither data nor the run's length; throws UsageError with the place.
void check_schedule(const Options& options);
// The schedule of `options`, which hold `learning_rate` and schedule_options(). Throws UsageError with the place when
// milestones do not rise or the warm-up is not over when a cosine's run ends.
LearningRate make_learning_rate(const Options& options, const RunLength& run);

}  // namespace laconic
