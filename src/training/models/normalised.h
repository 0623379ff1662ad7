// Networks of convolutions that are each followed by a norm: what residual networks and VGG share. Internal to the
// training layer.
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "training/models/network.h"

namespace laconic {

enum class Norm {
  kNone,     // the convolution has a bias instead
  kBatch,    // batch norm (Ioffe and Szegedy 2015; momentum 0.1); its running mean and unbiased variance are buffers
  kGroup,    // group norm (Wu and He 2018)
  kEvoNorm,  // EvoNorm-S0 (evonorm.h), which is an activation too
};

// "none", "batch", "group" or "evonorm".
Norm norm_of(std::string_view name);

// Group norm and EvoNorm-S0 take the mean and variance of one image over a group of so many neighbouring channels, all
// of them where there are fewer. (Wu and He, table 3: about as good as 32 groups.)
inline constexpr std::int64_t kGroupChannels = 16;

class NormalisedNetwork : public Network {
 protected:
  explicit NormalisedNetwork(Norm norm) : norm_(norm) {}

  // A convolution of an odd kernel, padded so that it keeps the size, which starts normal with variance 2 / fan_out (He
  // et al. 2015), and its norm: scale 1, shift 0, for EvoNorm v 1. All norms have an epsilon of 1e-5.
  void add_normalised(const std::string& name, std::int64_t inputs, std::int64_t outputs, std::int64_t kernel);

  // The layers in one pass, each taken once, in the order in which they were added.
  class Layers {
   public:
    Layers(const NormalisedNetwork& network, const std::vector<at::Tensor>& parameters, const Pass& pass)
        : norm_(network.norm_), parameters_(parameters), pass_(pass) {}

    // The next convolution, of every `stride`-th place, and its norm.
    at::Tensor normalised(const at::Tensor& x, std::int64_t stride);
    // What follows a norm, in the place of x: ReLU. EvoNorm is its own activation, and nothing follows it.
    at::Tensor activated(at::Tensor x) const { return norm_ == Norm::kEvoNorm ? x : x.relu_(); }
    // The next dense layer.
    at::Tensor dense(const at::Tensor& x);

   private:
    const at::Tensor& next() { return parameters_.at(parameter_++); }
    const Norm norm_;
    const std::vector<at::Tensor>& parameters_;
    const Pass& pass_;
    std::size_t parameter_ = 0;
    std::size_t buffer_ = 0;
  };

 private:
  Norm norm_;
};

}  // namespace laconic
