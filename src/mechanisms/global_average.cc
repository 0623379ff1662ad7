#include "mechanisms/global_average.h"

namespace laconic {
namespace {

// Who collects waits for half of the deadline, and has to wait longer than neighbours do, who wait for all of it.
constexpr double kLonger = 2.5;

CommOptions patient(CommOptions options) {
  options.deadline.value *= kLonger;
  return options;
}

}  // namespace

Task<SharedVector> global_average(Comm& comm, Round round, std::span<const float> values) {
  Comm all(comm.transport(), comm.processor(), patient(comm.options()), round);
  co_return co_await all.all_reduce_mean(values, Traffic::kModel);
}

Task<void> serve_global_averages(Coordinator& self) {
  Comm& comm = self.comm();
  Comm all(comm.transport(), comm.processor(), patient(comm.options()));
  Reductions reductions(all);
  const TagSet tags{Tag::kReduceMean};
  for (;;) {
    const Arrival first = co_await all.receive_when_idle(tags, comm.upcoming_round());
    co_await reductions.serve(comm.next_round(), first);
  }
}

}  // namespace laconic
