#include "runtimes/node/processor.h"

#include <exception>
#include <limits>
#include <utility>
#include <vector>

namespace laconic {

// Does not hold the coroutine that waits for it: that one holds the computation.
class ThreadedProcessor::Computation final : public Pending::State {
 public:
  Computation(ThreadedProcessor& processor, std::shared_ptr<PooledWork> job)
      : processor_(processor), number_(processor.computations_++), job_(std::move(job)) {}

  Task<void> wait() override {
    if (!job_->is_done()) {
      co_await suspend<bool>([this](Resume<bool> resume) {
        processor_.waiting_.emplace(number_, Waiting{job_, std::move(resume)});
      });
    }
    job_->wait();
  }

 private:
  ThreadedProcessor& processor_;
  std::uint64_t number_;
  std::shared_ptr<PooledWork> job_;
};

Pending ThreadedProcessor::submit(Cost cost, std::function<void()> work) {
  if (cost == Cost::kFree && inline_free_ && pool_.is_idle(queue_)) {
    auto job = std::make_shared<PooledWork>(std::move(work));
    job->run();
    return Pending(std::make_shared<Computation>(*this, std::move(job)));
  }
  auto job = pool_.submit(queue_, std::move(work), [this] { clock_.wake(); });
  return Pending(std::make_shared<Computation>(*this, std::move(job)));
}

bool ThreadedProcessor::poll() {
  std::vector<Waiting> done;
  for (auto place = waiting_.begin(); place != waiting_.end();) {
    if (place->second.job->is_done()) {
      done.push_back(std::move(place->second));
      place = waiting_.erase(place);
    } else {
      ++place;
    }
  }
  for (Waiting& computation : done) computation.resume(true);
  return !done.empty();
}

Seconds ThreadedProcessor::next() const { return {std::numeric_limits<double>::infinity()}; }

}  // namespace laconic
