// A worker in each process that a launcher starts, over MPI: mpirun -n 4 ./fit_cluster job.toml
#include <cstdio>
#include <exception>

#include "task.h"

int main(int argc, char** argv) try {
  if (argc != 2) {
    std::fprintf(stderr, "usage: mpirun -n 4 %s job.toml\n", argv[0]);
    return 2;
  }
  torch::manual_seed(1);
  torch::nn::Sequential model = make_model();
  laconic::Session session = laconic::join(argv[1], model->parameters(), {.samples = 32}, show);
  train(session, model);

  const double error = error_of(model, session.world_size());
  if (session.rank() == 0) print(session.summary(), error);
  return error < 0.05 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s: %s\n", argv[0], error.what());
  return 1;
}
