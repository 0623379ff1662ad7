#include "training/models/normalised.h"

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "training/data/test_support.h"
#include "training/models/evonorm.h"
#include "training/models/models.h"

namespace laconic {
namespace {

// A convolution of one element, its norm and what follows.
class OneLayer final : public NormalisedNetwork {
 public:
  OneLayer(Norm norm, std::int64_t channels) : NormalisedNetwork(norm) {
    add_normalised("layer", channels, channels, 1);
  }
  at::Tensor scores(const std::vector<at::Tensor>& parameters, const at::Tensor& images,
                    const Pass& pass) const override {
    Layers layers(*this, parameters, pass);
    return layers.activated(layers.normalised(images, 1));
  }
};

struct Arguments {
  at::Tensor x, v, gamma, beta;
  std::vector<at::Tensor*> all() { return {&x, &v, &gamma, &beta}; }
};

Arguments random_arguments(std::int64_t samples, std::int64_t channels, std::int64_t height, std::int64_t width) {
  torch::manual_seed(channels);
  const auto type = torch::kDouble;
  return {.x = 3.0 * torch::randn({samples, channels, height, width}, type) + 0.7,
          .v = torch::randn({channels}, type),
          .gamma = torch::randn({channels}, type),
          .beta = torch::randn({channels}, type)};
}

// Mean and biased variance of the group that `channel` of `sample` belongs to: 16 channels or all there are.
std::pair<double, double> moments_of_group(const at::Tensor& x, std::int64_t sample, std::int64_t channel) {
  const auto values = x.accessor<double, 4>();
  const std::int64_t each = std::min<std::int64_t>(16, x.size(1));
  const std::int64_t first = channel / each * each;
  double sum = 0.0;
  double square = 0.0;
  for (std::int64_t c = first; c < first + each; ++c) {
    for (std::int64_t i = 0; i < x.size(2); ++i) {
      for (std::int64_t j = 0; j < x.size(3); ++j) sum += values[sample][c][i][j];
    }
  }
  const double mean = sum / static_cast<double>(each * x.size(2) * x.size(3));
  for (std::int64_t c = first; c < first + each; ++c) {
    for (std::int64_t i = 0; i < x.size(2); ++i) {
      for (std::int64_t j = 0; j < x.size(3); ++j) square += std::pow(values[sample][c][i][j] - mean, 2);
    }
  }
  return {mean, square / static_cast<double>(each * x.size(2) * x.size(3))};
}

// The papers' formulas, element by element.
at::Tensor by_element(const Arguments& of, bool evonorm) {
  at::Tensor result = torch::empty_like(of.x);
  const auto x = of.x.accessor<double, 4>();
  auto out = result.accessor<double, 4>();
  for (std::int64_t n = 0; n < of.x.size(0); ++n) {
    for (std::int64_t c = 0; c < of.x.size(1); ++c) {
      const auto [mean, variance] = moments_of_group(of.x, n, c);
      const double v = of.v.data_ptr<double>()[c];
      const double gamma = of.gamma.data_ptr<double>()[c];
      const double beta = of.beta.data_ptr<double>()[c];
      const double deviation = std::sqrt(variance + 1e-5);
      for (std::int64_t i = 0; i < of.x.size(2); ++i) {
        for (std::int64_t j = 0; j < of.x.size(3); ++j) {
          const double value = x[n][c][i][j];
          out[n][c][i][j] = evonorm ? value / (1.0 + std::exp(-v * value)) / deviation * gamma + beta
                                    : std::max(0.0, (value - mean) / deviation * gamma + beta);
        }
      }
    }
  }
  return result;
}

at::Tensor by_layer(const Arguments& of, Norm norm) {
  const std::int64_t channels = of.x.size(1);
  const at::Tensor identity = torch::eye(channels, torch::kDouble).view({channels, channels, 1, 1});
  std::vector<at::Tensor> parameters = {identity, of.gamma, of.beta};
  if (norm == Norm::kEvoNorm) parameters.insert(parameters.begin() + 1, of.v);
  return OneLayer(norm, channels).scores(parameters, of.x, {});
}

class NormOfAnImage : public testing::TestWithParam<Norm> {};

TEST_P(NormOfAnImage, IsThePapersFormula) {
  for (const std::int64_t channels : {1, 6, 16, 48}) {
    const Arguments arguments = random_arguments(3, channels, 5, 7);
    const at::Tensor difference =
        (by_layer(arguments, GetParam()) - by_element(arguments, GetParam() == Norm::kEvoNorm)).abs();
    EXPECT_LT(difference.max().item<double>(), 1e-12) << channels;
  }
}

TEST_P(NormOfAnImage, HasTheGradientOfThePapersFormula) {
  const bool evonorm = GetParam() == Norm::kEvoNorm;
  for (const std::int64_t channels : {3, 32}) {
    Arguments arguments = random_arguments(2, channels, 2, 3);
    const at::Tensor weights = torch::randn_like(arguments.x);
    for (at::Tensor* argument : arguments.all()) argument->set_requires_grad(true);
    (by_layer(arguments, GetParam()) * weights).sum().backward();
    const torch::NoGradGuard no_gradient;
    // Central differences: an error of order step^2 and one of order epsilon / step.
    constexpr double kStep = 1e-5;
    for (at::Tensor* argument : arguments.all()) {
      if (argument == &arguments.v && !evonorm) continue;
      double* const values = argument->data_ptr<double>();
      for (std::int64_t i = 0; i < argument->numel(); i += 5) {
        const double value = values[i];
        values[i] = value + kStep;
        const double ahead = (by_element(arguments, evonorm) * weights).sum().item<double>();
        values[i] = value - kStep;
        const double behind = (by_element(arguments, evonorm) * weights).sum().item<double>();
        values[i] = value;
        EXPECT_NEAR(argument->grad().flatten()[i].item<double>(), (ahead - behind) / (2 * kStep), 1e-6);
      }
    }
  }
}

TEST_P(NormOfAnImage, KnowsNothingOfTheRestOfTheBatchNorOfTraining) {
  for (const std::string model : {"resnet8", "vgg11"}) {
    const ModelRow& row = find_model(model);
    const std::string name = GetParam() == Norm::kGroup ? "group" : "evonorm";
    const auto network = row.make(Options("model", row.options, {{"norm", {.text = name, .where = "test"}}}),
                                  {.channels = 3, .height = 32, .width = 32}, 10);
    EXPECT_TRUE(network->buffers().empty());
    const Layout layout = layout_of(*network);
    std::vector<float> flat = initial_parameters(*network, 1);
    std::vector<at::Tensor> tensors;
    for (const TensorLayout& tensor : layout.tensors) {
      tensors.push_back(torch::from_blob(flat.data() + tensor.offset, tensor.shape));
    }
    torch::manual_seed(1);
    const at::Tensor images = torch::randn({3, 3, 32, 32});
    const torch::NoGradGuard no_gradient;
    const at::Tensor together = network->scores(tensors, images, {.training = true});
    EXPECT_GT(together.std().item<double>(), 1e-3);
    for (std::int64_t i = 0; i < 3; ++i) {
      const at::Tensor alone = network->scores(tensors, images.slice(0, i, i + 1), {});
      EXPECT_TRUE(at::allclose(alone, together.slice(0, i, i + 1), 1e-4, 1e-5)) << model;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Norms, NormOfAnImage, testing::Values(Norm::kGroup, Norm::kEvoNorm),
                         [](const auto& norm) { return norm.param == Norm::kGroup ? "Group" : "EvoNorm"; });

TEST(EvoNorm, KeepsItsPrecisionFarFromZero) {
  Arguments arguments = random_arguments(2, 16, 8, 8);
  arguments.x += 100.0;
  const at::Tensor expected = by_element(arguments, true);
  const at::Tensor found = evonorm_s0(arguments.x.to(torch::kFloat), arguments.v.to(torch::kFloat),
                                      arguments.gamma.to(torch::kFloat), arguments.beta.to(torch::kFloat), 1);
  // The variance as the difference of two squares would be off by 1e4 * 2^-24 * some tens of roundings of 9.
  EXPECT_LT((found.to(torch::kDouble) - expected).abs().max().item<double>(),
            1e-5 * expected.abs().max().item<double>());
}

TEST(EvoNorm, InFloatIsThatInDoubleWithItsGradient) {
  // Planes that are no multiple of a register, and one of a single element.
  for (const auto& [height, width] : {std::pair{7, 5}, std::pair{1, 1}, std::pair{16, 16}}) {
    Arguments exact = random_arguments(5, 32, height, width);
    Arguments rounded;
    const at::Tensor weights = torch::randn_like(exact.x);
    const std::vector<at::Tensor*> of_rounded = rounded.all();
    for (std::size_t i = 0; i < of_rounded.size(); ++i) {
      *of_rounded[i] = exact.all()[i]->to(torch::kFloat).set_requires_grad(true);
      *exact.all()[i] = of_rounded[i]->detach().to(torch::kDouble).set_requires_grad(true);
    }
    const auto scores = [](const Arguments& of) { return evonorm_s0(of.x, of.v, of.gamma, of.beta, 2); };
    (scores(exact) * weights).sum().backward();
    // Not contiguous, as a gradient can come.
    (scores(rounded) * weights.to(torch::kFloat).transpose(2, 3).contiguous().transpose(2, 3)).sum().backward();
    EXPECT_TRUE(at::allclose(scores(rounded).to(torch::kDouble), scores(exact), 1e-5, 1e-5));
    for (std::size_t i = 0; i < of_rounded.size(); ++i) {
      const at::Tensor expected = exact.all()[i]->grad();
      const at::Tensor difference = (of_rounded[i]->grad().to(torch::kDouble) - expected).abs();
      EXPECT_LT(difference.max().item<double>(), 1e-5 * expected.abs().max().item<double>()) << i;
    }
  }
}

TEST(EvoNorm, TakesAnImageThatIsNotContiguous) {
  Arguments arguments = random_arguments(2, 16, 4, 6);
  const at::Tensor turned = arguments.x.transpose(2, 3);
  ASSERT_FALSE(turned.is_contiguous());
  const at::Tensor found = evonorm_s0(turned, arguments.v, arguments.gamma, arguments.beta, 1);
  EXPECT_TRUE(at::allclose(found.transpose(2, 3), by_element(arguments, true)));
}

TEST(Norms, WithoutOneTheConvolutionHasABias) {
  const Arguments arguments = random_arguments(2, 4, 3, 3);
  const at::Tensor identity = torch::eye(4, torch::kDouble).view({4, 4, 1, 1});
  const at::Tensor found = OneLayer(Norm::kNone, 4).scores({identity, arguments.beta}, arguments.x, {});
  EXPECT_TRUE(at::allclose(found, at::relu(arguments.x + arguments.beta.view({1, 4, 1, 1}))));
}

}  // namespace
}  // namespace laconic
