#include "training/training.h"

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <thread>

#include "training/data/test_support.h"
#include "training/models/compute_threads.h"
#include "training/models/network.h"

namespace laconic {
namespace {

constexpr ImageShape kShape{.channels = 1, .height = 12, .width = 12};

struct Job {
  std::string model = "lenet5";
  std::map<std::string, std::string> model_options = {};
  std::string optimizer = "adam";
  std::map<std::string, std::string> optimizer_options = {};
  std::uint32_t workers = 3;
  std::uint32_t batch = 8;
  Sampling sampling = Sampling::kFresh;
  bool prequential = false;
  bool augmented = false;
  DriftOptions drift = {};
};

Training make_training(const Job& job) {
  use_one_thread_per_computation();
  auto data = std::make_shared<Dataset>(random_dataset(120, 300, kShape, 4));
  data->validation = random_samples(40, kShape, 4, 3);
  data->augmented = job.augmented;
  TrainingSetup setup;
  setup.prequential = job.prequential;
  setup.drift = job.drift;
  if (!job.drift.at.empty()) setup.length = {.numerator = 100};
  setup.partition = make_partition("iid", data->train, data->classes, job.workers, 1);
  setup.data = data;
  setup.batch = job.batch;
  setup.sampling = job.sampling;
  setup.model = &find_model(job.model);
  const auto given = [](const std::map<std::string, std::string>& values) {
    std::map<std::string, GivenOption> options;
    for (const auto& [key, text] : values) options[key] = {.text = text, .where = "test"};
    return options;
  };
  setup.model_options = Options("model", setup.model->options, given(job.model_options));
  setup.optimizer = &find_optimizer(job.optimizer);
  setup.optimizer_options = Options("optimizer", setup.optimizer->options, given(job.optimizer_options));
  setup.seed = 5;
  return Training(std::move(setup));
}

std::vector<float> copy(std::span<const float> values) { return {values.begin(), values.end()}; }

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size_bytes()) == 0;
}

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
    Job job;
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

TEST(TorchLearner, LocalStepIsComputeGradientAndApplyGradientBitForBit) {
  for (const std::string optimizer : {"sgd", "adam", "adamw"}) {
    const Training training = make_training({.optimizer = optimizer});
    const auto whole = training.learner(Rank{1});
    const auto halves = training.learner(Rank{1});
    for (std::uint64_t step = 0; step < 10; ++step) {
      const StepResult a = whole->local_step(Step{step});
      const StepResult b = halves->compute_gradient(Step{step});
      halves->apply_gradient();
      EXPECT_EQ(a.loss, b.loss);
      EXPECT_EQ(a.samples, b.samples);
    }
    EXPECT_TRUE(same_bits(whole->params(), halves->params())) << optimizer;
    EXPECT_FALSE(same_bits(whole->params(), training.initial_parameters())) << optimizer;
  }
}

TEST(TorchLearner, AStrategyMayChangeTheGradientBeforeItIsApplied) {
  const Training training = make_training({.optimizer = "sgd", .optimizer_options = {{"learning_rate", "0.5"}}});
  const auto learner = training.learner(Rank{0});
  const std::vector<float> before = copy(learner->params());
  learner->compute_gradient(Step{0});
  std::ranges::fill(learner->gradient(), 1.0F);
  learner->apply_gradient();
  for (std::size_t i = 0; i < before.size(); ++i) ASSERT_EQ(learner->params()[i], before[i] - 0.5F);
}

// The results of `steps` steps of every worker, one after the other in this thread.
std::vector<std::vector<float>> sequential(const Training& training, std::uint64_t steps) {
  std::vector<std::vector<float>> results;
  for (int rank = 0; rank < static_cast<int>(training.workers()); ++rank) {
    const auto learner = training.learner(Rank{rank});
    for (std::uint64_t step = 0; step < steps; ++step) learner->local_step(Step{step});
    results.push_back(copy(learner->params()));
  }
  return results;
}

TEST(TorchLearner, ResultsDoNotDependOnThreadsAndInstances) {
  for (const std::string model : {"lenet5", "vgg16_star", "resnet8"}) {
    const Training training = make_training({.model = model, .workers = 4, .batch = 4});
    const std::uint64_t steps = model == "lenet5" ? 12 : 3;
    const auto expected = sequential(training, steps);
    std::vector<std::unique_ptr<Learner>> learners;
    for (int rank = 0; rank < 4; ++rank) learners.push_back(training.learner(Rank{rank}));
    for (std::uint64_t step = 0; step < steps; ++step) {
      // Two new threads a step; which learners a thread gets, and in which order, changes from step to step.
      const auto work = [&](std::size_t first) {
        learners[(first + step) % 4]->local_step(Step{step});
        learners[(first + step + 2) % 4]->local_step(Step{step});
      };
      std::thread even(work, 0);
      std::thread odd(work, 1);
      even.join();
      odd.join();
    }
    for (std::size_t rank = 0; rank < 4; ++rank) {
      EXPECT_TRUE(same_bits(learners[rank]->params(), expected[rank])) << model << " rank " << rank;
    }
  }
}

TEST(TorchLearner, DropoutDependsOnRankAndStepAndNotOnTheProcess) {
  const Training training = make_training({.model = "vgg16_star", .optimizer = "sgd", .batch = 4});
  const auto gradient_at = [&](std::uint64_t process_seed) {
    torch::manual_seed(process_seed);
    const auto learner = training.learner(Rank{0});
    learner->compute_gradient(Step{3});
    return copy(learner->gradient());
  };
  EXPECT_TRUE(same_bits(gradient_at(1), gradient_at(2)));
}

TEST(TorchLearner, ViewsKeepTheirAddressAndAreLive) {
  const Training training = make_training({});
  const auto learner = training.learner(Rank{0});
  float* const params = learner->params().data();
  float* const gradient = learner->gradient().data();
  EXPECT_EQ(learner->params().size(), training.dimension());
  EXPECT_EQ(learner->gradient().size(), training.dimension());
  for (std::uint64_t step = 0; step < 3; ++step) {
    learner->local_step(Step{step});
    learner->compute_gradient(Step{step});
    learner->apply_gradient();
    learner->evaluate(learner->params(), learner->buffers(), Split::kTest);
  }
  EXPECT_EQ(learner->params().data(), params);
  EXPECT_EQ(learner->gradient().data(), gradient);
  // What a strategy writes is what the next step starts from.
  std::ranges::copy(training.initial_parameters(), params);
  const auto fresh = training.learner(Rank{0});
  EXPECT_EQ(learner->compute_gradient(Step{9}).loss, fresh->compute_gradient(Step{9}).loss);
}

TEST(TorchLearner, ContinuesBitForBitFromItsArchiveAndParameters) {
  const std::map<std::string, std::string> falling = {{"schedule", "milestones"}, {"milestones", "3 steps"}};
  std::map<std::string, std::string> nesterov = falling;
  nesterov.insert({{"momentum", "0.9"}, {"nesterov", "true"}});
  const std::vector<Job> jobs = {
      {.optimizer = "sgd", .optimizer_options = falling, .sampling = Sampling::kEpoch},
      {.optimizer = "adam", .sampling = Sampling::kEpoch, .augmented = true},
      {.optimizer = "sgd", .drift = {.kind = DriftOptions::Kind::kLabels, .at = {10}}},
      {.model = "kamp_cnn", .optimizer = "sgd", .optimizer_options = nesterov, .batch = 4},  // with dropout
      {.model = "kamp_cnn", .optimizer = "adamw", .optimizer_options = falling, .batch = 4},
      {.model = "resnet8", .optimizer = "sgd", .optimizer_options = nesterov, .batch = 4},  // with batch norm
      {.model = "resnet8", .optimizer = "adam", .batch = 4, .prequential = true},
      {.model = "resnet8", .model_options = {{"buffers", "average"}}, .optimizer = "adamw", .batch = 4}};
  for (const Job& job : jobs) {
    const Training training = make_training(job);
    const auto whole = training.learner(Rank{2});
    for (std::uint64_t step = 0; step < 5; ++step) whole->local_step(Step{step});
    Archive saving;
    whole->archive(saving);
    const std::vector<std::byte> bytes = saving.take();
    const std::vector<float> params = copy(whole->params());

    const auto continued = training.learner(Rank{2});
    for (std::uint64_t step = 20; step < 22; ++step) continued->local_step(Step{step});  // what loading must replace
    std::ranges::copy(params, continued->params().data());
    Archive loading(bytes);
    continued->archive(loading);
    loading.expect_end();
    const auto expect_the_same = [&] {
      EXPECT_EQ(whole->learning_rate(), continued->learning_rate());
      EXPECT_TRUE(same_bits(whole->params(), continued->params())) << job.model << ", " << job.optimizer;
      EXPECT_TRUE(same_bits(whole->buffers(), continued->buffers())) << job.model << ", " << job.optimizer;
      EXPECT_EQ(whole->evaluate(whole->params(), whole->buffers(), Split::kTest).loss,
                continued->evaluate(continued->params(), continued->buffers(), Split::kTest).loss);
    };
    expect_the_same();
    for (std::uint64_t step = 5; step < 9; ++step) {
      const StepResult expected = whole->local_step(Step{step});
      const StepResult result = continued->local_step(Step{step});
      EXPECT_EQ(result.loss, expected.loss);
      EXPECT_EQ(result.test_loss, expected.test_loss);
    }
    expect_the_same();
  }
}

TEST(TorchLearner, BuffersAreTheWorkersOwnWhateverInstanceComputes) {
  const Training training = make_training({.model = "resnet8", .optimizer = "sgd", .batch = 4});
  const auto first = training.learner(Rank{0});
  const auto second = training.learner(Rank{1});
  const auto alone = training.learner(Rank{0});
  float* const address = first->buffers().data();
  EXPECT_EQ(first->buffers().size(), 2U * (3 * 16 + 3 * 32 + 3 * 64));
  EXPECT_TRUE(same_bits(first->buffers(), second->buffers()));
  for (std::uint64_t step = 0; step < 3; ++step) {
    first->local_step(Step{step});
    second->compute_gradient(Step{step});
    second->apply_gradient();
    second->evaluate(second->params(), second->buffers(), Split::kTest);
    alone->local_step(Step{step});
  }
  EXPECT_TRUE(same_bits(first->buffers(), alone->buffers()));
  EXPECT_TRUE(same_bits(first->params(), alone->params()));
  EXPECT_FALSE(same_bits(first->buffers(), second->buffers()));
  EXPECT_EQ(first->buffers().data(), address);
  EXPECT_EQ(training.stored_layout().size, training.dimension() + first->buffers().size());
  EXPECT_EQ(training.stored_layout().tensors.back().offset + training.stored_layout().tensors.back().size,
            training.stored_layout().size);
  EXPECT_EQ(training.memory_per_worker(false).value, 4U * (training.dimension() + first->buffers().size()));
}

TEST(TorchLearner, EvaluationUsesTheBuffersGivenAndLeavesThem) {
  const Training training = make_training({.model = "resnet8", .optimizer = "sgd"});
  const auto learner = training.learner(Rank{0});
  const std::vector<float> start = copy(learner->buffers());
  for (std::uint64_t step = 0; step < 3; ++step) learner->local_step(Step{step});
  const std::vector<float> after = copy(learner->buffers());
  const double own = learner->evaluate(learner->params(), after, Split::kTest).loss;
  const double other = learner->evaluate(learner->params(), start, Split::kTest).loss;
  EXPECT_NE(own, other);
  EXPECT_EQ(learner->evaluate(learner->params(), after, Split::kTest).loss, own);
  EXPECT_TRUE(same_bits(learner->buffers(), after));
}

TEST(TorchLearner, BuffersThatTravelLieBehindTheParametersAndTrainThemAsOwnOnesDo) {
  for (const std::string optimizer : {"sgd", "adam"}) {
    const Training with_own = make_training({.model = "resnet8", .optimizer = optimizer, .batch = 4});
    const Training travelling = make_training(
        {.model = "resnet8", .model_options = {{"buffers", "average"}}, .optimizer = optimizer, .batch = 4});
    const auto own = with_own.learner(Rank{0});
    const auto learner = travelling.learner(Rank{0});
    const std::size_t trained = own->params().size();
    EXPECT_TRUE(learner->buffers().empty());
    EXPECT_EQ(learner->params().size(), trained + own->buffers().size());
    EXPECT_EQ(learner->trained_size(), trained);
    EXPECT_EQ(own->trained_size(), trained);
    EXPECT_EQ(travelling.dimension(), learner->params().size());
    EXPECT_EQ(travelling.stored_layout().size, with_own.stored_layout().size);
    EXPECT_EQ(travelling.layout().tensors.size(), with_own.stored_layout().tensors.size());
    EXPECT_EQ(travelling.memory_per_worker(true).value, with_own.memory_per_worker(true).value);
    EXPECT_TRUE(same_bits(learner->params(), travelling.initial_parameters()));
    for (std::uint64_t step = 0; step < 3; ++step) {
      own->local_step(Step{step});
      if (step == 1) {
        learner->compute_gradient(Step{step});
        learner->apply_gradient();
      } else {
        learner->local_step(Step{step});
      }
    }
    EXPECT_TRUE(same_bits(learner->params().first(trained), own->params()));
    EXPECT_TRUE(same_bits(learner->params().subspan(trained), own->buffers()));
    EXPECT_EQ(learner->evaluate(learner->params(), {}, Split::kTest).loss,
              own->evaluate(own->params(), own->buffers(), Split::kTest).loss);
  }
}

TEST(TorchLearner, AVarianceThatAStrategyMadeNegativeCountsAsZero) {
  const Training training = make_training({.model = "resnet8", .model_options = {{"buffers", "average"}}});
  std::vector<float> zero = training.initial_parameters();
  std::vector<float> negative = zero;
  const TensorLayout variance = training.layout().tensors.back();
  ASSERT_TRUE(variance.name.ends_with("running_var"));
  for (std::size_t i = 0; i < variance.size; ++i) {
    zero[variance.offset + i] = 0.0F;
    negative[variance.offset + i] = -0.01F;
  }
  const double loss = training.evaluate(negative, {}, Split::kTest).loss;
  EXPECT_TRUE(std::isfinite(loss));
  EXPECT_EQ(loss, training.evaluate(zero, {}, Split::kTest).loss);
}

TEST(TorchLearner, FollowsTheScheduleOfTheLearningRate) {
  const Training training = make_training({.optimizer = "sgd",
                                           .optimizer_options = {{"learning_rate", "0.5"},
                                                                 {"warmup", "2 steps"},
                                                                 {"schedule", "milestones"},
                                                                 {"milestones", "3 steps"},
                                                                 {"decay", "0.5"}}});
  const auto learner = training.learner(Rank{0});
  const auto whole = training.learner(Rank{0});
  // With a gradient of ones a step moves every parameter by the rate; exact, since rates are powers of two.
  const std::array<float, 5> rates = {0.25F, 0.5F, 0.5F, 0.25F, 0.25F};
  for (std::uint64_t step = 0; step < rates.size(); ++step) {
    learner->compute_gradient(Step{step});
    std::ranges::fill(learner->params(), 0.0F);
    std::ranges::fill(learner->gradient(), 1.0F);
    learner->apply_gradient();
    EXPECT_EQ(learner->learning_rate(), rates[step]) << step;
    for (const float value : learner->params()) ASSERT_EQ(value, -rates[step]) << step;
  }
  // A whole step takes the same rate as its halves.
  for (std::uint64_t step = 0; step < 4; ++step) whole->local_step(Step{step});
  const auto halves = training.learner(Rank{0});
  for (std::uint64_t step = 0; step < 4; ++step) {
    halves->compute_gradient(Step{step});
    halves->apply_gradient();
  }
  EXPECT_TRUE(same_bits(whole->params(), halves->params()));
}

TEST(TorchLearner, LearnsATextThatRepeatsItself) {
  use_one_thread_per_computation();
  auto data = std::make_shared<Dataset>();
  data->input = Input::kText;
  data->classes = 5;
  // 1 2 3 4 1 2 3 4 ...; each sample 9 tokens, from a place of its own.
  for (Samples* samples : {&data->train, &data->test}) {
    samples->tokens_each = 9;
    for (std::uint32_t i = 0; i < 40 * 9; ++i) samples->tokens.push_back(1 + (i / 9 + i % 9) % 4);
  }
  TrainingSetup setup;
  setup.partition = make_partition("iid", data->train, data->classes, 2, 1);
  setup.data = data;
  setup.batch = 4;
  setup.model = &find_model("lstm");
  setup.model_options = Options("model", setup.model->options, {{"hidden", {.text = "16", .where = "test"}}});
  setup.optimizer = &find_optimizer("adam");
  setup.optimizer_options =
      Options("optimizer", setup.optimizer->options, {{"learning_rate", {.text = "0.01", .where = "test"}}});
  const Training training(std::move(setup));
  const auto learner = training.learner(Rank{1});
  const Evaluation before = learner->evaluate(learner->params(), {}, Split::kTest);
  EXPECT_EQ(before.samples, 40U);
  EXPECT_NEAR(before.loss, std::log(5.0), 0.3);  // nats a token
  for (std::uint64_t step = 0; step < 100; ++step) EXPECT_EQ(learner->local_step(Step{step}).samples, 4U);
  const Evaluation after = learner->evaluate(learner->params(), {}, Split::kTest);
  EXPECT_GT(after.accuracy, 0.99);
  EXPECT_LT(after.loss, 0.2);
}

TEST(TorchLearner, LearnsWhatCanBeLearnt) {
  for (const std::string model : {"mlp", "lenet5"}) {
    const Training training =
        make_training({.model = model, .optimizer_options = {{"learning_rate", "0.003"}}, .workers = 1});
    const auto learner = training.learner(Rank{0});
    const double before = learner->evaluate(learner->params(), learner->buffers(), Split::kTest).accuracy;
    for (std::uint64_t step = 0; step < 300; ++step) learner->local_step(Step{step});
    EXPECT_LT(before, 0.6) << model;  // four classes
    EXPECT_GT(learner->evaluate(learner->params(), learner->buffers(), Split::kTest).accuracy, 0.9) << model;
  }
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

TEST(Training, KnowsItsSizes) {
  const Training training = make_training({.workers = 7, .batch = 8});
  EXPECT_EQ(training.workers(), 7U);
  EXPECT_EQ(training.training_samples(), 120U);
  EXPECT_EQ(training.training_samples(Rank{0}), 17U);
  EXPECT_EQ(training.learner(Rank{0})->samples(), 17U);
  EXPECT_EQ(training.samples_per_step(), 56U);
  EXPECT_EQ(training.dimension(), training.layout().size);
  EXPECT_EQ(training.memory_per_worker(false).value, 3U * 4 * training.dimension());
  EXPECT_EQ(training.memory_per_worker(true).value, 4U * 4 * training.dimension());
  // A batch larger than a worker's part is that part when drawn fresh, and runs on into the next pass otherwise.
  EXPECT_EQ(make_training({.workers = 7, .batch = 32}).samples_per_step(), 120U);
  EXPECT_EQ(make_training({.workers = 7, .batch = 32, .sampling = Sampling::kEpoch}).samples_per_step(), 224U);
}

TEST(Training, LearnersOutliveItAndStartAlike) {
  std::unique_ptr<Learner> first;
  std::unique_ptr<Learner> second;
  {
    const Training training = make_training({});
    first = training.learner(Rank{0});
    second = training.learner(Rank{1});
    EXPECT_TRUE(same_bits(first->params(), training.initial_parameters()));
  }
  EXPECT_TRUE(same_bits(first->params(), second->params()));
  first->local_step(Step{0});
  second->local_step(Step{0});
  EXPECT_FALSE(same_bits(first->params(), second->params()));  // other samples
}

TEST(Training, RefusesAnEmptyBatchAndWhatTheOptimiserRefuses) {
  EXPECT_THROW(make_training({.batch = 0}), UsageError);
  EXPECT_THROW(make_training({.optimizer = "sgd", .optimizer_options = {{"nesterov", "true"}}}), UsageError);
}

TEST(FlushDenormals, CountsThemAsZeroAndRestoresTheThread) {
  volatile float small = 1e-38F;
  EXPECT_NE(small * 0.1F, 0.0F);
  {
    const FlushDenormals flush;
    EXPECT_EQ(small * 0.1F, 0.0F);
  }
  EXPECT_NE(small * 0.1F, 0.0F);
}

}  // namespace
}  // namespace laconic
