#include "drain.h"

#include <utility>

namespace laconic::tests {

class DrainedStrategy final : public Strategy {
 public:
  DrainedStrategy(std::unique_ptr<Strategy> inner, Drain& drain) : inner_(std::move(inner)), drain_(drain) {}

  Task<void> round(Worker& self) override {
    co_await inner_->round(self);
    const Scenario& scenario = drain_.scenario_;
    if (self.step().value < scenario.steps && scenario.checkpoints.due(self.step())) co_await drain_.wait(self);
  }
  Task<void> coordinate(Coordinator& self) override { return inner_->coordinate(self); }
  void archive(Archive& archive) override { inner_->archive(archive); }

 private:
  std::unique_ptr<Strategy> inner_;
  Drain& drain_;
};

StrategyFactory Drain::wrap(StrategyFactory inner) {
  return [this, inner = std::move(inner)] { return std::make_unique<DrainedStrategy>(inner(), *this); };
}

Task<void> Drain::wait(Worker& self) {
  constexpr Seconds kLook{0.01};
  constexpr Seconds kFlight{1.0};
  const auto workers = static_cast<std::size_t>(scenario_.problem.workers);
  Comm& comm = self.comm();
  Arrived& arrived = arrived_[self.step()];
  arrived.models.emplace(self.rank(), std::vector<float>(self.params().begin(), self.params().end()));
  if (arrived.models.size() == workers) {
    ++drains_;
    arrived.all_since = comm.now();
    std::vector<std::vector<float>> models;
    for (const auto& [rank, model] : arrived.models) models.push_back(model);
    if (on_drained) on_drained(self.step(), models);
  }
  while (arrived.models.size() < workers) co_await comm.sleep(kLook);
  co_await comm.sleep(arrived.all_since + kFlight - comm.now());
  const Bytes before = comm.carried();
  co_await comm.sleep(arrived.all_since + kFlight + rest_ - comm.now());
  spoken_ += Bytes{comm.carried().value - before.value};
}

}  // namespace laconic::tests
