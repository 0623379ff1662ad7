// Estimates of the model variance that FDA watches (Theologitis et al. 2025, secs. 2-3).
//
// With the drift u_k = w_k - w_t0 of worker k since the last synchronisation,
//   Var = (1/K) sum_k ||w_k - mean||^2 = (1/K) sum_k ||u_k||^2 - ||mean u||^2.
// Each worker turns its drift into a small state, the states are averaged over the workers, and every worker computes
// the same estimate H from the same mean.
//
// Rounding. Norms are summed in double, but a state is float32: each of its elements is within 2^-24 of its value,
// relatively, and its mean within another 2^-24 if it is rounded once more. Statements such as H >= Var therefore hold
// up to kStateTolerance times the mean of ||u_k||^2.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace laconic {

inline constexpr double kStateTolerance = 0x1p-21;

// One monitor a worker. The spans given are of d elements and need not outlive the call.
class Monitor {
 public:
  virtual ~Monitor() = default;

  // How the workers' states become the one that estimate() reads.
  enum class Reduction {
    kMean,  // float32 mean over the workers
    kAny,   // logical or of one bit
  };
  // Elements of a state: float32 values of which the first is ||u_k||^2, which no estimate exceeds the mean of (kMean),
  // or 1 for a single bit (kAny).
  virtual std::size_t state_size() const = 0;

  // Computes the state of `params` against `reference` (w_t0) into `state` (state_size() elements). For kAny the one
  // element is 1 when the worker's own drift is over the threshold, else 0. `previous` is the model of the
  // synchronisation before; before the first synchronisation it is first_previous(). The reference and the previous
  // model are those last given to synchronised().
  virtual void observe(std::span<const float> params, std::span<const float> reference, std::span<const float> previous,
                       std::span<float> state) const = 0;

  // H(S) of the reduced state; for kAny the threshold itself, or the next number above it when the bit is set. A
  // synchronisation is due when it is strictly above the threshold.
  virtual double estimate(std::span<const float> mean_state) const = 0;

  // To be told when reference and previous changed (the same on all workers): once before the first observe(), with the
  // common start and first_previous(), and after every synchronisation.
  virtual void synchronised(std::span<const float> reference, std::span<const float> previous) = 0;
};

// What the monitors of a job's workers share.
struct MonitorSetting {
  std::size_t dimension = 0;  // d
  std::uint64_t seed = 0;     // of the sketch's hash functions and the linear monitor's first direction
  double threshold = 0.0;     // Theta
  std::size_t sketch_rows = 5;
  std::size_t sketch_cols = 250;
};

// Makes one worker's monitor after another; holds what they share (the sketch's table). May be called from one thread
// at a time; the monitors it made may be used from different threads.
class MonitorFactory {
 public:
  virtual ~MonitorFactory() = default;
  virtual std::unique_ptr<Monitor> make() const = 0;
  // The vector that stands for w_prev before the first synchronisation, given the common start w_0. The linear monitor
  // needs w_0 - g for its first, seeded Gaussian direction g (it scales directions to unit length itself); the others
  // need none: an empty vector.
  virtual std::vector<float> first_previous(std::span<const float> start) const = 0;
};

// One row a monitor: the visible table, from the most exact to the cheapest. `make` checks the setting as a caller's.
struct MonitorRow {
  std::string_view name;
  std::string_view help;
  Monitor::Reduction reduction;
  // What Monitor::state_size() will be, known without making the monitor.
  std::size_t (*state_size)(const MonitorSetting&);
  std::unique_ptr<MonitorFactory> (*make)(const MonitorSetting&);
};
// The table is constant-initialised: other tables may read it during their own initialisation.
std::span<const MonitorRow> monitors();

}  // namespace laconic
