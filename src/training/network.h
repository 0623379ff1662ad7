// A model as a pure function of its parameters. Internal to the training layer, as are the other headers that show
// libtorch: instance_pool.h, flat_optimizer.h, torch_learner.h.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <string>
#include <vector>

namespace laconic {

// One tensor of parameters.
struct ParameterSpec {
  std::string name;
  std::vector<std::int64_t> shape;
  // Of a weight, for its initialisation: the inputs that meet in one output, and the outputs one input reaches. Both 0:
  // a bias.
  std::int64_t fan_in = 0;
  std::int64_t fan_out = 0;
};

class Network {
 public:
  virtual ~Network() = default;

  // In the order of the flat vector; the same for the network's life.
  const std::vector<ParameterSpec>& parameters() const { return parameters_; }

  // Class scores, samples x classes, of images, samples x channels x height x width in [0, 1]. `parameters` are as many
  // and of the shapes as parameters(). `dropout_masks`: where the masks come from; null outside training. Keeps no
  // state: many threads may call it at once.
  virtual at::Tensor scores(const std::vector<at::Tensor>& parameters, const at::Tensor& images,
                            at::Generator* dropout_masks) const = 0;
  // Whether `dropout_masks` is used.
  virtual bool has_dropout() const { return false; }

 protected:
  void add_dense(const std::string& name, std::int64_t inputs, std::int64_t outputs);
  void add_convolution(const std::string& name, std::int64_t inputs, std::int64_t outputs, std::int64_t kernel);

 private:
  std::vector<ParameterSpec> parameters_;
};

}  // namespace laconic
