// The threshold of workers that check together: a fixed one, or one that they steer by a budget (budget.h). All agree on
// what has been sent and how long it took at the first check and after each synchronisation, by an all-reduce.
//
//   tally := means of (bytes, seconds) since the last tally         f32 each
//
// Where workers come and go the coordinator follows what they agree on, so that who joins has it, and so has a coordinator
// that was started again. Who has joined since the last tally has nothing to tell, and says so in a third float; in a
// fourth is what was watched, alike of all, or -1 where no synchronisation was before:
//
//   tally := means of (bytes, seconds, 1, watched), or of (0, 0, 0, watched)
//
// Checks are then numbered by the step that they are after, so that nobody has to be told of those that he missed.
#pragma once

#include <cstdint>
#include <optional>

#include "mechanisms/budget.h"
#include "protocol/strategy.h"

namespace laconic {

class SteeredThreshold {
 public:
  struct Options {
    double threshold = 0.0;            // with a budget: of the first checks
    std::optional<BudgetRate> budget;  // instead of one
    std::uint64_t check_every = 1;
    Budget::Costs costs;      // of a budget
    double state_cost = 0.0;  // to a worker, of states that a screen let through: bytes
  };
  SteeredThreshold(const Options& options, bool comes_and_goes);

  // Of this check.
  double value() const { return value_; }
  bool is_steered() const { return budget_.has_value(); }

  // A worker's check, after self.step() steps, begins. Exchanges a tally where there is none yet.
  Task<void> begin_check(Worker& self);
  // It has ended. `estimate`: what was watched; `states_sent`: behind a screen, without a synchronisation.
  Task<void> end_check(Worker& self, bool synchronised, bool states_sent, double estimate);

  // The coordinator's: a tally of the check after `step` steps has come. Throws DecodeError.
  void follow_tally(Step step, std::span<const float> mean);

  void archive(Archive& archive);
  // What all have in common between two rounds, where workers come and go.
  void archive_common(Archive& archive);

 private:
  Task<void> tally(Worker& self, double watched);
  void take_tally(std::span<const float> mean);
  std::uint64_t number_of(Step step) const { return step.value / options_.check_every; }

  Options options_;
  bool comes_and_goes_;
  double value_;
  std::optional<Budget> budget_;
  std::uint64_t checks_ = 0;  // the number of the newest check
  // At the newest tally: what this worker had sent and received, its time, and the sums of the means of all.
  std::uint64_t carried_ = 0;
  double now_ = 0.0;
  double spent_ = 0.0;
  double seconds_ = 0.0;
  bool has_told_ = false;  // this worker was there at the newest tally
};

// Payload bytes, over all workers, of a tally.
std::uint64_t tally_payload(const StrategySetting& setting);

}  // namespace laconic
