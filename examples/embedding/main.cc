// A loop of one's own on laconic: each worker fits a small network to points of its own, and the strategy of the job
// file decides what they tell each other. Run it as `./fit job.toml`.
#include <laconic/session.h>
#include <torch/torch.h>

#include <cstdio>
#include <exception>
#include <vector>

namespace {

struct Points {
  torch::Tensor x;
  torch::Tensor y;
};

// 32 points of the sine over the stretch of [-pi, pi] that is this worker's.
Points points_of(int rank, int workers) {
  constexpr double kPi = 3.14159265358979;
  const double width = 2 * kPi / workers;
  const torch::Tensor x = torch::linspace(-kPi + rank * width, -kPi + (rank + 1) * width, 32).unsqueeze(1);
  return {x, torch::sin(x)};
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s job.toml\n", argv[0]);
    return 2;
  }
  laconic::Simulation simulation(argv[1]);
  const int workers = simulation.world_size();
  // The default generator is one for the process, so the models are made before the threads are there.
  torch::manual_seed(1);
  std::vector<torch::nn::Sequential> models;
  for (int rank = 0; rank < workers; ++rank) {
    models.emplace_back(torch::nn::Linear(1, 32), torch::nn::Tanh(), torch::nn::Linear(32, 1));
  }

  simulation.run([&](int rank) {
    torch::nn::Sequential& model = models[static_cast<std::size_t>(rank)];
    const Points points = points_of(rank, workers);
    torch::optim::Adam optimizer(model->parameters(), 0.01);
    laconic::Session session = simulation.join(rank, model->parameters(), {.samples = 32});
    bool more = true;
    while (more) {
      optimizer.zero_grad();
      torch::mse_loss(model->forward(points.x), points.y).backward();
      session.gradient_ready();
      optimizer.step();
      more = session.step();
    }
  });

  const torch::NoGradGuard no_gradient;
  double error = 0.0;  // of worker 0's model, on everybody's points
  for (int rank = 0; rank < workers; ++rank) {
    const Points points = points_of(rank, workers);
    error += torch::mse_loss(models[0]->forward(points.x), points.y).item<double>() / workers;
  }
  const laconic::RunSummary summary = simulation.summary();
  std::printf("error %.4f after %llu steps, %llu synchronisations, %llu bytes, %.2f s\n", error,
              static_cast<unsigned long long>(summary.steps), static_cast<unsigned long long>(summary.syncs),
              static_cast<unsigned long long>(summary.bytes), summary.seconds);
  return error < 0.05 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "fit: %s\n", error.what());
  return 1;
}
