#include <utility>

#include "base/error.h"
#include "laconic/cluster_run.h"
#include "laconic/notice_handler.h"
#include "laconic/session_state.h"
#include "laconic/tensors.h"

namespace laconic {

Cluster::Cluster(const std::string& job_file, const std::vector<std::string>& overrides, NoticeHandler on_notice)
    : run_(ClusterRun::begin(job_file, overrides, sink_of(std::move(on_notice)))) {}

Cluster::~Cluster() {
  if (run_->has_joined()) return;
  run_->abandon(std::make_exception_ptr(RunError("its program has left without joining; call join() on its Cluster")));
}

int Cluster::rank() const { return run_->rank(); }
int Cluster::world_size() const { return run_->world_size(); }

Session Cluster::join(std::vector<at::Tensor> parameters, const JoinOptions& options) {
  try {
    Layout layout = layout_of_parameters(parameters, "its model");
    std::vector<float> start = start_of(parameters, layout, "its model");
    LoopLearner& learner = run_->join(std::move(layout), std::move(start), options.samples);
    auto state = std::make_unique<Session::State>(run_, run_->rank(), std::move(parameters), learner);
    state->await_turn();
    return Session(std::move(state));
  } catch (...) {
    run_->abandon(std::current_exception());
    throw;
  }
}

Session join(const std::string& job_file, std::vector<at::Tensor> parameters, const JoinOptions& options,
             NoticeHandler on_notice) {
  return Cluster(job_file, {}, std::move(on_notice)).join(std::move(parameters), options);
}

}  // namespace laconic
