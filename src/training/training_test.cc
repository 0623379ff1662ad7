#include "training/training.h"

#include <torch/csrc/jit/serialization/pickle.h>
#include <torch/torch.h>

#include <cmath>
#include <cstring>

#include "training/models/network.h"
#include "training/tiny_training_test.h"

namespace laconic {
namespace {

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

TEST(PythonModels, OfBuiltInModelsAreStateDicts) {
  const TemporaryFolder folder;
  const Training training = make_training({.model = "mlp", .optimizer = "sgd"});
  const std::vector<float> start = training.initial_parameters();
  training.write_for_python(folder.path("model.pt"), start);
  const std::string bytes = read_whole(folder.path("model.pt"));
  EXPECT_EQ(bytes.find("torch.jit"), std::string::npos)
      << "since PyTorch 2.6 torch.load() refuses what is not plain data";
  const c10::IValue value = torch::jit::pickle_load({bytes.begin(), bytes.end()});
  const auto state = value.toGenericDict();
  ASSERT_EQ(state.size(), training.stored_layout().tensors.size());
  for (const TensorLayout& tensor : training.stored_layout().tensors) {
    const at::Tensor stored = state.at(tensor.name).toTensor();
    EXPECT_EQ(stored.sizes().vec(), tensor.shape);
    EXPECT_EQ(std::memcmp(stored.data_ptr<float>(), start.data() + tensor.offset, 4 * tensor.size), 0) << tensor.name;
  }
}

}  // namespace
}  // namespace laconic
