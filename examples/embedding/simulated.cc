// All workers in threads of this program, on the simulator's network: ./fit_simulated job.toml
#include <cstdio>
#include <exception>
#include <vector>

#include "task.h"

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s job.toml\n", argv[0]);
    return 2;
  }
  laconic::Simulation simulation(argv[1], {}, show);
  const int workers = simulation.world_size();
  // The default generator is one for the process, so the models are made before the threads are there.
  torch::manual_seed(1);
  std::vector<torch::nn::Sequential> models;
  for (int rank = 0; rank < workers; ++rank) models.push_back(make_model());

  simulation.run([&](int rank) {
    torch::nn::Sequential& model = models[static_cast<std::size_t>(rank)];
    laconic::Session session = simulation.join(rank, model->parameters(), {.samples = 32});
    train(session, model);
  });

  const double error = error_of(models[0], workers);
  print(simulation.summary(), error);
  return error < 0.05 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
  return 1;
}
