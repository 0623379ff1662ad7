#include "mechanisms/finish.h"

#include <string>
#include <utility>

#include "mechanisms/global_average.h"

namespace laconic {
namespace {

constexpr std::string_view kFinish = "finish";

class Finished final : public Strategy {
 public:
  Finished(std::unique_ptr<Strategy> inner, std::uint64_t last_step)
      : inner_(std::move(inner)), last_step_(last_step) {}

  Task<void> round(Worker& self) override {
    co_await inner_->round(self);
    if (self.step().value != last_step_) co_return;
    // The coordinator counts averages alone, and this is the first; the workers have counted their gossip too.
    const Round first{0};
    const SharedVector mean = co_await global_average(self.comm(), first, self.params());
    co_await self.set_params(mean);
  }

  Task<void> coordinate(Coordinator& self) override { return serve_global_averages(self); }

  void archive(Archive& archive) override { inner_->archive(archive); }

 private:
  std::unique_ptr<Strategy> inner_;
  std::uint64_t last_step_;
};

}  // namespace

OptionSpec finish_option() {
  return {.name = kFinish,
          .type = OptionType::kChoice,
          .default_value = "none",
          .choices = {"none", "average"},
          .help = "average all models once, exactly, after the last step, by the job's collective; its bytes count"};
}

bool finishes(const Options& options) { return options.text(kFinish) == "average"; }

GossipAloneOption finish_alone() { return {.name = kFinish, .text = "none"}; }

std::vector<OptionText> finish_texts() { return {{kFinish, "average"}}; }

std::uint64_t finish_step(const Options& options, const StrategySetting& setting) {
  return finishes(options) ? setting.steps : 0;
}

StrategyFactory with_finish(const Options& options, const StrategySetting& setting, StrategyFactory inner) {
  const std::uint64_t last_step = finish_step(options, setting);
  if (last_step == 0) return inner;
  return [inner = std::move(inner), last_step] { return std::make_unique<Finished>(inner(), last_step); };
}

TrafficFormula with_finish(const Options& options, const StrategySetting& setting, TrafficFormula formula) {
  if (finishes(options)) {
    formula.run(Traffic::kModel) += all_reduce_payload(setting.collective, setting.world_size, setting.dimension).value;
  }
  return formula;
}

Demands with_finish(const Options& options, Demands demands) {
  if (finishes(options)) {
    demands.gossip.also_collectives = true;
    demands.needs_all_steps = true;
  }
  return demands;
}

}  // namespace laconic
