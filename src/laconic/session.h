// Training in a loop of your own: it keeps its model, optimiser and data, and calls one object a step.
//
//   laconic::Simulation simulation("job.toml");
//   simulation.run([&](int rank) {                       // in a thread for each worker
//     torch::nn::Linear model(784, 10);
//     torch::optim::SGD optimizer(model->parameters(), 0.1);
//     laconic::Session session = simulation.join(rank, model->parameters());
//     for (auto& batch : *loader) {
//       optimizer.zero_grad();
//       loss_of(model, batch).backward();
//       session.gradient_ready();
//       optimizer.step();
//       if (!session.step()) break;                      // all of the job's steps are done
//     }
//   });
//
// The same over the processes that a launcher has started, a worker each:
//
//   laconic::Session session = laconic::join("job.toml", model->parameters());   // mpirun -n 4 ./train
//
// The job file is one of `laconic run` with the sections job, workers, strategy, between, topology, compression and
// network: what the others say, the loop decides. The strategy is any of `laconic list strategies` but those that it
// says are not for a loop of one's own. Every worker begins with the parameters that worker 0 came with.
//
// Same seed, same run, in the simulator always, over processes where the strategy's workers wait for each other: what
// the workers do to their models in each step, given the parameters, decides parameters, bytes and simulated time; how
// long the threads take does not.
//
// Errors are std::runtime_error, one line that says what, where and what to do. An error of the run, wherever it comes
// up, is thrown in every worker by the call that it waits in or makes next. The library prints nothing: what no call
// throws, such as a warning, goes to the NoticeHandler that the program gives.
//
//   const auto print = [](const laconic::Notice& notice) { std::cerr << notice.text << std::endl; };
//   laconic::Simulation simulation("job.toml", {}, print);
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

// What the shared library shows.
#define LACONIC_API __attribute__((visibility("default")))

namespace laconic {

class ClusterRun;
class LoopRun;
class SimulatedRun;

// What a run has to tell that no call of the program throws.
struct Notice {
  enum class Kind {
    kWarning,  // something that should not happen and was dealt with
    kError     // why a worker has left, or its process is about to be ended
  };
  Kind kind;
  std::string text;  // one line, without its end, that begins with the name of the job or of the worker
};

// Takes the notices of one run; without a handler they are lost.
//
// Called on threads of the library's and on the one that destroys a session, one call at a time, from the beginning of
// the run until its Simulation or Cluster and its sessions are gone. The run waits until it returns, except that a
// process that is about to be ended waits at most a second. It calls nothing of this header, and what it throws is lost.
using NoticeHandler = std::function<void(const Notice& notice)>;

struct JoinOptions {
  std::uint64_t samples = 1;  // that this worker trains on: its weight in weighted means; at least 1
};

// What a run came to.
struct RunSummary {
  std::uint64_t steps = 0;       // of each worker
  std::uint64_t syncs = 0;       // synchronisations that worker 0 took part in
  std::uint64_t frames = 0;      // that all nodes sent
  std::uint64_t bytes = 0;       // of those frames, with their headers
  double seconds = 0.0;          // of the run's clock
  std::uint64_t trace_hash = 0;  // of all that happened in the simulator, equal for equal runs; 0 over processes
};

// One worker's place in a run; used by one thread at a time. It is left by destroying it: before the last step that
// ends the run for all, with an error that names the worker.
class LACONIC_API Session {
 public:
  Session(Session&&) noexcept;
  Session& operator=(Session&&) noexcept;
  ~Session();

  int rank() const;
  int world_size() const;
  std::uint64_t steps_done() const;
  std::uint64_t steps() const;  // of the whole run, job.steps
  bool finished() const;
  // Whether the job's strategy wants gradient_ready() in each step.
  bool needs_gradient() const;

  // To be called when the parameters' gradients are there and the optimiser has not used them: waits until they are
  // what the optimiser is to use. An undefined gradient counts as zeros. With a strategy that does not need it, it
  // returns at once and changes nothing.
  void gradient_ready();
  // To be called when the optimiser has taken its step: waits until the strategy has done its part, which may change
  // the parameters in place, and the next step may begin. False when that was the last one; after it neither may be
  // called again. Throws where gradient_ready() was needed and not called, and when a parameter is not finite.
  bool step();

  // What the run came to, the same for all workers. Waits for its end; to be called when step() has returned false.
  // Throws the run's error.
  RunSummary summary();

 private:
  friend class Cluster;
  friend class Simulation;
  struct State;
  explicit Session(std::unique_ptr<State> state);
  State& state() const;
  std::unique_ptr<State> state_;
};

// A job's workers as threads of this process, on the simulator's network and in its time.
class LACONIC_API Simulation {
 public:
  // `overrides` are "section.key=value". Throws for a job that cannot be read or driven by a loop of one's own.
  explicit Simulation(const std::string& job_file, const std::vector<std::string>& overrides = {},
                      NoticeHandler on_notice = {});
  // Ends a run that is not done, for all.
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  int world_size() const;

  // Takes worker `rank`'s place, and waits until all others have taken theirs; each in a thread of its own, within
  // network.deadline on the wall clock. `parameters` stay the caller's: float32 leaves on the CPU, dense, none of which
  // shares memory with another, of the same shapes in the same order in all workers. They then hold those of worker 0.
  Session join(int rank, std::vector<at::Tensor> parameters, const JoinOptions& options = {});

  // Calls `loop` with each rank in a thread of its own and returns when all have returned. Throws what went wrong.
  void run(const std::function<void(int rank)>& loop);

  // Waits for the end of a run that was begun. Throws its error.
  RunSummary summary();

 private:
  std::shared_ptr<SimulatedRun> run_;
};

// This process as one of those that mpirun, mpiexec or srun has started: a worker of the job, over MPI, in real time.
//
// One in a program: it starts the MPI library, when it is made, and ends it with the run, so a program that uses MPI
// itself cannot use it. All processes make one, with the same job; what is wrong with one of them is thrown in all. A
// process without a launcher is the one worker of its job.
//
// Nobody waits without an end: who is lost, or does not come within network.deadline, is named in all others by the
// call that they wait in. Where MPI itself does not come back from a call once a peer is lost, none of this process can
// throw: it tells its NoticeHandler why and ends at once, with std::_Exit and code 3. After an error the program's exit
// leaves MPI as it is, and the launcher ends what is left; what std::cout and stdio hold is flushed before.
class LACONIC_API Cluster {
 public:
  // Waits for all processes. `overrides` are "section.key=value".
  explicit Cluster(const std::string& job_file, const std::vector<std::string>& overrides = {},
                   NoticeHandler on_notice = {});
  // Ends a run that is not done, for all.
  ~Cluster();
  Cluster(const Cluster&) = delete;
  Cluster& operator=(const Cluster&) = delete;

  int rank() const;
  int world_size() const;

  // Takes this process' place, once, and waits until all others have taken theirs, each within network.deadline.
  // `parameters` as Simulation::join says. The session is used by one thread at a time and keeps the run when the
  // Cluster is gone.
  Session join(std::vector<at::Tensor> parameters, const JoinOptions& options = {});

 private:
  std::shared_ptr<ClusterRun> run_;
};

// Cluster(job_file, {}, on_notice).join(parameters, options).
LACONIC_API Session join(const std::string& job_file, std::vector<at::Tensor> parameters,
                         const JoinOptions& options = {}, NoticeHandler on_notice = {});

}  // namespace laconic
