// The average at the end: strategies that gossip may average all models once, exactly, after the last step of the run,
// by the job's collective. Where data differ between workers one such merge brings most of what averaging all along
// would have ("a single global merging", arXiv 2507.06542). Its bytes are counted as any other's.
#pragma once

#include <cstdint>
#include <memory>

#include "protocol/strategy.h"

namespace laconic {

// finish = "none" | "average"
OptionSpec finish_option();
bool finishes(const Options& options);
// Where nobody trains it is none: a gamma that is tuned would else look as good as the average at the end.
GossipAloneOption finish_alone();
// The options of a variant with it.
std::vector<OptionText> finish_texts();

// The step after which the models are averaged; 0: never. Throws UsageError where nobody waits for others, which an
// average needs.
std::uint64_t finish_step(const Options& options, const StrategySetting& setting);

// `inner`, whose model after a round is the worker's params(), with the average after the last step.
StrategyFactory with_finish(const Options& options, const StrategySetting& setting, StrategyFactory inner);

// What it adds to a strategy's formula and demands.
TrafficFormula with_finish(const Options& options, const StrategySetting& setting, TrafficFormula formula);
Demands with_finish(const Options& options, Demands demands);

}  // namespace laconic
