#include <torch/torch.h>

#include "training/data/test_support.h"
#include "training/models/lstm.h"
#include "training/models/models.h"

namespace laconic {
namespace {

constexpr std::int64_t kVocabulary = 11;
constexpr LstmOptions kTwoLayers{.layers = 2, .hidden = 6, .embedding = 5};

std::vector<at::Tensor> random_tensors(const Network& network, torch::ScalarType type) {
  torch::manual_seed(2);
  std::vector<at::Tensor> tensors;
  for (const ParameterSpec& parameter : network.parameters()) {
    tensors.push_back(0.5 * torch::randn(parameter.shape, type));
  }
  return tensors;
}

at::Tensor random_tokens(std::int64_t samples, std::int64_t length) {
  torch::manual_seed(4);
  return torch::randint(0, kVocabulary, {samples, length}, torch::kLong);
}

TEST(Lstm, HasTheParametersOfItsLayers) {
  const std::size_t layer1 = 4 * 6 * (5 + 6 + 2);
  const std::size_t layer2 = 4 * 6 * (6 + 6 + 2);
  EXPECT_EQ(layout_of(*make_lstm(kTwoLayers, kVocabulary)).size, 11 * 5 + layer1 + layer2 + 11 * 6 + 11);
}

TEST(Lstm, IsLibtorchsModuleWithAScoreForEachTokenOfTheVocabulary) {
  const auto network = make_lstm(kTwoLayers, kVocabulary);
  const auto tensors = random_tensors(*network, torch::kFloat);
  const at::Tensor tokens = random_tokens(3, 7);
  torch::nn::LSTM reference(torch::nn::LSTMOptions(5, 6).num_layers(2).batch_first(true));
  const torch::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < 8; ++i) reference->parameters()[i].copy_(tensors[i + 1]);
  const at::Tensor hidden = std::get<0>(reference->forward(tensors[0].index({tokens})));
  const at::Tensor expected = at::matmul(hidden, tensors[9].t()) + tensors[10];
  const at::Tensor scores = network->scores(tensors, tokens, {});
  EXPECT_EQ(scores.sizes().vec(), (std::vector<std::int64_t>{21, kVocabulary}));
  EXPECT_TRUE(at::allclose(scores, expected.reshape({21, kVocabulary}), 1e-4, 1e-5));
}

TEST(Lstm, ATokenChangesNoScoreBeforeItNorInAnotherSample) {
  const auto network = make_lstm(kTwoLayers, kVocabulary);
  const auto tensors = random_tensors(*network, torch::kFloat);
  const at::Tensor tokens = random_tokens(2, 6);
  at::Tensor changed = tokens.clone();
  changed[1][3] = (changed[1][3] + 1) % kVocabulary;
  const torch::NoGradGuard no_gradient;
  const at::Tensor before = network->scores(tensors, tokens, {});
  const at::Tensor after = network->scores(tensors, changed, {});
  const at::Tensor same = before.eq(after).all(1);
  for (std::int64_t row = 0; row < 12; ++row) EXPECT_EQ(same[row].item<bool>(), row < 9) << row;
}

TEST(Lstm, TheGradientIsThatOfFiniteDifferences) {
  const auto network = make_lstm(kTwoLayers, kVocabulary);
  auto tensors = random_tensors(*network, torch::kDouble);
  for (at::Tensor& tensor : tensors) tensor.set_requires_grad(true);
  const at::Tensor tokens = random_tokens(2, 5);
  const at::Tensor targets = random_tokens(10, 1).flatten();
  const auto loss_at = [&](const std::vector<at::Tensor>& at_tensors) {
    return at::cross_entropy_loss(network->scores(at_tensors, tokens, {.training = true}), targets);
  };
  loss_at(tensors).backward();
  constexpr double kStep = 1e-5;
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
  EXPECT_NEAR(difference, slope, 1e-6 * std::abs(slope));
  EXPECT_GT(std::abs(slope), 1e-2);
}

TEST(Lstm, DropoutIsThereInTrainingOnlyAndComesFromTheGeneratorGiven) {
  LstmOptions options = kTwoLayers;
  EXPECT_FALSE(make_lstm(options, kVocabulary)->has_dropout());
  options.dropout = 0.5;
  const auto network = make_lstm(options, kVocabulary);
  EXPECT_TRUE(network->has_dropout());
  const auto tensors = random_tensors(*network, torch::kFloat);
  const at::Tensor tokens = random_tokens(2, 6);
  const torch::NoGradGuard no_gradient;
  const auto with_seed = [&](std::uint64_t seed) {
    at::Generator masks = at::detail::createCPUGenerator(seed);
    return network->scores(tensors, tokens, {.training = true, .dropout_masks = &masks});
  };
  const at::Tensor first = with_seed(1);
  torch::manual_seed(99);  // the process's generator has no say
  EXPECT_TRUE(at::equal(first, with_seed(1)));
  EXPECT_FALSE(at::equal(first, with_seed(2)));
  EXPECT_TRUE(
      at::equal(network->scores(tensors, tokens, {}), make_lstm(kTwoLayers, kVocabulary)->scores(tensors, tokens, {})));
}

}  // namespace
}  // namespace laconic
