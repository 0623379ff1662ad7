// What a strategy's coordinator sees of the node it runs on: the workers, and where its arithmetic is done.
#pragma once

#include <cstddef>
#include <functional>
#include <utility>

#include "comm/comm.h"

namespace laconic {

// All calls come from the thread that runs the protocol.
class Coordinator {
 public:
  // `comm` outlives the coordinator.
  explicit Coordinator(Comm& comm) : comm_(comm) {}

  Comm& comm() const { return comm_; }
  int world_size() const { return comm_.world_size(); }

  // Arithmetic on vectors of `elements` numbers, off the protocol's thread where they are many: Comm::compute. What
  // `work` reads and writes stays alive until the returned task is done; it is nobody else's to touch meanwhile.
  Task<void> compute(std::size_t elements, std::function<void()> work) {
    return comm_.compute(elements, std::move(work));
  }

 private:
  Comm& comm_;
};

}  // namespace laconic
