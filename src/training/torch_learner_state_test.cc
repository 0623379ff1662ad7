// What a learner's results depend on, and what it keeps.
#include <torch/torch.h>

#include <algorithm>
#include <thread>

#include "training/tiny_training_test.h"
#include "training/torch_learner.h"

namespace laconic {
namespace {

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
  const std::vector<TinyTraining> jobs = {
      {.optimizer = "sgd", .optimizer_options = falling, .sampling = Sampling::kEpoch},
      {.optimizer = "adam", .sampling = Sampling::kEpoch, .augmented = true},
      {.optimizer = "sgd", .drift = {.kind = DriftOptions::Kind::kLabels, .at = {10}}},
      {.model = "kamp_cnn", .optimizer = "sgd", .optimizer_options = nesterov, .batch = 4},  // with dropout
      {.model = "kamp_cnn", .optimizer = "adamw", .optimizer_options = falling, .batch = 4},
      {.model = "resnet8", .optimizer = "sgd", .optimizer_options = nesterov, .batch = 4},  // with batch norm
      {.model = "resnet8", .optimizer = "adam", .batch = 4, .prequential = true},
      {.model = "resnet8", .model_options = {{"buffers", "average"}}, .optimizer = "adamw", .batch = 4}};
  for (const TinyTraining& job : jobs) {
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

}  // namespace
}  // namespace laconic
