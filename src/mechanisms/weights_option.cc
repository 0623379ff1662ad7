#include "mechanisms/weights_option.h"

#include <vector>

#include "base/error.h"

namespace laconic {

OptionSpec weights_option(std::string_view default_value) {
  return {.name = "weights",
          .type = OptionType::kChoice,
          .default_value = default_value,
          .choices = {"equal", "samples"},
          .help = "weight of a worker in an average; equal: the same for all; samples: its number of training samples"};
}

SharedWeights read_weights(const Options& options, const StrategySetting& setting) {
  if (options.text("weights") == "equal") return equal_weights(setting);
  LACONIC_CHECK(setting.samples.size() == static_cast<std::size_t>(setting.world_size),
                setting.samples.size() << " numbers of samples for " << setting.world_size << " workers");
  return std::make_shared<MeanWeights>(std::vector<double>(setting.samples.begin(), setting.samples.end()));
}

SharedWeights equal_weights(const StrategySetting& setting) {
  return std::make_shared<MeanWeights>(std::vector<double>(static_cast<std::size_t>(setting.world_size), 1.0));
}

}  // namespace laconic
