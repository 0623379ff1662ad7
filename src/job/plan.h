// What a job would do, without doing it: sizes, bytes by the strategy's formula, time on the job's network.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "job/job.h"
#include "job/wiring.h"

namespace laconic {

struct Plan {
  // Of everything that grows with workers, parameters and data; libtorch's own needs come on top.
  Bytes memory;
  // Payload over all nodes.
  std::uint64_t step_payload = 0;
  std::uint64_t sync_payload = 0;
  std::uint64_t run_payload = 0;  // of a whole run, beside those
  // Synchronisations of the whole run, at least and at most: equal unless the data decide.
  std::uint64_t fewest_syncs = 0;
  std::uint64_t most_syncs = 0;
  // On the job's clock: a step with what is sent at each, and what a synchronisation adds. Unset where the strategy
  // never synchronises, or not within a number of steps that is cheap to try.
  Seconds step_time;
  std::optional<Seconds> sync_time;

  Bytes fewest_bytes(std::uint64_t steps) const {
    return {steps * step_payload + fewest_syncs * sync_payload + run_payload};
  }
  Bytes most_bytes(std::uint64_t steps) const {
    return {steps * step_payload + most_syncs * sync_payload + run_payload};
  }
};

// Times come from running the strategy itself on the job's simulated network, a few steps with models that nobody
// trains: they hold for every strategy, collective and network model.
Plan make_plan(const Job& job, const JobSetup& setup);

// For `laconic run --dry-run`.
std::string plan_text(const Job& job, const JobSetup& setup, std::size_t width);

}  // namespace laconic
