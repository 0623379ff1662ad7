// The MPI library from its start to its end, and what it knows of this process.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "runtimes/common/launcher.h"

namespace laconic::mpi {

struct Handles;

// Exists once in a process, and once only: the library cannot be started again. The thread that makes it is the one
// that runs the protocol, and no other may use it or what is built on it (MPI_THREAD_FUNNELED); other threads may
// compute.
class Environment {
 public:
  // Starts the library. `launch`: what the launcher said to this process (find_launch). Throws UsageError when the
  // library sees another number of processes than the launcher started, since it is then the launcher of another MPI;
  // RunError when the library does not start. A library may also end the process by itself at this point, when it can't
  // reach its launcher.
  explicit Environment(const std::optional<runtime::Launch>& launch);
  // Ends the library together with all other processes, which all have to do so: this waits for them without a
  // deadline. Does nothing after leave(), nor while an exception is on its way out, as the others need not be there
  // then.
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  // Name and version, for people: "Open MPI v4.1.4, ...".
  const std::string& library() const { return library_; }
  // The machine that this process runs on, as MPI calls it.
  const std::string& host() const { return host_; }

  // From here on the process ends without ending the library: after the loss of a peer, for which the end would wait.
  // The launcher takes that for a failure and ends what is left of the job.
  void leave() { left_ = true; }

  const Handles& handles() const { return *handles_; }

 private:
  std::unique_ptr<Handles> handles_;
  int rank_ = 0;
  int size_ = 1;
  std::string library_;
  std::string host_;
  int exceptions_ = 0;
  bool left_ = false;
};

}  // namespace laconic::mpi
