// Who the processes of a run are, as the operating system knows them: enough to say of one on the same machine that it
// is no more.
#pragma once

#include <string>
#include <vector>

namespace laconic::mpi {

class Peers {
 public:
  // What a process tells of itself to all others.
  static std::string self();

  Peers() = default;
  // What they told, by rank; `rank`: this process.
  Peers(std::vector<std::string> told, int rank) : told_(std::move(told)), rank_(rank) {}

  // Whether a process is known to have ended: it was on this machine, and is not there any more.
  bool is_gone(int process) const;
  // All of those: "worker 2", "worker 2, worker 5", or empty.
  std::string gone() const;

 private:
  std::vector<std::string> told_;
  int rank_ = 0;
};

}  // namespace laconic::mpi
