// A stream of samples from a random graphical model, after the synthetic stream of Kamp et al. 2018: a label y in
// {0, 1}, either as likely; hidden bit j is y flipped with probability p_j; input i is the hidden bit wires_i flipped
// with probability q_i. All p and q are uniform in [0, 1), all wires uniform, drawn once for each model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/options.h"
#include "base/random.h"
#include "training/data/dataset.h"

namespace laconic {

class GraphicalModel {
 public:
  // Model number `number` of a seed.
  GraphicalModel(const GraphicalModelSize& size, std::uint64_t seed, std::uint64_t number);

  // `count` samples with the next draws of `stream`: images of 1 x 1 x inputs pixels, 0 or 255.
  Samples draw(RandomStream& stream, std::size_t count) const;

  const std::vector<double>& hidden_flips() const { return hidden_flips_; }  // p
  const std::vector<double>& input_flips() const { return input_flips_; }    // q
  const std::vector<std::uint32_t>& wires() const { return wires_; }         // a hidden bit for each input

 private:
  std::vector<double> hidden_flips_;
  std::vector<double> input_flips_;
  std::vector<std::uint32_t> wires_;
};

// The data set whose samples come from such models: the keys of [data] that it adds, and DatasetRow::open.
std::span<const OptionSpec> graphical_model_options();
Dataset make_graphical_model_data(const DatasetRow& row, const std::string& directory, const Options& options,
                                  Splits splits);

}  // namespace laconic
