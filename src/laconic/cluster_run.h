// A run over the processes that a launcher has started, as one of them sees it: a thread of its own starts the MPI
// library, agrees with the others, carries the protocol, and ends the library.
#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "job/job.h"
#include "job/notices.h"
#include "laconic/loop_learner.h"
#include "laconic/loop_run.h"

namespace laconic {

namespace process {
class Process;
}

class ClusterRun final : public LoopRun {
 public:
  // Returns when all processes are there with the same job; throws what is wrong. Once in a program: the MPI library
  // cannot be started again.
  static std::shared_ptr<ClusterRun> begin(const std::string& job_file, const std::vector<std::string>& overrides,
                                           NoticeSink notices);

  int rank() const { return rank_; }
  int world_size() const override { return static_cast<int>(job_->workers); }
  std::uint64_t steps() const override { return steps_; }
  bool needs_gradient() const override { return job_->demands().drive == LoopDrive::kGradient; }

  // Joins with this process' model and waits until all have; what is wrong with one of them is thrown in all. The
  // learner lives as long as the run. Once.
  LoopLearner& join(Layout layout, std::vector<float> start, std::uint64_t samples);

  bool has_joined();

  // And waits until all processes know, as far as they can be told.
  void abandon(const std::exception_ptr& error) override;
  void tell(const std::string& text) override;
  RunSummary summary() override;

 private:
  struct JoinRequest {
    Layout layout;
    std::vector<float> start;
    std::uint64_t samples;
  };
  explicit ClusterRun(NoticeSink notices) : notices_(std::move(notices)) {}
  // The thread's: until the library has ended, or does not come back from its end.
  void drive(const std::string& job_file, const std::vector<std::string>& overrides);
  RunSummary take_part(process::Process& process, const std::string& job_file,
                       const std::vector<std::string>& overrides);
  void set_job(int rank, Job job);
  // Throws PeerLost when the loop does not join in time.
  JoinRequest await_join();
  LoopLearner& make_learner(Layout layout, std::vector<float> start, std::uint64_t samples);
  void end(const std::exception_ptr& error, const std::optional<RunSummary>& summary);

  const NoticeSink notices_;

  std::mutex mutex_;
  std::condition_variable changed_;
  int rank_ = 0;  // this and the next two: once the job is known, for good
  std::optional<Job> job_;
  std::uint64_t steps_ = 0;
  std::optional<JoinRequest> request_;
  bool has_joined_ = false;
  std::unique_ptr<LoopLearner> learner_;  // once all have joined
  std::exception_ptr error_;
  std::optional<RunSummary> summary_;
  bool has_ended_ = false;
};

}  // namespace laconic
