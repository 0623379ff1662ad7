#include "training/models/resnet.h"

#include <torch/torch.h>

#include "training/data/test_support.h"
#include "training/models/models.h"

namespace laconic {
namespace {

using torch::nn::BatchNorm2d;
using torch::nn::Conv2d;
using torch::nn::Conv2dOptions;

// EvoNorm-S0 with parameters in the order of ours, of other operations.
struct EvoNormImpl : torch::nn::Module {
  explicit EvoNormImpl(std::int64_t channels) {
    for (const char* const name : {"v", "gamma", "beta"}) register_parameter(name, torch::empty({channels}));
  }
  at::Tensor forward(const at::Tensor& x) {
    const std::int64_t groups = x.size(1) / 16;
    const auto of_channel = [&](std::size_t i) { return parameters()[i].view({-1, 1, 1}); };
    const at::Tensor variance = at::var(x.view({x.size(0), groups, 16, x.size(2), x.size(3)}), {2, 3, 4}, false, true);
    const at::Tensor deviation = at::sqrt(variance + 1e-5).expand({-1, -1, 16, x.size(2), x.size(3)}).reshape_as(x);
    return x / (1.0 + at::exp(-of_channel(0) * x)) / deviation * of_channel(1) + of_channel(2);
  }
};
TORCH_MODULE(EvoNorm);

// The network of the paper as a libtorch module, with parameters and buffers in the order of ours.
struct Reference : torch::nn::Module {
  Reference(int blocks, std::int64_t channels, std::int64_t classes, Norm its_norm) : norm(its_norm) {
    first = add(channels, 16, 3, 1);
    std::int64_t inputs = 16;
    for (const std::int64_t outputs : {16, 32, 64}) {
      for (int i = 0; i < blocks; ++i) {
        const std::int64_t stride = inputs == outputs ? 1 : 2;
        Block block{
            .first = add(inputs, outputs, 3, stride), .second = add(outputs, outputs, 3, 1), .shortcut = nullptr};
        if (stride == 2) block.shortcut = add(inputs, outputs, 1, 2);
        stages.push_back(block);
        inputs = outputs;
      }
    }
    last = register_module("last", torch::nn::Linear(64, classes));
  }
  torch::nn::Sequential add(std::int64_t inputs, std::int64_t outputs, std::int64_t kernel, std::int64_t stride) {
    torch::nn::Sequential layer(
        Conv2d(Conv2dOptions(inputs, outputs, kernel).stride(stride).padding(kernel / 2).bias(false)));
    if (norm == Norm::kBatch) layer->push_back(BatchNorm2d(outputs));
    if (norm == Norm::kGroup) layer->push_back(torch::nn::GroupNorm(outputs / 16, outputs));
    if (norm == Norm::kEvoNorm) layer->push_back(EvoNorm(outputs));
    return register_module("layer" + std::to_string(count++), layer);
  }
  // EvoNorm takes the place of every rectifier too.
  at::Tensor rectified(const at::Tensor& x) const { return norm == Norm::kEvoNorm ? x : at::relu(x); }
  at::Tensor forward(const at::Tensor& images) {
    at::Tensor x = rectified(first->forward(images));
    for (Block& block : stages) {
      const at::Tensor y = block.second->forward(rectified(block.first->forward(x)));
      x = rectified(y + (block.shortcut.is_empty() ? x : block.shortcut->forward(x)));
    }
    return last->forward(at::adaptive_avg_pool2d(x, {1, 1}).flatten(1));
  }
  // Those that are not counters of batches.
  std::vector<at::Tensor> statistics() const {
    std::vector<at::Tensor> tensors;
    for (const at::Tensor& buffer : buffers()) {
      if (buffer.dim() == 1) tensors.push_back(buffer);
    }
    return tensors;
  }
  struct Block {
    torch::nn::Sequential first, second, shortcut{nullptr};
  };
  Norm norm;
  int count = 0;
  torch::nn::Sequential first{nullptr};
  std::vector<Block> stages;
  torch::nn::Linear last{nullptr};
};

std::vector<at::Tensor> initial_tensors(const Network& network) {
  const Layout layout = layout_of(network);
  const std::vector<float> flat = initial_parameters(network, 1);
  std::vector<at::Tensor> tensors;
  for (const TensorLayout& tensor : layout.tensors) {
    tensors.push_back(
        torch::from_blob(const_cast<float*>(flat.data()) + tensor.offset, tensor.shape, torch::kFloat).clone());
  }
  return tensors;
}

std::vector<at::Tensor> initial_statistics(const Network& network) {
  std::vector<at::Tensor> tensors;
  for (const BufferSpec& buffer : network.buffers()) tensors.push_back(torch::full(buffer.shape, buffer.value));
  return tensors;
}

at::Tensor random_images(std::vector<std::int64_t> shape) {
  RandomStream stream(5, "test images");
  at::Tensor images = torch::empty(shape);
  for (std::int64_t i = 0; i < images.numel(); ++i) images.data_ptr<float>()[i] = static_cast<float>(stream.uniform());
  return images;
}

TEST(Resnet, HasThePublishedNumberOfParameters) {
  EXPECT_EQ(layout_of(*make_resnet(3, 3, 10, Norm::kBatch)).size, 272474U);
  EXPECT_EQ(layout_of(*make_resnet(1, 3, 10, Norm::kBatch)).size, 78042U);
  // One channel in instead of three: 2 * 16 * 9 weights fewer.
  EXPECT_EQ(layout_of(*make_resnet(1, 1, 10, Norm::kBatch)).size, 78042U - 288);
  // A mean and a variance for each of the 16 + 6*16 + 7*32 + 7*64 channels that are normalised.
  EXPECT_EQ(buffer_layout_of(*make_resnet(3, 3, 10, Norm::kBatch)).size, 2U * (7 * 16 + 7 * 32 + 7 * 64));
}

TEST(Resnet, IsTheModuleOfThePaperInAndOutsideTraining) {
  const std::vector<std::int64_t> grey = {5, 1, 28, 28};
  const std::vector<std::int64_t> coloured = {4, 3, 32, 32};
  for (const auto& [blocks, shape, norm] :
       {std::tuple{1, grey, Norm::kBatch}, std::tuple{3, coloured, Norm::kBatch}, std::tuple{3, coloured, Norm::kGroup},
        std::tuple{1, grey, Norm::kEvoNorm}, std::tuple{3, coloured, Norm::kEvoNorm}}) {
    const auto network = make_resnet(blocks, shape[1], 10, norm);
    const auto tensors = initial_tensors(*network);
    Reference reference(blocks, shape[1], 10, norm);
    const torch::NoGradGuard no_gradient;
    ASSERT_EQ(reference.parameters().size(), tensors.size());
    for (std::size_t i = 0; i < tensors.size(); ++i) reference.parameters()[i].copy_(tensors[i]);
    Pass pass{.buffers = initial_statistics(*network), .training = true};
    const at::Tensor images = random_images(shape);
    reference.train();
    for (int step = 0; step < 2; ++step) {
      EXPECT_TRUE(at::allclose(network->scores(tensors, images, pass), reference.forward(images), 1e-4, 1e-4));
    }
    ASSERT_EQ(reference.statistics().size(), pass.buffers.size());
    for (std::size_t i = 0; i < pass.buffers.size(); ++i) {
      EXPECT_TRUE(at::allclose(pass.buffers[i], reference.statistics()[i], 1e-4, 1e-5)) << i;
    }
    reference.eval();
    pass.training = false;
    EXPECT_TRUE(at::allclose(network->scores(tensors, images, pass), reference.forward(images), 1e-4, 1e-4));
  }
}

TEST(Resnet, RunningStatisticsMoveATenthTowardsMeanAndUnbiasedVarianceOfTheBatch) {
  const auto network = make_resnet(1, 3, 10, Norm::kBatch);
  const auto tensors = initial_tensors(*network);
  const Pass pass{.buffers = initial_statistics(*network), .training = true};
  const torch::NoGradGuard no_gradient;
  const at::Tensor images = random_images({6, 3, 9, 11});
  network->scores(tensors, images, pass);
  const at::Tensor first = at::conv2d(images, tensors[0], {}, 1, 1).to(torch::kDouble);
  for (std::int64_t channel = 0; channel < 16; ++channel) {
    const at::Tensor values = first.select(1, channel).flatten();
    double mean = 0.0;
    double square = 0.0;
    for (std::int64_t i = 0; i < values.numel(); ++i) mean += values.data_ptr<double>()[i];
    mean /= static_cast<double>(values.numel());
    for (std::int64_t i = 0; i < values.numel(); ++i) square += std::pow(values.data_ptr<double>()[i] - mean, 2);
    const double variance = square / static_cast<double>(values.numel() - 1);
    EXPECT_NEAR(pass.buffers[0][channel].item<double>(), 0.1 * mean, 1e-5);
    EXPECT_NEAR(pass.buffers[1][channel].item<double>(), 0.9 + 0.1 * variance, 1e-5);
  }
}

TEST(Resnet, OutsideTrainingABatchIsItsImagesAndTheStatisticsStay) {
  const auto network = make_resnet(1, 1, 4, Norm::kBatch);
  const auto tensors = initial_tensors(*network);
  Pass pass{.buffers = initial_statistics(*network), .training = true};
  const torch::NoGradGuard no_gradient;
  const at::Tensor images = random_images({3, 1, 8, 8});
  network->scores(tensors, images, pass);
  pass.training = false;
  std::vector<at::Tensor> before;
  for (const at::Tensor& buffer : pass.buffers) before.push_back(buffer.clone());
  const at::Tensor together = network->scores(tensors, images, pass);
  for (std::int64_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(at::allclose(network->scores(tensors, images.slice(0, i, i + 1), pass), together.slice(0, i, i + 1),
                             1e-4, 1e-5));
  }
  for (std::size_t i = 0; i < before.size(); ++i) EXPECT_TRUE(at::equal(before[i], pass.buffers[i]));
}

TEST(Resnet, TheGradientIsThatOfFiniteDifferences) {
  for (const Norm norm : {Norm::kBatch, Norm::kGroup, Norm::kEvoNorm}) {
    const auto network = make_resnet(1, 1, 4, norm);
    std::vector<at::Tensor> tensors;
    for (const at::Tensor& tensor : initial_tensors(*network)) {
      tensors.push_back(tensor.to(torch::kDouble).set_requires_grad(true));
    }
    const at::Tensor images = random_images({4, 1, 9, 9}).to(torch::kDouble);
    const at::Tensor labels = torch::tensor(std::vector<std::int64_t>{0, 3, 1, 1});
    const auto loss_at = [&](const std::vector<at::Tensor>& at_tensors) {
      Pass pass{.buffers = {}, .training = true};
      for (const at::Tensor& buffer : initial_statistics(*network)) pass.buffers.push_back(buffer.to(torch::kDouble));
      return at::cross_entropy_loss(network->scores(at_tensors, images, pass), labels);
    };
    loss_at(tensors).backward();
    // Along one random direction; steps in double, small enough to pass no kink of a rectifier.
    constexpr double kStep = 1e-6;
    torch::manual_seed(3);
    std::vector<at::Tensor> ahead, behind;
    double slope = 0.0;
    const torch::NoGradGuard no_gradient;
    for (const at::Tensor& tensor : tensors) {
      const at::Tensor direction = torch::randn_like(tensor);
      ahead.push_back(tensor + kStep * direction);
      behind.push_back(tensor - kStep * direction);
      slope += (tensor.grad() * direction).sum().item<double>();
    }
    const double difference = (loss_at(ahead) - loss_at(behind)).item<double>() / (2 * kStep);
    EXPECT_NEAR(difference, slope, 1e-4 * std::abs(slope));
    EXPECT_GT(std::abs(slope), 1e-2);
  }
}

TEST(Resnet, ConvolutionsStartNormalAndNormsAtOneAndZero) {
  const auto network = make_resnet(3, 3, 10, Norm::kEvoNorm);
  const Layout layout = layout_of(*network);
  const std::vector<float> params = initial_parameters(*network, 1);
  int norms = 0;
  int convolutions = 0;
  for (const TensorLayout& tensor : layout.tensors) {
    const std::span<const float> values = std::span(params).subspan(tensor.offset, tensor.size);
    norms += tensor.name.ends_with("norm.weight") ? 1 : 0;
    convolutions += tensor.shape.size() == 4 ? 1 : 0;
    if (tensor.name.ends_with("norm.weight") || tensor.name.ends_with("norm.v")) {
      for (const float value : values) ASSERT_EQ(value, 1.0F) << tensor.name;
    } else if (tensor.name.ends_with("bias")) {
      for (const float value : values) ASSERT_EQ(value, 0.0F) << tensor.name;
    } else if (tensor.shape.size() == 4) {
      double square = 0.0;
      for (const float value : values) square += double{value} * value;
      const double expected = 2.0 / static_cast<double>(tensor.shape[0] * tensor.shape[2] * tensor.shape[3]);
      const auto count = static_cast<double>(tensor.size);
      // The estimate of a normal's variance deviates by sqrt(2 / count) of it. Five of them.
      EXPECT_NEAR(square / count / expected, 1.0, 5.0 * std::sqrt(2.0 / count)) << tensor.name;
    }
  }
  // The first, two in each of nine blocks and two shortcuts, each with its norm.
  EXPECT_EQ(convolutions, 21);
  EXPECT_EQ(norms, 21);
}

}  // namespace
}  // namespace laconic
