// Steps and evaluations of a learner against the same computed by hand.
#include "training/torch_learner.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "training/tiny_training_test.h"

namespace laconic {
namespace {

// The whole of `samples` as one batch, made by hand.
std::pair<at::Tensor, at::Tensor> by_hand(const Samples& samples, std::span<const std::uint32_t> chosen) {
  at::Tensor images = torch::zeros({static_cast<std::int64_t>(chosen.size()), 1, kShape.height, kShape.width});
  at::Tensor labels = torch::zeros({static_cast<std::int64_t>(chosen.size())}, torch::kLong);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    for (std::size_t j = 0; j < kShape.size(); ++j) {
      images.view({-1})[static_cast<std::int64_t>(i * kShape.size() + j)] =
          static_cast<double>(samples.pixels[chosen[i] * kShape.size() + j]) / 255.0;
    }
    labels[static_cast<std::int64_t>(i)] = static_cast<std::int64_t>(samples.labels[chosen[i]]);
  }
  return {images, labels};
}

// LeNet-5 for kShape as a module of its own, at `params`.
torch::nn::Sequential private_module(std::span<const float> params) {
  using namespace torch::nn;
  Sequential module(Conv2d(Conv2dOptions(1, 6, 5).padding(2)), Tanh(), AvgPool2d(2), Conv2d(Conv2dOptions(6, 16, 5)),
                    Tanh(), AvgPool2d(2), Flatten(), Linear(16, 120), Tanh(), Linear(120, 84), Tanh(), Linear(84, 4));
  const torch::NoGradGuard no_gradient;
  std::size_t offset = 0;
  for (at::Tensor& parameter : module->parameters()) {
    std::memcpy(parameter.data_ptr<float>(), params.data() + offset,
                static_cast<std::size_t>(parameter.numel()) * sizeof(float));
    offset += static_cast<std::size_t>(parameter.numel());
  }
  EXPECT_EQ(offset, params.size());
  return module;
}

TEST(TorchLearner, TheGradientIsAutogradsOnAPrivateModule) {
  const Training training = make_training({});
  const auto data = random_dataset(120, 300, kShape, 4);
  const Partition partition = make_partition("iid", data.train, 4, 3, 1);
  for (const int rank : {0, 2}) {
    const auto learner = training.learner(Rank{rank});
    Sampler sampler(Sampling::kFresh, partition[static_cast<std::size_t>(rank)], 8, 5, Rank{rank});
    for (const std::uint64_t step : {0U, 7U}) {
      learner->local_step(Step{step + 100});  // leaves a gradient behind in the instance and moves the parameters
      const auto [images, labels] = by_hand(data.train, sampler.draw(Step{step}));
      torch::nn::Sequential module = private_module(learner->params());
      const at::Tensor loss = torch::nn::functional::cross_entropy(module->forward(images), labels);
      loss.backward();

      const StepResult result = learner->compute_gradient(Step{step});
      EXPECT_EQ(result.samples, 8U);
      EXPECT_NEAR(result.loss, loss.item<double>(), 1e-6);
      std::size_t offset = 0;
      for (const at::Tensor& parameter : module->parameters()) {
        const at::Tensor expected = parameter.grad();
        const at::Tensor got = torch::from_blob(learner->gradient().data() + offset, expected.sizes());
        EXPECT_TRUE(at::allclose(got, expected, 1e-4, 1e-7));
        EXPECT_GT(expected.abs().max().item<double>(), 1e-4);
        offset += static_cast<std::size_t>(expected.numel());
      }
    }
  }
}

TEST(TorchLearner, TestsTheModelOutsideTrainingOnTheBatchBeforeItTrainsOnIt) {
  struct Case {
    TinyTraining job;
    bool same;  // as the loss of training
  };
  const std::array cases = {Case{{.model = "lenet5"}, true}, Case{{.model = "vgg16_star"}, false},
                            Case{{.model = "resnet8"}, false},
                            Case{{.model = "resnet8", .model_options = {{"buffers", "average"}}}, false},
                            Case{{.model = "lenet5", .augmented = true}, false}};
  const auto data = random_dataset(120, 300, kShape, 4);
  const Partition partition = make_partition("iid", data.train, 4, 3, 1);
  for (Case test : cases) {
    const auto plain = make_training(test.job).learner(Rank{1});
    test.job.prequential = true;
    const auto learner = make_training(test.job).learner(Rank{1});
    const ModelRow& row = *std::find_if(models().begin(), models().end(),
                                        [&](const ModelRow& model) { return model.name == test.job.model; });
    const auto network = row.make(Options("model", row.options, {}), kShape, 4);
    const Layout trained = layout_of(*network);
    const Layout state = buffer_layout_of(*network);
    Sampler sampler(Sampling::kFresh, partition[1], 8, 5, Rank{1});
    for (std::uint64_t step = 0; step < 4; ++step) {
      const auto [images, labels] = by_hand(data.train, sampler.draw(Step{step}));
      std::vector<float> flat = copy(learner->params());
      if (learner->buffers().size() > 0) {
        flat.insert(flat.end(), learner->buffers().begin(), learner->buffers().end());
      }
      std::vector<at::Tensor> parameters;
      Pass pass;
      for (const TensorLayout& tensor : joined(trained, state).tensors) {
        const bool is_buffer = tensor.offset >= trained.size;
        (is_buffer ? pass.buffers : parameters).push_back(at::from_blob(flat.data() + tensor.offset, tensor.shape));
      }
      const torch::NoGradGuard no_gradient;
      const double expected =
          torch::nn::functional::cross_entropy(network->scores(parameters, images, pass), labels).item<double>();

      StepResult result;
      {
        const at::AutoGradMode gradient(true);
        result = learner->local_step(Step{step});
        const StepResult without = plain->local_step(Step{step});
        EXPECT_FALSE(without.test_loss);
        EXPECT_EQ(without.loss, result.loss);
      }
      ASSERT_TRUE(result.test_loss);
      EXPECT_NEAR(*result.test_loss, expected, 1e-5 * std::abs(expected)) << test.job.model << " step " << step;
      EXPECT_EQ(*result.test_loss == result.loss, test.same) << test.job.model;
      EXPECT_EQ(result.samples, 8U);
    }
    EXPECT_TRUE(same_bits(plain->params(), learner->params())) << test.job.model;
    EXPECT_TRUE(same_bits(plain->buffers(), learner->buffers())) << test.job.model;
  }
}

// Mean cross entropy of the model at `params` over samples made by hand.
double loss_by_hand(std::span<const float> params, const std::pair<at::Tensor, at::Tensor>& batch) {
  const torch::NoGradGuard no_gradient;
  return torch::nn::functional::cross_entropy(private_module(params)->forward(batch.first), batch.second)
      .item<double>();
}

TEST(TorchLearner, ADriftChangesTheBatchesOfAllWorkersAndTheTestSplitFromItsStepOn) {
  const auto data = random_dataset(120, 300, kShape, 4);
  const Partition partition = make_partition("iid", data.train, 4, 3, 1);
  std::vector<std::uint32_t> whole_test(300);
  for (std::uint32_t i = 0; i < 300; ++i) whole_test[i] = i;
  for (const auto kind : {DriftOptions::Kind::kLabels, DriftOptions::Kind::kRotation}) {
    const DriftOptions options{.kind = kind, .at = {2}};
    const Drift drift(options, data, 100, 5);
    const auto changed = [&](const Samples& samples, std::span<const std::uint32_t> chosen) {
      auto [inputs, targets] = by_hand(samples, chosen);
      if (kind == DriftOptions::Kind::kRotation)
        return std::pair(torch::rot90(inputs, 1, {2, 3}).contiguous(), targets);
      for (std::int64_t i = 0; i < targets.numel(); ++i) targets[i] = drift.at({2}).labels[targets[i].item<int>()];
      return std::pair(inputs, targets);
    };
    const Training training = make_training({.optimizer = "sgd", .drift = options});
    EXPECT_EQ(training.drifts(), options.at);
    for (const int rank : {0, 1, 2}) {
      const auto learner = training.learner(Rank{rank});
      Sampler sampler(Sampling::kFresh, partition[static_cast<std::size_t>(rank)], 8, 5, Rank{rank});
      for (std::uint64_t step = 0; step < 4; ++step) {
        const std::vector<float> before = copy(learner->params());
        const auto chosen = sampler.draw({step});
        const double plain = loss_by_hand(before, by_hand(data.train, chosen));
        const double drifted = loss_by_hand(before, changed(data.train, chosen));
        ASSERT_GT(std::abs(plain - drifted), 1e-4);
        EXPECT_NEAR(learner->local_step({step}).loss, step < 2 ? plain : drifted, 1e-5) << rank << " step " << step;
        const std::vector<float> after = copy(learner->params());
        EXPECT_NEAR(learner->evaluate(after, {}, Split::kTest).loss,
                    loss_by_hand(after, step < 2 ? by_hand(data.test, whole_test) : changed(data.test, whole_test)),
                    1e-5);
      }
    }
    const std::vector<float> start = training.initial_parameters();
    EXPECT_NEAR(training.evaluate(start, {}, Split::kTest).loss, loss_by_hand(start, changed(data.test, whole_test)),
                1e-5);
  }
}

TEST(TorchLearner, AStreamIsDrawnBySeedWorkerAndStepAndLearntUntilItsModelIsDrawnAnew) {
  use_one_thread_per_computation();
  const DatasetRow& row = find_dataset("graphical_model");
  auto data = std::make_shared<Dataset>(
      load_dataset(row, "", Options("data", row.options, {{"samples", {.text = "1000", .where = ""}}})));
  TrainingSetup setup;
  setup.data = data;
  setup.partition = make_partition("iid", data->train, 2, 2, 1);
  setup.batch = 20;
  setup.drift = {.kind = DriftOptions::Kind::kRedraw, .at = {400}};
  setup.length = {.numerator = 800};
  setup.model = &find_model("logistic_regression");
  setup.model_options = Options("model", {}, {});
  setup.optimizer = &find_optimizer("sgd");
  setup.optimizer_options =
      Options("optimizer", setup.optimizer->options, {{"learning_rate", {.text = "0.1", .where = ""}}});
  const Training training(std::move(setup));
  const auto first = training.learner(Rank{0});
  const auto again = training.learner(Rank{0});
  const auto other = training.learner(Rank{1});
  const auto step = [](Learner& learner, std::uint64_t number) {
    learner.local_step({number});
    return copy(learner.params());
  };
  const std::vector<float> reached = step(*first, 0);
  EXPECT_TRUE(same_bits(reached, step(*again, 0)));
  EXPECT_FALSE(same_bits(reached, step(*other, 0)));
  const auto accuracy = [&] { return first->evaluate(first->params(), {}, Split::kTest).accuracy; };
  for (std::uint64_t i = 1; i < 400; ++i) first->local_step({i});
  const double learnt = accuracy();
  EXPECT_GT(learnt, 0.8);
  first->local_step({400});
  EXPECT_LT(accuracy(), learnt - 0.15);
  for (std::uint64_t i = 401; i < 800; ++i) first->local_step({i});
  EXPECT_GT(accuracy(), 0.75);
}

TEST(Evaluation, IsThatOfANaiveLoop) {
  const Training training = make_training({});
  const auto learner = training.learner(Rank{0});
  for (std::uint64_t step = 0; step < 20; ++step) learner->local_step(Step{step});
  const Dataset data = random_dataset(120, 300, kShape, 4);
  torch::nn::Sequential module = private_module(learner->params());
  const torch::NoGradGuard no_gradient;
  double loss = 0.0;
  int correct = 0;
  for (std::uint32_t sample = 0; sample < 300; ++sample) {
    const auto [image, label] = by_hand(data.test, std::array{sample});
    const at::Tensor scores = module->forward(image);
    loss += torch::nn::functional::cross_entropy(scores, label).item<double>();
    correct += scores.argmax(1).item<std::int64_t>() == label.item<std::int64_t>() ? 1 : 0;
  }
  const Evaluation result = learner->evaluate(learner->params(), learner->buffers(), Split::kTest);
  EXPECT_EQ(result.samples, 300U);
  EXPECT_NEAR(result.loss, loss / 300.0, 1e-5);
  EXPECT_EQ(result.accuracy, correct / 300.0);
  EXPECT_EQ(training.evaluate(learner->params(), {}, Split::kTest).loss, result.loss);
  EXPECT_EQ(learner->evaluate(learner->params(), learner->buffers(), Split::kValidation).samples, 40U);
}

TEST(Evaluation, OfAnotherModelLeavesTheLearnerAsItWas) {
  const Training training = make_training({});
  const auto disturbed = training.learner(Rank{0});
  const auto undisturbed = training.learner(Rank{0});
  const std::vector<float> zeros(training.dimension(), 0.0F);
  for (std::uint64_t step = 0; step < 4; ++step) {
    disturbed->compute_gradient(Step{step});
    // All scores equal: the loss is the logarithm of the number of classes.
    EXPECT_NEAR(disturbed->evaluate(zeros, {}, Split::kTest).loss, std::log(4.0), 1e-6);
    disturbed->apply_gradient();
    undisturbed->local_step(Step{step});
  }
  EXPECT_TRUE(same_bits(disturbed->params(), undisturbed->params()));
  EXPECT_TRUE(std::ranges::all_of(zeros, [](float value) { return value == 0.0F; }));
}

}  // namespace
}  // namespace laconic
