// A node of a process, and its place on the network.
#pragma once

#include "runtimes/node/driver.h"
#include "runtimes/process/node.h"

namespace laconic::process {

struct Seat {
  // All that is referred to outlives it.
  Seat(Rank rank, Local& local, const CommOptions& options, Processor& steps, Processor& sums)
      : endpoint(rank, local), node(endpoint, endpoint.mailbox(), options, steps, sums) {}
  Endpoint endpoint;
  Node node;
};

}  // namespace laconic::process
