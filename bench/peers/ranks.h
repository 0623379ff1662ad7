// Training runs of several ranks, each a process of its own on the Loopback: laconic's and those of its peer
// (ddp_peer.py). Both write the same lines, from which comes how accuracy grew with seconds and bytes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "loopback.h"

namespace laconic::bench {

struct Point {
  std::uint64_t step = 0;
  double seconds = 0.0;   // of training alone: clocks stand still during evaluations
  double accuracy = 0.0;  // of the average model, on held-out images where there are some, else on the test images
  double bytes = 0.0;     // sent so far by all ranks: laconic's by its ledger, the peer's by the loopback's counter
};

struct Trace {
  std::vector<Point> points;
  double counted = 0.0;  // bytes of the loopback in the whole run, start and end of the processes included
  double ledger = 0.0;   // laconic's: bytes of frames that crossed the loopback
  double frame = 0.0;    // mean of these
  std::string failure;   // why it failed; empty: it ended by itself, or was stopped at its limit

  // The first point of at least this accuracy, if it comes within `seconds`.
  std::optional<Point> first_at(double accuracy, double seconds) const;
  double best_accuracy() const;
};

// What starts the ranks of a job of laconic.
enum class Launch {
  kMpi,        // mpirun, over TCP on the loopback
  kSimulator,  // one process; seconds are predicted from the job's network, and nothing crosses the loopback
};

struct RanksOptions {
  int ranks = 4;
  double limit = 1200.0;  // seconds, of the run's clock, after which a run is stopped
  std::string laconic;    // the program
  Launch launch = Launch::kMpi;
  std::string peer = "bench/ddp_peer.py";
};

// The laconic that was built with this benchmark: ../laconic from it.
std::string laconic_beside_this_program();

// Runs a job, given by its text without [output]. Throws std::runtime_error where nothing can be started; what goes
// wrong later is the trace's failure.
Trace run_laconic(const Loopback& loopback, const RanksOptions& options, const std::string& job);

// Runs the peer with these arguments on top of rank, ranks, store and limit. The same.
Trace run_peer(const Loopback& loopback, const RanksOptions& options, const std::vector<std::string>& arguments);

// Why the peer can't be run here, and what to do about it; empty: it can.
std::string obstacle_to_peer(const RanksOptions& options);

}  // namespace laconic::bench
