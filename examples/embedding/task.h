// What the workers of this example learn: each has points of the sine over a stretch of its own, and fits a small
// network to them in a libtorch loop as anybody would write it, but for the lines with `session`.
#pragma once

#include <laconic/session.h>
#include <torch/torch.h>

#include <cstdio>
#include <iostream>

struct Points {
  torch::Tensor x;
  torch::Tensor y;
};

// 32 points over the stretch of [-pi, pi] that is this worker's.
inline Points points_of(int rank, int workers) {
  constexpr double kPi = 3.14159265358979;
  const double width = 2 * kPi / workers;
  const torch::Tensor x = torch::linspace(-kPi + rank * width, -kPi + (rank + 1) * width, 32).unsqueeze(1);
  return {x, torch::sin(x)};
}

inline torch::nn::Sequential make_model() {
  return torch::nn::Sequential(torch::nn::Linear(1, 32), torch::nn::Tanh(), torch::nn::Linear(32, 1));
}

inline void train(laconic::Session& session, torch::nn::Sequential& model) {
  const Points points = points_of(session.rank(), session.world_size());
  torch::optim::Adam optimizer(model->parameters(), 0.01);
  bool more = true;
  while (more) {
    optimizer.zero_grad();
    torch::mse_loss(model->forward(points.x), points.y).backward();
    session.gradient_ready();
    optimizer.step();
    more = session.step();
  }
}

// The library prints nothing: warnings, and why it has to end a process, are its user's to show.
inline void show(const laconic::Notice& notice) { std::cerr << "laconic: " << notice.text << std::endl; }

// Mean squared error on everybody's points.
inline double error_of(torch::nn::Sequential& model, int workers) {
  const torch::NoGradGuard no_gradient;
  double error = 0.0;
  for (int rank = 0; rank < workers; ++rank) {
    const Points points = points_of(rank, workers);
    error += torch::mse_loss(model->forward(points.x), points.y).item<double>() / workers;
  }
  return error;
}

inline void print(const laconic::RunSummary& summary, double error) {
  std::printf("error %.4f after %llu steps, %llu synchronisations, %llu bytes, %.2f s\n", error,
              static_cast<unsigned long long>(summary.steps), static_cast<unsigned long long>(summary.syncs),
              static_cast<unsigned long long>(summary.bytes), summary.seconds);
}
