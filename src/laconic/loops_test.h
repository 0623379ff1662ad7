// For the tests of this folder: jobs whose loops are the test's own, and a model whose gradients are set by hand.
#pragma once

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "job/tiny_job_test.h"
#include "laconic/session.h"

namespace laconic::testing {

inline constexpr std::uint64_t kSteps = 12;

// `strategy` is what stands in [strategy]; `network` may be any sections that follow.
inline std::string own_loop_job(const std::string& strategy, int workers, const std::string& network = "") {
  return "[job]\nseed = 3\nsteps = " + std::to_string(kSteps) + "\n[workers]\ncount = " + std::to_string(workers) +
         "\n[strategy]\n" + strategy + "\n" + network;
}

// A model of two tensors.
struct Toy {
  std::vector<at::Tensor> tensors = {at::ones({2, 3}), at::ones({4})};
  explicit Toy(float value = 1.0F) {
    for (at::Tensor& tensor : tensors) tensor.fill_(value).set_requires_grad(true);
  }
  void add(float value) {
    const at::NoGradGuard no_gradient;
    for (at::Tensor& tensor : tensors) tensor.add_(value);
  }
};

class Loops : public ::testing::Test {
 protected:
  // A job file for `workers` workers.
  std::string file(const std::string& strategy, const std::string& network = "", int workers = 2) {
    write_text(root_.path("own.toml"), own_loop_job("name = \"" + strategy + "\"", workers, network));
    return root_.path("own.toml");
  }
  // The error that a run of these loops ends with.
  static std::string error_of(Simulation& simulation, const std::function<void(int)>& loop) {
    try {
      simulation.run(loop);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "none";
  }
  TemporaryFolder root_;
};

}  // namespace laconic::testing
