// Modules that take raw samples, against the batches that the program makes of the same samples.
#include "training/models/exported_module.h"

#include <torch/script.h>

#include <numeric>
#include <sstream>

#include "training/batch.h"
#include "training/data/column_scale.h"
#include "training/data/preprocessing.h"
#include "training/tiny_training_test.h"

namespace laconic {
namespace {

std::vector<at::Tensor> tensors_of(const Layout& layout, std::vector<float> values) {
  std::vector<at::Tensor> tensors;
  for (const TensorLayout& tensor : layout.tensors) {
    tensors.push_back(at::from_blob(values.data() + tensor.offset, tensor.shape).clone());
  }
  return tensors;
}

struct Case {
  std::string model;
  std::map<std::string, std::string> options = {};
};

std::shared_ptr<const Network> make(const Case& from, const Dataset& data) {
  const ModelRow& row = find_model(from.model);
  std::map<std::string, GivenOption> given;
  for (const auto& [key, text] : from.options) given[key] = {.text = text, .where = "test"};
  return row.make(Options("model", row.options, given), data.shape, data.prediction());
}

// What torch.jit.load would read of the module that was made.
torch::jit::Module read_back(const Case& from, const Dataset& data, const Network& network,
                             const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& buffers) {
  std::stringstream file;
  exported_module(network, data, parameters, buffers).save(file, {{kNotesFile, preprocess_text(data)}});
  torch::jit::ExtraFilesMap notes = {{kNotesFile, ""}};
  torch::jit::Module module = torch::jit::load(file, at::kCPU, notes);
  EXPECT_EQ(notes.at(kNotesFile), preprocess_text(data)) << from.model;
  return module;
}

// Scores of all test samples in one batch, as a run measures them.
at::Tensor measured(const Dataset& data, const Network& network, const std::vector<at::Tensor>& parameters,
                    const std::vector<at::Tensor>& buffers) {
  std::vector<std::uint32_t> all(data.test.count());
  std::iota(all.begin(), all.end(), 0U);
  return network.scores(parameters, make_batch(data, data.test, all, nullptr).inputs, {.buffers = buffers});
}

TEST(ExportedModule, GivesForRawImagesTheScoresOfTheNormalisedOnes) {
  constexpr ImageShape kColours{.channels = 3, .height = 32, .width = 32};
  Dataset data = random_dataset(2, 7, kColours, 4);
  data.normalisation = {{0.4F, 0.2F}, {0.5F, 0.25F}, {0.1F, 0.3F}};
  use_one_thread_per_computation();
  const at::NoGradGuard no_gradient;
  for (const Case& from :
       {Case{"lenet5"}, Case{"mlp"}, Case{"kamp_cnn"}, Case{"logistic_regression"}, Case{"resnet8"},
        Case{"resnet8", {{"norm", "group"}}}, Case{"resnet8", {{"norm", "evonorm"}}}, Case{"vgg11"}}) {
    const auto network = make(from, data);
    std::vector<at::Tensor> parameters = tensors_of(layout_of(*network), initial_parameters(*network, 3));
    for (at::Tensor& parameter : parameters) {
      parameter.add_(at::arange(parameter.numel(), at::kFloat).mul(1.7).sin().mul(0.1).reshape(parameter.sizes()));
    }
    std::vector<at::Tensor> buffers = tensors_of(buffer_layout_of(*network), initial_buffers(*network));
    for (at::Tensor& buffer : buffers) buffer.add_(0.125);
    torch::jit::Module module = read_back(from, data, *network, parameters, buffers);
    const at::Tensor raw = at::from_blob(data.test.pixels.data(), {7, 3, 32, 32}, at::kByte);
    const at::Tensor expected = measured(data, *network, parameters, buffers);
    EXPECT_TRUE(at::allclose(module.forward({raw}).toTensor(), expected, 1e-4, 1e-5)) << from.model;
    for (const at::Tensor& other : {raw.to(at::kFloat).div(255), raw.permute({0, 2, 3, 1}), raw.flatten(1)}) {
      EXPECT_THROW(module.forward({other}), std::exception) << from.model << " of " << other.sizes();
    }
    EXPECT_GT(expected.std().item<double>(), 1e-4) << from.model << ": scores that can tell";
    std::size_t found = 0;
    for (const auto& parameter : module.named_parameters()) {
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        if (parameter.name != "model." + network->parameters()[i].name) continue;
        EXPECT_TRUE(at::equal(parameter.value, parameters[i])) << parameter.name;
        ++found;
      }
    }
    EXPECT_EQ(found, parameters.size()) << from.model << ": names as in a state dict, behind \"model.\"";
  }
}

TEST(ExportedModule, TakesRawRowsInDoubleAndGivesNumbersInTheUnitOfTheFile) {
  const std::vector<double> rows = {1.7e9, 0.1, 1.7e9 + 1, 0.2, 1.7e9 + 5, 0.5, 1.7e9 + 2, 0.9};
  Dataset data;
  data.shape = {.channels = 1, .height = 1, .width = 2};
  data.numbers = 1;
  data.feature_scale = column_scales(rows, 2, std::vector<bool>(4, false));
  data.target_scale = {{.mean = 300.0, .deviation = 40.0}};
  data.train.values = data.test.values = scaled(rows, data.feature_scale);
  data.train.targets_each = data.test.targets_each = 1;
  data.train.targets = data.test.targets = {0, 0, 0, 0};
  const at::NoGradGuard no_gradient;
  const Case from{"mlp", {{"loss", "mse"}}};
  const auto network = make(from, data);
  const std::vector<at::Tensor> parameters = tensors_of(layout_of(*network), initial_parameters(*network, 3));
  torch::jit::Module module = read_back(from, data, *network, parameters, {});
  const at::Tensor raw = at::tensor(rows, at::kDouble).reshape({4, 2});
  const at::Tensor expected = measured(data, *network, parameters, {}).to(at::kDouble) * 40.0 + 300.0;
  EXPECT_TRUE(at::allclose(module.forward({raw}).toTensor(), expected, 1e-6, 1e-6));
  for (const at::Tensor& other : {raw.reshape({2, 4}), raw.flatten(), raw.reshape({1, 8})}) {
    EXPECT_THROW(module.forward({other}), std::exception) << other.sizes();
  }
  EXPECT_TRUE(at::equal(module.forward({raw.reshape({4, 1, 1, 2})}).toTensor(), module.forward({raw}).toTensor()));
  EXPECT_GT(expected.std().item<double>(), 1.0) << "rows that lie seconds apart are told apart";
}

TEST(ExportedModule, IsRefusedAsAModelToTrainWhichWouldPrepareSamplesTwice) {
  const TemporaryFolder folder;
  const Dataset data = random_dataset(2, 2, kShape, 4);
  const auto network = make({"mlp"}, data);
  exported_module(*network, data, tensors_of(layout_of(*network), initial_parameters(*network, 3)), {})
      .save(folder.path("model.pt"));
  EXPECT_NE(usage_error([&] {
              make({"torchscript", {{"file", folder.path("model.pt")}}}, data);
            }).find("model.pt: prepares raw samples itself, as output.preprocess = true has written it"),
            std::string::npos);
}

}  // namespace
}  // namespace laconic
