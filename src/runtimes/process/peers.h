// Which of the processes of a run are known to have ended, as far as the host tells.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtimes/process/host.h"

namespace laconic::process {

class Peers {
 public:
  // What all told of themselves (Host::self), by rank; `rank`: this process. `host` outlives it.
  Peers(const Host& host, std::vector<std::string> told, int rank) : host_(host), told_(std::move(told)), rank_(rank) {}

  // Whether a process is known to have ended: it was on this machine, and is not there any more.
  bool is_gone(int process) const;
  // All of those: "worker 2", "worker 2, worker 5", or empty.
  std::string gone() const;

 private:
  const Host& host_;
  std::vector<std::string> told_;
  int rank_;
};

}  // namespace laconic::process
