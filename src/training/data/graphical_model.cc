#include "training/data/graphical_model.h"

#include <array>
#include <string_view>

#include "base/error.h"

namespace laconic {

GraphicalModel::GraphicalModel(const GraphicalModelSize& size, std::uint64_t seed, std::uint64_t number) {
  LACONIC_CHECK(size.inputs > 0 && size.hidden > 0, size.inputs << " inputs, " << size.hidden << " hidden bits");
  RandomStream stream(seed, "graphical model", {number});
  for (std::uint32_t j = 0; j < size.hidden; ++j) hidden_flips_.push_back(stream.uniform());
  for (std::uint32_t i = 0; i < size.inputs; ++i) {
    input_flips_.push_back(stream.uniform());
    wires_.push_back(static_cast<std::uint32_t>(stream.below(size.hidden)));
  }
}

Samples GraphicalModel::draw(RandomStream& stream, std::size_t count) const {
  Samples samples;
  samples.labels.reserve(count);
  samples.pixels.reserve(count * wires_.size());
  std::vector<bool> hidden(hidden_flips_.size());
  for (std::size_t sample = 0; sample < count; ++sample) {
    const bool label = stream.below(2) == 1;
    samples.labels.push_back(label ? 1 : 0);
    for (std::size_t j = 0; j < hidden.size(); ++j) hidden[j] = label != (stream.uniform() < hidden_flips_[j]);
    for (std::size_t i = 0; i < wires_.size(); ++i) {
      const bool bit = hidden[wires_[i]] != (stream.uniform() < input_flips_[i]);
      samples.pixels.push_back(bit ? 255 : 0);
    }
  }
  return samples;
}

std::span<const OptionSpec> graphical_model_options() {
  const auto count = [](std::string_view name, std::string_view value, double most, std::string_view help) {
    return OptionSpec{.name = name,
                      .type = OptionType::kInteger,
                      .default_value = value,
                      .minimum = 1,
                      .maximum = most,
                      .help = help};
  };
  static const std::array options = {
      count("inputs", "50", 65536, "bits that the model sees"),
      count("hidden", "10", 65536, "bits between them and the label"),
      count("samples", "50000", 1e7, "samples per epoch; the stream has no end"),
      count("test", "2000", 1e6, "samples of the test split"),
  };
  return options;
}

Dataset make_graphical_model_data(const DatasetRow& row, const std::string&, const Options& options, Splits) {
  Dataset data;
  data.name = row.name;
  data.classes = row.classes;
  data.stream = {.inputs = static_cast<std::uint32_t>(options.integer("inputs")),
                 .hidden = static_cast<std::uint32_t>(options.integer("hidden"))};
  data.shape = {.channels = 1, .height = 1, .width = static_cast<std::int64_t>(data.stream->inputs)};
  data.train.drawn = options.integer("samples");
  data.test.drawn = options.integer("test");
  return data;
}

}  // namespace laconic
