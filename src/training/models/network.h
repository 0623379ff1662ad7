// A model as a pure function of its parameters. Internal to the training layer, as are the other headers that show
// libtorch: instance_pool.h, flat_optimizer.h, torch_learner.h.
#pragma once

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace laconic {

// One tensor of parameters, and the distribution of its elements at the start.
struct ParameterSpec {
  enum class Start { kConstant, kUniform, kNormal, kGiven };
  std::string name;
  std::vector<std::int64_t> shape;
  Start start = Start::kConstant;
  double scale = 0.0;  // the constant; the a of U(-a, a); the standard deviation around 0
  std::vector<float> given = {};
};

// One tensor that belongs to the model and is not trained; at the start all its elements are `value`, or what is given.
struct BufferSpec {
  std::string name;
  std::vector<std::int64_t> shape;
  float value = 0.0F;
  // No pass leaves an element below it; what strategies make of travelling buffers is cut off there when it is used.
  float minimum = -std::numeric_limits<float>::infinity();
  std::vector<float> given = {};
};

// What a pass through a network has beside parameters and inputs.
struct Pass {
  // As many and of the shapes as buffers(). A pass in training updates them, another one only reads them.
  std::vector<at::Tensor> buffers = {};
  bool training = false;
  at::Generator* dropout_masks = nullptr;  // where a pass in training has its masks from; null otherwise
};

// What was done to the data (training/data/preprocessing.h) as it lies in a model's file: an extra file of
// torch.jit.load, in a state dict's archive extra/preprocess.json.
inline constexpr const char* kNotesFile = "preprocess.json";

// An attribute of modules that do to raw samples what was done to the data (exported_module.h).
inline constexpr const char* kTakesRawSamples = "takes_raw_samples";

class Network {
 public:
  virtual ~Network() = default;

  // In the order of the flat vectors; the same for the network's life.
  const std::vector<ParameterSpec>& parameters() const { return parameters_; }
  const std::vector<BufferSpec>& buffers() const { return buffers_; }

  // Class scores, predictions x classes, or the numbers that are predicted, samples x numbers. Of images, samples x channels x height x width floats, each is a prediction;
  // of text, samples x length tokens (int64), each token is one, sample after sample: of the token that follows.
  // `parameters` are as many and of the shapes as parameters(). Keeps no state: many threads may call it at once.
  virtual at::Tensor scores(const std::vector<at::Tensor>& parameters, const at::Tensor& inputs,
                            const Pass& pass) const = 0;
  // Of what else than its parameters decides what it computes, for models that are not ours; 0 for those that are.
  virtual std::uint64_t fingerprint() const { return 0; }
  // Whether a pass in training draws masks.
  virtual bool has_dropout() const { return false; }
  // What the scores lose against Batch::targets, the mean over the predictions or the sum: by default the cross-entropy.
  // Of numbers the mean and the sum are over all numbers.
  virtual at::Tensor loss(const at::Tensor& scores, const at::Tensor& targets, bool mean) const;
  // The class that each prediction is of, int64 or whole numbers as floats: by default that of the largest score. Of
  // models that give a number it may be no class.
  virtual at::Tensor predicted(const at::Tensor& scores) const;
  // What is wrong with scores of a pass over `samples` samples with `predictions` predictions, from "gives" on; empty
  // where nothing is. Of models that are not ours: all others give what scores() says.
  virtual std::string misfit(const at::Tensor& scores, std::int64_t samples, std::int64_t predictions) const;
  // What whoever trains the model should know, each in one line, from scores of a first pass in training: what is
  // likely not meant, and is done all the same.
  virtual std::vector<std::string> remarks(const at::Tensor& scores) const;
  // Writes the model as Python loads it: by default a state dict for torch.load, the tensors by their names; `notes` go
  // into the file beside it, under the name kNotesFile. Throws c10::Error when the file cannot be written.
  virtual void save(const std::string& path, const std::vector<at::Tensor>& parameters,
                    const std::vector<at::Tensor>& buffers, const std::string& notes) const;
  // The model as a TorchScript module with copies of these tensors, where it is one; by default nothing.
  virtual std::optional<torch::jit::Module> module(const std::vector<at::Tensor>& parameters,
                                                   const std::vector<at::Tensor>& buffers) const;

 protected:
  // Each adds its tensors in the order named. Weights start Glorot-uniform (Glorot and Bengio 2010), U(-a, a) with
  // a = sqrt(6 / (fan_in + fan_out)), biases at zero.
  void add_dense(const std::string& name, std::int64_t inputs, std::int64_t outputs);       // weight, bias
  void add_convolution(const std::string& name, std::int64_t inputs, std::int64_t outputs,  // weight, bias
                       std::int64_t kernel);
  void add(ParameterSpec parameter) { parameters_.push_back(std::move(parameter)); }
  void add(BufferSpec buffer) { buffers_.push_back(std::move(buffer)); }

 private:
  std::vector<ParameterSpec> parameters_;
  std::vector<BufferSpec> buffers_;
};

// Inverted dropout of x with masks of the generator; libtorch's own draws from one generator for the whole process.
// Without masks it is x.
at::Tensor dropout(const at::Tensor& x, double rate, at::Generator* masks);

}  // namespace laconic
