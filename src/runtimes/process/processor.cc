#include "runtimes/process/processor.h"

#include <exception>
#include <utility>
#include <vector>

namespace laconic::mpi {

void Doorbell::ring() {
  const std::lock_guard lock(mutex_);
  has_rung_ = true;
  rung_.notify_one();
}

void Doorbell::wait(std::chrono::nanoseconds span) {
  std::unique_lock lock(mutex_);
  rung_.wait_for(lock, span, [this] { return has_rung_; });
  has_rung_ = false;
}

// Does not hold the coroutine that waits for it: that one holds the computation.
class RealProcessor::Computation final : public Pending::State {
 public:
  Computation(RealProcessor& processor, std::shared_ptr<PooledWork> job)
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
  RealProcessor& processor_;
  std::uint64_t number_;
  std::shared_ptr<PooledWork> job_;
};

Pending RealProcessor::submit(Cost cost, std::function<void()> work) {
  if (cost == Cost::kFree && inline_free_ && !is_busy()) {
    auto job = std::make_shared<PooledWork>(std::move(work));
    job->run();
    return Pending(std::make_shared<Computation>(*this, std::move(job)));
  }
  auto rings = [this, work = std::move(work)] {
    struct AtTheEnd {
      Doorbell& bell;
      ~AtTheEnd() { bell.ring(); }
    } const at_the_end{bell_};
    work();
  };
  return Pending(std::make_shared<Computation>(*this, pool_.submit(queue_, std::move(rings))));
}

bool RealProcessor::poll() {
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

}  // namespace laconic::mpi
