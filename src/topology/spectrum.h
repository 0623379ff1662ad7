// What the eigenvalues of a mixing matrix say about gossip on it.
//
// With the eigenvalues 1 = lambda_1 > lambda_2 >= ... >= lambda_n > -1 of W (Koloskova, Stich, Jaggi, ICML 2019, arXiv
// 1902.00340, def. 1 and theorem 2):
//   delta = 1 - max(|lambda_2|, |lambda_n|)    the spectral gap: the squared distance from the average falls by
//                                              (1 - delta)^2 a round of exact gossip
//   beta  = ||I - W||_2 = 1 - lambda_n
//   gamma*(omega) = delta^2 omega / (16 delta + delta^2 + 4 beta^2 + 2 delta beta^2 - 8 delta omega)
//                                              the step of CHOCO-GOSSIP that is proved for compression of quality omega
#pragma once

#include <cstddef>
#include <cstdint>

#include "topology/mixing.h"

namespace laconic {

enum class SpectrumMethod { kDense, kLanczos };

struct Spectrum {
  double lambda_2 = 0.0;  // for one node, which has none, both are 0
  double lambda_n = 0.0;
  double delta = 0.0;  // in [0, 1]; 0: rounds of gossip do not come nearer to the average
  double beta = 0.0;   // in [0, 2]
  SpectrumMethod method = SpectrumMethod::kDense;
  // Bound on how far lambda_2 and lambda_n are from an eigenvalue of W.
  double error = 0.0;
  // kLanczos: steps taken, and whether both eigenvalues are known to a millionth of their distance from +-1 (or to
  // 1e-13). If not, which very long thin graphs bring about, they lie further out: the true delta is smaller, the true
  // beta larger.
  std::size_t steps = 0;
  bool converged = true;
};

// Where the methods meet: up to this many nodes all eigenvalues come from a dense decomposition, n^2 doubles of memory
// and n^3 time (a third of a second at the limit); above it the two that are wanted come from Lanczos's method on the
// sparse matrix, some vectors of memory and at most some ten seconds.
inline constexpr std::size_t kMaxDenseNodes = 1000;

// The method by the number of nodes. The graph is to be connected: otherwise lambda_2 = 1 and delta is 0.
Spectrum spectrum_of(const MixingMatrix& mixing);
// A method by name, for tests and comparisons.
Spectrum dense_spectrum(const MixingMatrix& mixing);
// At most `max_work` multiplications, about.
Spectrum lanczos_spectrum(const MixingMatrix& mixing, double max_work = 1e10);

// gamma* as above; delta in [0, 1], beta in [0, 2], omega in (0, 1].
double gamma_star(double delta, double beta, double omega);

}  // namespace laconic
