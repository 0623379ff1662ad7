// A run of the benchmark `absence`: workers that come and go under faults from a seed, in virtual time, and what it
// came to.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/units.h"

namespace laconic::bench {

struct AbsenceSetting {
  int workers = 16;
  int least = 1;
  double hours = 1.0;
  int faults_an_hour = 0;
  std::uint64_t seed = 1;
  Seconds step{0.05};
  int check_every = 20;
  double threshold = 0.8;  // about five checks from one average to the next
  double learning_rate = 0.002;
  Seconds deadline{10.0};
  Seconds latency{0.02};
  // Floats of the model that no step changes, and the rate of a worker's interface; the coordinator's is as fast as all
  // of theirs.
  std::size_t padding = 0;
  BitsPerSecond rate{};  // 0: no limit
  bool keeps = false;    // who returns keeps what it has learnt alone (workers.returning)
};

struct AbsenceRun {
  double worker_seconds = 0.0;  // that workers were present, over all of them
  std::uint64_t steps = 0;      // that workers have taken
  std::uint64_t lost = 0;       // of these, those in no average and in no model that is there at the end
  std::uint64_t faults = 0;
  std::uint64_t left = 0;      // workers that were out
  std::uint64_t averages = 0;  // of models
  std::uint64_t checks = 0;
  // Of each worker that was lost: from the fault until the coordinator went on without it.
  std::vector<double> losses;
  // Of each worker that came back, undisturbed by another fault: from the end of the fault until its first step was
  // taken, in seconds.
  std::vector<double> returns;
  std::uint64_t state_bytes = 0;  // of what workers have in common
  std::string error;              // that the run ended with
  std::string account;            // what happened, a line an event

  double rate() const { return static_cast<double>(steps) / worker_seconds; }
  double kept() const { return 1.0 - static_cast<double>(lost) / static_cast<double>(steps); }
};

AbsenceRun run_absence(const AbsenceSetting& setting);

}  // namespace laconic::bench
