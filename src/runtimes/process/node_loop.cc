#include "runtimes/process/node_loop.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <limits>

namespace laconic::process {

NodeLoop::NodeLoop(const Parts& parts, node::LinkHandlers handlers)
    : parts_(parts),
      local_(parts.link, parts.clock, node::Placement::kCoordinatorApart),
      handlers_(std::move(handlers)) {
  collect_ = {
      .frame =
          [this](Rank from, Rank to, Frame frame) {
            news_.emplace_back([this, from, to, frame = std::move(frame)] { handlers_.frame(from, to, frame); });
          },
      .refused =
          [this](Rank from, Rank to, const std::string& problem) {
            news_.emplace_back([this, from, to, problem] { handlers_.refused(from, to, problem); });
          },
      .end =
          [this](int process, const std::string& text) {
            news_.emplace_back([this, process, text] { handlers_.end(process, text); });
          },
      .failed =
          [this](int process, const std::string& problem) {
            news_.emplace_back([this, process, problem] { handlers_.failed(process, problem); });
          }};
}

NodeLoop::~NodeLoop() {
  parts_.steps.close();
  parts_.sums.close();
  local_.sleeping.clear();
  io_.restart();
  io_.poll();
}

void NodeLoop::spawn(Task<void> task, std::function<void(const std::exception_ptr& error)> done) {
  asio::co_spawn(io_.get_executor(), std::move(task), [this, done = std::move(done)](const std::exception_ptr& error) {
    try {
      done(error);
    } catch (...) {
      thrown_ = std::current_exception();  // Asio lets nothing through
    }
  });
  continue_coroutines();
}

void NodeLoop::continue_coroutines() {
  io_.restart();
  io_.poll();
  if (thrown_) std::rethrow_exception(std::exchange(thrown_, nullptr));
}

bool NodeLoop::turn() {
  bool moved = parts_.link.progress(collect_);
  for (const auto& news : std::exchange(news_, {})) {
    news();
    continue_coroutines();
  }
  moved = parts_.steps.poll() || moved;
  moved = parts_.sums.poll() || moved;
  const Seconds now = local_.clock.now();
  while (!local_.sleeping.empty() && local_.sleeping.begin()->first <= now) {
    auto sleeper = local_.sleeping.extract(local_.sleeping.begin());
    sleeper.mapped()(true);
    moved = true;
  }
  if (local_.waits.next_deadline() <= now) {
    local_.waits.expire(now);
    moved = true;
  }
  continue_coroutines();
  return moved;
}

Seconds NodeLoop::next_event() const {
  const Seconds sleeper =
      local_.sleeping.empty() ? Seconds{std::numeric_limits<double>::infinity()} : local_.sleeping.begin()->first;
  const Seconds wait = std::min(sleeper, local_.waits.next_deadline());
  // The run's clock may have begun later than the process'.
  const Seconds on_clock{wait.value + (parts_.clock.now() - local_.clock.now()).value};
  return std::min({on_clock, parts_.steps.next(), parts_.sums.next()});
}

}  // namespace laconic::process
