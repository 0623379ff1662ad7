#include "training/models/models.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "training/data/test_support.h"
#include "training/models/network.h"

namespace laconic {
namespace {

constexpr ImageShape kMnist{.channels = 1, .height = 28, .width = 28};

std::shared_ptr<const Network> make(std::string_view name, const ImageShape& shape = kMnist, std::uint32_t classes = 10,
                                    const std::map<std::string, GivenOption>& given = {}) {
  const ModelRow& row = find_model(name);
  return row.make(Options("model", row.options, given), shape, classes);
}

// The tensors of the model at its initial parameters.
std::vector<at::Tensor> initial_tensors(const Network& network, std::uint64_t seed) {
  const Layout layout = layout_of(network);
  const std::vector<float> flat = initial_parameters(network, seed);
  std::vector<at::Tensor> tensors;
  for (const TensorLayout& tensor : layout.tensors) {
    tensors.push_back(
        torch::tensor(std::vector<float>(flat.begin() + static_cast<std::ptrdiff_t>(tensor.offset),
                                         flat.begin() + static_cast<std::ptrdiff_t>(tensor.offset + tensor.size)))
            .reshape(tensor.shape));
  }
  return tensors;
}

at::Tensor random_images(std::int64_t count, const ImageShape& shape) {
  RandomStream stream(5, "test images");
  at::Tensor images = torch::empty({count, shape.channels, shape.height, shape.width});
  for (std::int64_t i = 0; i < images.numel(); ++i) images.data_ptr<float>()[i] = static_cast<float>(stream.uniform());
  return images;
}

TEST(Models, HaveThePublishedNumberOfParameters) {
  EXPECT_EQ(layout_of(*make("lenet5")).size, 61706U);
  EXPECT_EQ(layout_of(*make("lenet5_relu")).size, 61706U);
  EXPECT_EQ(layout_of(*make("vgg16_star")).size, 2592202U);
  EXPECT_EQ(layout_of(*make("kamp_cnn")).size, 1199882U);
  EXPECT_EQ(layout_of(*make("logistic_regression")).size, 784U * 10 + 10);
  EXPECT_EQ(layout_of(*make("mlp")).size, 784U * 128 + 128 + 128 * 10 + 10);
  // The usual 9,231,114 of VGG-11 with batch norm without the 2,752 biases of convolutions that the norm takes away.
  constexpr ImageShape kCifar{.channels = 3, .height = 32, .width = 32};
  EXPECT_EQ(layout_of(*make("vgg11", kCifar)).size, 9231114U - 2752);
  // 62 classes: 52 more rows of 84 weights and a bias.
  EXPECT_EQ(layout_of(*make("lenet5", kMnist, 62)).size, 61706U + 52 * 85);
}

TEST(Models, ANormCostsItsParametersAndOnlyBatchNormHasBuffers) {
  const auto check = [](const std::string& model, const std::string& norm, std::size_t parameters,
                        std::size_t buffers) {
    const auto network =
        make(model, {.channels = 3, .height = 32, .width = 32}, 10, {{"norm", {.text = norm, .where = "job.toml:9"}}});
    EXPECT_EQ(layout_of(*network).size, parameters) << model << " " << norm;
    EXPECT_EQ(buffer_layout_of(*network).size, buffers) << model << " " << norm;
  };
  // Channels that are normalised: in stages of 16, 32 and 64; in VGG's eight layers.
  constexpr std::size_t kResnet8 = 3 * 16 + 3 * 32 + 3 * 64;
  constexpr std::size_t kResnet20 = 7 * 16 + 7 * 32 + 7 * 64;
  constexpr std::size_t kVgg11 = 64 + 128 + 2 * 256 + 4 * 512;
  check("resnet8", "batch", 78042, 2 * kResnet8);
  check("resnet8", "group", 78042, 0);
  check("resnet8", "evonorm", 78042 + kResnet8, 0);
  check("resnet20", "batch", 272474, 2 * kResnet20);
  check("resnet20", "group", 272474, 0);
  check("resnet20", "evonorm", 272474 + kResnet20, 0);
  check("vgg11", "batch", 9228362, 2 * kVgg11);
  check("vgg11", "group", 9228362, 0);
  check("vgg11", "evonorm", 9228362 + kVgg11, 0);
  check("vgg11", "none", 9228362 - kVgg11, 0);
}

TEST(Models, RefuseANormTheyDoNotKnowAndBuffersWithoutBatchNorm) {
  const auto error_of = [](const std::map<std::string, GivenOption>& given) {
    return usage_error([&] { make("resnet8", kMnist, 10, given); });
  };
  const std::string none = error_of({{"norm", {.text = "none", .where = "job.toml:9"}}});
  EXPECT_NE(none.find("job.toml:9: model.norm"), std::string::npos) << none;
  EXPECT_NE(none.find("evonorm"), std::string::npos) << none;
  const std::string buffers = error_of(
      {{"norm", {.text = "group", .where = "job.toml:9"}}, {"buffers", {.text = "average", .where = "job.toml:10"}}});
  EXPECT_NE(buffers.find("job.toml:10: model.buffers"), std::string::npos) << buffers;
}

TEST(Models, TheLayoutHasNoGapsAndNamesEachTensor) {
  for (const ModelRow& row : models()) {
    if (row.name == "torchscript") continue;  // is what its file is: script_network_test.cc
    const Layout layout = layout_of(*make(row.name, {.channels = 1, .height = 32, .width = 32}));
    std::size_t offset = 0;
    for (const TensorLayout& tensor : layout.tensors) {
      EXPECT_EQ(tensor.offset, offset);
      std::int64_t size = 1;
      for (const std::int64_t extent : tensor.shape) size *= extent;
      EXPECT_EQ(static_cast<std::int64_t>(tensor.size), size);
      offset += tensor.size;
    }
    EXPECT_EQ(offset, layout.size);
  }
  EXPECT_EQ(layout_of(*make("lenet5")).tensors[0].name, "conv1.weight");
  EXPECT_EQ(layout_of(*make("lenet5")).tensors[9].name, "fc3.bias");
}

TEST(Models, LeNet5IsTheModuleOfThePaper) {
  const auto network = make("lenet5");
  const auto tensors = initial_tensors(*network, 1);
  using namespace torch::nn;
  Sequential reference(Conv2d(Conv2dOptions(1, 6, 5).padding(2)), Tanh(), AvgPool2d(2), Conv2d(Conv2dOptions(6, 16, 5)),
                       Tanh(), AvgPool2d(2), Flatten(), Linear(400, 120), Tanh(), Linear(120, 84), Tanh(),
                       Linear(84, 10));
  const torch::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < tensors.size(); ++i) reference->parameters()[i].copy_(tensors[i]);
  const at::Tensor images = random_images(7, kMnist);
  EXPECT_TRUE(at::allclose(network->scores(tensors, images, {}), reference->forward(images), 1e-5, 1e-6));
}

TEST(Models, LeNet5WithReluIsItsModule) {
  const auto network = make("lenet5_relu");
  const auto tensors = initial_tensors(*network, 1);
  using namespace torch::nn;
  Sequential reference(Conv2d(Conv2dOptions(1, 6, 5).padding(2)), ReLU(), MaxPool2d(2), Conv2d(Conv2dOptions(6, 16, 5)),
                       ReLU(), MaxPool2d(2), Flatten(), Linear(400, 120), ReLU(), Linear(120, 84), ReLU(),
                       Linear(84, 10));
  const torch::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < tensors.size(); ++i) reference->parameters()[i].copy_(tensors[i]);
  const at::Tensor images = random_images(7, kMnist);
  EXPECT_TRUE(at::allclose(network->scores(tensors, images, {}), reference->forward(images), 1e-5, 1e-6));
}

TEST(Models, Vgg16StarIsTheModuleOfThePaperOutsideTraining) {
  const auto network = make("vgg16_star");
  const auto tensors = initial_tensors(*network, 1);
  using namespace torch::nn;
  Sequential reference;
  std::int64_t inputs = 1;
  for (const std::int64_t outputs : {64, 128, 256}) {
    for (int twice = 0; twice < 2; ++twice) {
      reference->push_back(Conv2d(Conv2dOptions(inputs, outputs, 3).padding(1)));
      reference->push_back(ReLU());
      inputs = outputs;
    }
    reference->push_back(MaxPool2d(2));
  }
  reference->push_back(Flatten());
  for (const auto& [from, to] : {std::pair{2304, 512}, std::pair{512, 512}}) {
    reference->push_back(Linear(from, to));
    reference->push_back(ReLU());
    reference->push_back(Dropout(0.5));
  }
  reference->push_back(Linear(512, 10));
  reference->eval();
  const torch::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < tensors.size(); ++i) reference->parameters()[i].copy_(tensors[i]);
  const at::Tensor images = random_images(3, kMnist);
  EXPECT_TRUE(at::allclose(network->scores(tensors, images, {}), reference->forward(images), 1e-5, 1e-6));
}

TEST(Models, KampCnnIsTheModuleOfThePaperOutsideTraining) {
  const auto network = make("kamp_cnn");
  EXPECT_TRUE(network->has_dropout());
  const auto tensors = initial_tensors(*network, 1);
  using namespace torch::nn;
  Sequential reference(Conv2d(1, 32, 3), ReLU(), Conv2d(32, 64, 3), ReLU(), MaxPool2d(2), Dropout(0.25), Flatten(),
                       Linear(9216, 128), ReLU(), Dropout(0.5), Linear(128, 10));
  reference->eval();
  const torch::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < tensors.size(); ++i) reference->parameters()[i].copy_(tensors[i]);
  const at::Tensor images = random_images(3, kMnist);
  EXPECT_TRUE(at::allclose(network->scores(tensors, images, {}), reference->forward(images), 1e-5, 1e-6));
  constexpr ImageShape kSmallest{.channels = 1, .height = 6, .width = 7};
  const auto small = make("kamp_cnn", kSmallest);
  EXPECT_EQ(small->scores(initial_tensors(*small, 1), random_images(2, kSmallest), {}).sizes(),
            (std::vector<std::int64_t>{2, 10}));
  EXPECT_THROW(make("kamp_cnn", {.channels = 1, .height = 5, .width = 28}), UsageError);
}

TEST(Models, DropoutMasksComeFromTheGeneratorGivenAndKeepTheMean) {
  const auto network = make("vgg16_star", {.channels = 1, .height = 8, .width = 8});
  EXPECT_TRUE(network->has_dropout());
  EXPECT_FALSE(make("lenet5")->has_dropout());
  const auto tensors = initial_tensors(*network, 1);
  const at::Tensor image = random_images(1, {.channels = 1, .height = 8, .width = 8});
  const torch::NoGradGuard no_gradient;
  const auto with_seed = [&](const at::Tensor& images, std::uint64_t seed) {
    at::Generator masks = at::detail::createCPUGenerator(seed);
    return network->scores(tensors, images, {.training = true, .dropout_masks = &masks});
  };
  const at::Tensor first = with_seed(image, 1);
  torch::manual_seed(99);  // the process's generator has no say
  EXPECT_TRUE(at::equal(first, with_seed(image, 1)));
  EXPECT_FALSE(at::equal(first, with_seed(image, 2)));
  // The last layer is linear in a mask of mean 1, but the layer below a rectifier is not: the mean over many masks is
  // near the scores without, not equal. Without the factor 1 / (1 - rate) it would be off by a factor of about 4.
  const at::Tensor plain = network->scores(tensors, image, {});
  const at::Tensor mean = with_seed(image.expand({2000, 1, 8, 8}).contiguous(), 3).mean(0, true);
  const double ratio = (mean * plain).sum().item<double>() / (plain * plain).sum().item<double>();
  EXPECT_GT(ratio, 0.8);
  EXPECT_LT(ratio, 1.3);
}

TEST(Models, Vgg11IsConfigurationAWithOneDenseLayer) {
  using namespace torch::nn;
  const auto given = [](const std::string& norm) {
    return std::map<std::string, GivenOption>{{"norm", {.text = norm, .where = "test"}}};
  };
  for (const std::string norm : {"batch", "group", "none"}) {
    Sequential reference;
    std::int64_t inputs = 3;
    for (const std::int64_t outputs : {64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0}) {
      if (outputs == 0) {
        reference->push_back(MaxPool2d(2));
        continue;
      }
      reference->push_back(Conv2d(Conv2dOptions(inputs, outputs, 3).padding(1).bias(norm == "none")));
      if (norm == "batch") reference->push_back(BatchNorm2d(outputs));
      if (norm == "group") reference->push_back(GroupNorm(GroupNormOptions(outputs / 16, outputs)));
      reference->push_back(ReLU());
      inputs = outputs;
    }
    reference->push_back(AdaptiveAvgPool2d(AdaptiveAvgPool2dOptions({1, 1})));
    reference->push_back(Flatten());
    reference->push_back(Linear(512, 10));
    for (const ImageShape& shape :
         {ImageShape{.channels = 3, .height = 32, .width = 32}, ImageShape{.channels = 3, .height = 65, .width = 40}}) {
      const auto network = make("vgg11", shape, 10, given(norm));
      const auto tensors = initial_tensors(*network, 1);
      const torch::NoGradGuard no_gradient;
      ASSERT_EQ(reference->parameters().size(), tensors.size());
      for (std::size_t i = 0; i < tensors.size(); ++i) reference->parameters()[i].copy_(tensors[i]);
      Pass pass{.training = true};
      for (const BufferSpec& buffer : network->buffers()) {
        pass.buffers.push_back(torch::full(buffer.shape, buffer.value));
      }
      const at::Tensor images = random_images(3, shape);
      const at::Tensor scores = network->scores(tensors, images, pass);
      EXPECT_TRUE(at::allclose(scores, reference->forward(images), 1e-4, 1e-5)) << norm;
      EXPECT_GT(scores.std().item<double>(), 1e-3) << norm;
    }
  }
}

TEST(InitialParameters, AreGlorotUniformWeightsAndZeroBiases) {
  const auto network = make("lenet5");
  const Layout layout = layout_of(*network);
  const std::vector<float> params = initial_parameters(*network, 1);
  const auto check = [&](std::size_t tensor, double fan_in, double fan_out) {
    const double limit = std::sqrt(6.0 / (fan_in + fan_out));
    double square = 0.0;
    double largest = 0.0;
    for (std::size_t i = 0; i < layout.tensors[tensor].size; ++i) {
      const double value = params[layout.tensors[tensor].offset + i];
      square += value * value;
      largest = std::max(largest, std::abs(value));
    }
    const auto count = static_cast<double>(layout.tensors[tensor].size);
    EXPECT_LE(largest, limit * 1.000001);
    EXPECT_GT(largest, limit * 0.95);
    // Variance limit^2 / 3; the deviation of its estimate is limit^2 * sqrt(4 / 45 / count). Five of them.
    EXPECT_NEAR(square / count, limit * limit / 3.0, 5.0 * limit * limit * std::sqrt(4.0 / 45.0 / count));
  };
  check(0, 25, 150);   // conv1: 1 -> 6 channels, 5x5
  check(2, 150, 400);  // conv2: 6 -> 16
  check(4, 400, 120);  // fc1
  for (const std::size_t tensor : {1, 3, 5, 7, 9}) {
    for (std::size_t i = 0; i < layout.tensors[tensor].size; ++i)
      EXPECT_EQ(params[layout.tensors[tensor].offset + i], 0.0F);
  }
  EXPECT_EQ(params, initial_parameters(*network, 1));
  EXPECT_NE(params, initial_parameters(*network, 2));
}

TEST(Models, TakeTheShapesTheyCanAndRefuseOthers) {
  for (const ModelRow& row : models()) {
    if (row.input != Input::kImages) continue;
    const ImageShape shape{.channels = 3, .height = 33, .width = 40};
    const auto network = make(row.name, shape, 5);
    const torch::NoGradGuard no_gradient;
    Pass pass;
    for (const BufferSpec& buffer : network->buffers()) pass.buffers.push_back(torch::full(buffer.shape, buffer.value));
    const at::Tensor scores = network->scores(initial_tensors(*network, 1), random_images(2, shape), pass);
    EXPECT_EQ(scores.sizes().vec(), (std::vector<std::int64_t>{2, 5})) << row.name;
  }
  const std::string text = usage_error([] { make("lenet5", {.channels = 1, .height = 11, .width = 28}); });
  EXPECT_NE(text.find("at least 12x12 pixels, the data set has 11x28"), std::string::npos) << text;
  EXPECT_NO_THROW(make("lenet5", {.channels = 1, .height = 12, .width = 12}));
  EXPECT_THROW(make("vgg16_star", {.channels = 1, .height = 28, .width = 7}), UsageError);
  EXPECT_THROW(make("resnet8", {.channels = 1, .height = 7, .width = 8}), UsageError);
  EXPECT_NO_THROW(make("resnet20", {.channels = 1, .height = 8, .width = 8}));
  const std::string small = usage_error([] { make("vgg11", kMnist); });
  EXPECT_NE(small.find("vgg11 needs images of at least 32x32 pixels, the data set has 28x28"), std::string::npos)
      << small;
}

TEST(Models, LogisticRegressionStartsAtZeroAndIsLinear) {
  const auto network = make("logistic_regression");
  EXPECT_EQ(initial_parameters(*network, 1), std::vector<float>(784 * 10 + 10, 0.0F));
  const at::Tensor weight = torch::randn({10, 784});
  const at::Tensor bias = torch::randn({10});
  const at::Tensor images = random_images(3, kMnist);
  const at::Tensor expected = at::matmul(images.reshape({3, 784}), weight.t()) + bias;
  EXPECT_TRUE(at::allclose(network->scores({weight, bias}, images, {}), expected, 1e-4, 1e-4));
}

TEST(Models, TheMlpTakesItsSizesFromTheJob) {
  const auto mlp = [](const std::string& hidden) {
    return layout_of(*make("mlp", kMnist, 10, {{"hidden", {.text = hidden, .where = "job.toml:7"}}})).size;
  };
  EXPECT_EQ(mlp("256,128"), 784U * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10);
  EXPECT_EQ(mlp("256, 128"), mlp("256,128"));
  for (const std::string bad : {"", "0", "128,", ",128", "12x", "-3", "1.5", "999999999999999999999", "65537"}) {
    const std::string text = usage_error([&] { mlp(bad); });
    EXPECT_NE(text.find("job.toml:7: model.hidden: '" + bad + "'"), std::string::npos) << text;
  }
  EXPECT_NE(usage_error([] { find_model("lenet"); }).find("did you mean 'lenet5'"), std::string::npos);
}

}  // namespace
}  // namespace laconic
