// The loop of a process that holds one node: moves messages, timers and coroutines, and never blocks, so that any number
// of them can take turns on one thread.
#pragma once

#include <asio/io_context.hpp>
#include <deque>
#include <exception>
#include <functional>
#include <utility>

#include "runtimes/node/link.h"
#include "runtimes/node/processor.h"
#include "runtimes/process/node.h"

namespace laconic::process {

class NodeLoop {
 public:
  struct Parts {  // all outlive the loop
    node::Link& link;
    Clock& clock;
    PolledProcessor& steps;  // where a worker's steps are computed
    PolledProcessor& sums;   // where sums and copies of whole vectors go on beside them
  };
  // `handlers`: called from turn(), where they may begin and end coroutines.
  NodeLoop(const Parts& parts, node::LinkHandlers handlers);
  // Unwinds all coroutines.
  ~NodeLoop();
  NodeLoop(const NodeLoop&) = delete;
  NodeLoop& operator=(const NodeLoop&) = delete;

  Local& local() { return local_; }
  node::Link& link() { return parts_.link; }
  Seconds now() const { return parts_.clock.now(); }
  Seconds last_heard(int process) const { return parts_.link.last_heard(process); }
  // Runs `task` until it suspends, and on in later turns; `done` is called when it has returned or thrown; what
  // that throws comes out of the call in which it happens.
  void spawn(Task<void> task, std::function<void(const std::exception_ptr& error)> done);
  // Does `act` in a turn, behind what came before.
  void defer(std::function<void()> act) { news_.push_back(std::move(act)); }
  // Lets coroutines go on that were resumed outside of turn().
  void continue_coroutines();

  // Whatever is to be done now. Returns whether anything moved.
  bool turn();
  // When there is something to do though nothing comes.
  Seconds next_event() const;

 private:
  Parts parts_;
  asio::io_context io_{1};
  Local local_;
  node::LinkHandlers handlers_;  // of the caller
  node::LinkHandlers collect_;   // what comes is dealt with outside of the link
  std::deque<std::function<void()>> news_;
  std::exception_ptr thrown_;
};

}  // namespace laconic::process
