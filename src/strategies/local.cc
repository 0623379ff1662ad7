// No communication: every worker trains on its own data alone (`local`), or one worker has all of it (`serial`).
//
// Both are baselines of Kamp et al. 2018 (there "nosync" and "serial").
// Invariant: no bytes. Messages a round: none.
#include "protocol/strategy.h"

namespace laconic {
namespace {

class Local final : public Strategy {
 public:
  Task<void> round(Worker& self) override { return self.local_step(); }
};

StrategyFactory make(const Options&, const StrategySetting&) {
  return [] { return std::make_unique<Local>(); };
}

TrafficFormula traffic(const Options&, const StrategySetting&) { return {}; }

}  // namespace

extern const StrategyRow kLocal;
const StrategyRow kLocal = {.name = "local",
                            .help = "every worker trains alone; nothing is sent",
                            .source = "Kamp et al. 2018 (nosync)",
                            .options = {},
                            .demands = [](const Options&) { return Demands{.talks = Talks::kNobody}; },
                            .make = make,
                            .traffic = traffic};

extern const StrategyRow kSerial;
const StrategyRow kSerial = {
    .name = "serial",
    .help = "one worker trains on all the data",
    .source = "Kamp et al. 2018 (serial)",
    .file = "local.cc",
    .options = {},
    .demands = [](const Options&) { return Demands{.talks = Talks::kNobody, .single_worker = true}; },
    .make = make,
    .traffic = traffic};

}  // namespace laconic
