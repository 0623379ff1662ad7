// What becomes of the average of the workers' models: a step of an optimiser from the last common model towards it
// (Reddi et al. 2021, algorithm 2).
//
//   Delta := mean - w   what the workers' steps come to; minus it is the server's gradient
//
//   average    w += eta Delta                                (eta = 1: FedAvg)
//   momentum   m := beta m + Delta;  w += eta m              (FedAvgM: Hsu et al. 2019)
//   nesterov   m := beta m + Delta;  w += eta (Delta + beta m)
//                                                            (the outer step of DiLoCo: Douillard et al. 2023)
//   the others m := beta m + (1 - beta) Delta;  w += eta m / (sqrt v + tau), with
//   adagrad      v += Delta^2
//   adam         v := beta_2 v + (1 - beta_2) Delta^2
//   yogi         v -= (1 - beta_2) Delta^2 sign(v - Delta^2)
//
// v begins as tau^2. Buffers that travel behind the parameters (the statistics of batch norm) are no result of gradients:
// of them the common model has the average. Every worker takes the step for itself, from the same bits to the same bits: no bytes.
#pragma once

#include <span>
#include <vector>

#include "base/archive.h"
#include "base/options.h"

namespace laconic {

enum class ServerRule { kAverage, kMomentum, kNesterov, kAdagrad, kAdam, kYogi };

struct ServerOptions {
  ServerRule rule = ServerRule::kAverage;
  float learning_rate = 1.0F;  // eta > 0
  float beta = 0.9F;           // in [0, 1)
  float beta_2 = 0.99F;        // in [0, 1)
  float tau = 1e-3F;           // > 0
};

// The options of a strategy that takes such steps, and what they say. Throws UsageError for a rate of 0.
std::vector<OptionSpec> server_options(const char* default_rule);
ServerOptions read_server_options(const Options& options);

class ServerOptimizer {
 public:
  explicit ServerOptimizer(const ServerOptions& options) : options_(options) {}
  // w := the step from w towards `mean`, both of d elements, of the first `trained` of them; the mean of the others.
  void step(std::span<const float> mean, std::span<float> w, std::size_t trained);
  void archive(Archive& archive, std::size_t dimension);

 private:
  ServerOptions options_;
  std::vector<float> m_;  // both empty before the first step that needs them
  std::vector<float> v_;
};

}  // namespace laconic
