// The option `weights` of strategies that average over all workers: whether each counts the same in a mean or by its
// number of training samples.
#pragma once

#include <string_view>

#include "base/options.h"
#include "comm/mean_weights.h"
#include "protocol/strategy.h"

namespace laconic {

// weights = "equal" | "samples"
OptionSpec weights_option(std::string_view default_value = "equal");
// What it says, of the workers of a job.
SharedWeights read_weights(const Options& options, const StrategySetting& setting);
// One each.
SharedWeights equal_weights(const StrategySetting& setting);

}  // namespace laconic
