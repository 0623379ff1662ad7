// The MPI library from its start to its end, and what it knows of this process.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/units.h"
#include "links/mpi/launcher.h"

namespace laconic::mpi {

struct Handles;

// Exists once in a process, and once only: the library cannot be started again. The thread that makes it is the one
// that runs the protocol, and no other may use it or what is built on it (MPI_THREAD_FUNNELED); other threads may
// compute.
class Environment {
 public:
  // Starts the library. `launch`: what the launcher said to this process (find_launch). Throws UsageError when somebody
  // has started the library before, and when it sees another number of processes than the launcher started, since it is
  // then the launcher of another MPI; RunError when the library does not start. A library may also end the process by
  // itself at this point, when it can't reach its launcher.
  explicit Environment(const std::optional<Launch>& launch);
  // Calls nothing. A process that ends without finalize() has failed in its launcher's eyes, which ends the others:
  // that is how to leave after a loss, when nobody is there to end the library together with.
  ~Environment();
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  // Name and version, for people: "Open MPI v4.1.4, ...".
  const std::string& library() const { return library_; }
  // The machine that this process runs on, as MPI calls it.
  const std::string& host() const { return host_; }

  // Ends the library together with all other processes, which all have to call this. When that has not come about after
  // `limit`, `late` is called, once, on another thread; the library cannot be made to return, so `late` has to end the
  // process. MPICH 4.0 over TCP (UCX 1.13) needs it now and then though all processes are here. Throws RunError when
  // the library refuses.
  void finalize(Seconds limit, const std::function<void()>& late);

  const Handles& handles() const { return *handles_; }

 private:
  std::unique_ptr<Handles> handles_;
  int rank_ = 0;
  int size_ = 1;
  std::string library_;
  std::string host_;
};

}  // namespace laconic::mpi
