#include "job_run.h"

#include <algorithm>
#include <exception>

#include "base/error.h"
#include "job/job.h"
#include "job/wiring.h"

namespace laconic::bench {

JobRun run_text(const std::string& text, const std::string& file) {
  const Job job = parse_job_text(text, file);
  const JobSetup setup = set_up(job);
  const RunResult result = run_job(job, setup);
  const double chance = 1.0 / static_cast<double>(setup.data->classes);
  const Tally sent = result.outcome.ledger.total();
  const auto framed = static_cast<double>(sent.framed.value);
  JobRun run{.diverged = result.outcome.end != Outcome::End::kSteps,
             .validation = chance,
             .test = chance,
             .own = chance,
             .own_least = chance,
             .sent_gb = framed / 1e9,
             .model_gb = static_cast<double>(result.outcome.ledger.total(Traffic::kModel).framed.value) / 1e9,
             .syncs = result.outcome.syncs,
             .message = framed / static_cast<double>(sent.frames),
             .bytes_a_step = framed / static_cast<double>(setup.steps())};
  if (result.outcome.error) {
    try {
      std::rethrow_exception(result.outcome.error);
    } catch (const RunError&) {
      // A loss that is not finite, a vector that cannot be sent, gossip that runs away.
    }
  }
  if (run.diverged) return run;
  const Measurement& last = result.measurements.back();
  run.validation = last.validation.accuracy;
  run.test = last.test.accuracy;
  run.disagreement = last.consensus_distance;
  if (last.workers) {
    run.own = last.workers->mean;
    run.own_least = last.workers->minimum;
  }
  return run;
}

void check_text(const std::string& text, const std::string& file) { set_up(parse_job_text(text, file)); }

void Search::search() {
  for (const double factor : options_.factors) {
    if (options_.has_gamma) {
      best_.gamma = climb(best_.gamma, factor, 1.0 / 4096, 1.0, [&](double gamma) {
        return accuracy({.learning_rate = best_.learning_rate, .gamma = gamma});
      });
    }
    best_.learning_rate = climb(best_.learning_rate, factor, 1e-4, 2.0,
                                [&](double rate) { return accuracy({.learning_rate = rate, .gamma = best_.gamma}); });
  }
  const double in_short = accuracy(best_);
  if (in_short < options_.nothing) return;
  for (int i = 0; i < kCautions; ++i) {
    ++confirmations_;
    if (run_(best_, true) >= in_short) return;
    (options_.has_gamma ? best_.gamma : best_.learning_rate) /= 4.0;
  }
}

double Search::accuracy_of_tuning() const {
  double best = 0.0;
  for (const auto& [choice, accuracy] : tried_) best = std::max(best, accuracy);
  return best;
}

double Search::accuracy(const Choice& choice) {
  const auto key = std::pair(choice.learning_rate, choice.gamma);
  const auto found = tried_.find(key);
  if (found != tried_.end()) return found->second;
  return tried_[key] = run_(choice, false);
}

}  // namespace laconic::bench
