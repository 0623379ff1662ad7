// Models that predict numbers: losses, gradients, R2 and mean absolute error against the same computed by hand.
#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <set>

#include "base/error.h"
#include "training/tiny_training_test.h"

namespace laconic {
namespace {

constexpr std::size_t kFeatures = 3;
constexpr std::size_t kNumbers = 2;
constexpr std::size_t kHidden = 4;

Samples random_table(std::size_t count, std::uint64_t seed) {
  RandomStream stream(seed, "table");
  Samples samples;
  samples.targets_each = kNumbers;
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0.0;
    for (std::size_t feature = 0; feature < kFeatures; ++feature) {
      samples.values.push_back(static_cast<float>(stream.gaussian()));
      sum += samples.values.back();
    }
    samples.targets.push_back(static_cast<float>(2.0 * sum));
    samples.targets.push_back(static_cast<float>(stream.gaussian()));
  }
  return samples;
}

std::shared_ptr<Dataset> random_regression() {
  auto data = std::make_shared<Dataset>();
  data->name = "table";
  data->shape = {.channels = 1, .height = 1, .width = kFeatures};
  data->numbers = kNumbers;
  data->train = random_table(40, 1);
  data->test = random_table(75, 2);
  data->target_scale = {{.mean = 3.0, .deviation = 10.0}, {.mean = -1.0, .deviation = 0.5}};
  return data;
}

Training train_on(std::shared_ptr<const Dataset> data, const std::string& model, const std::string& loss) {
  use_one_thread_per_computation();
  TrainingSetup setup;
  setup.partition = make_partition("iid", data->train, data->classes, 1, 1);
  setup.data = data;
  setup.batch = 40;  // all of them
  setup.sampling = Sampling::kEpoch;
  setup.model = &find_model(model);
  std::map<std::string, GivenOption> given;
  if (model == "mlp") given = {{"hidden", {"4", "test"}}, {"loss", {loss, "test"}}};
  setup.model_options = Options("model", setup.model->options, given);
  setup.optimizer = &find_optimizer("sgd");
  setup.optimizer_options = Options("optimizer", setup.optimizer->options, {{"learning_rate", {"0.1", "test"}}});
  return Training(std::move(setup));
}

// What the network of `params` predicts of sample `i`: fc1, ReLU, fc2, in double.
std::vector<double> predicted(std::span<const float> params, const Samples& samples, std::size_t i) {
  const float* weight1 = params.data();
  const float* bias1 = weight1 + kHidden * kFeatures;
  const float* weight2 = bias1 + kHidden;
  const float* bias2 = weight2 + kNumbers * kHidden;
  std::vector<double> hidden(kHidden);
  for (std::size_t h = 0; h < kHidden; ++h) {
    double sum = bias1[h];
    for (std::size_t f = 0; f < kFeatures; ++f) sum += weight1[h * kFeatures + f] * samples.values[i * kFeatures + f];
    hidden[h] = std::max(sum, 0.0);
  }
  std::vector<double> outputs(kNumbers);
  for (std::size_t n = 0; n < kNumbers; ++n) {
    outputs[n] = bias2[n];
    for (std::size_t h = 0; h < kHidden; ++h) outputs[n] += weight2[n * kHidden + h] * hidden[h];
  }
  return outputs;
}

// The mean over samples and numbers.
double mean_loss(std::span<const float> params, const Samples& samples, const std::function<double(double)>& of_error) {
  double sum = 0.0;
  for (std::size_t i = 0; i < samples.count(); ++i) {
    const std::vector<double> outputs = predicted(params, samples, i);
    for (std::size_t n = 0; n < kNumbers; ++n) sum += of_error(outputs[n] - samples.targets[i * kNumbers + n]);
  }
  return sum / static_cast<double>(samples.count() * kNumbers);
}

const std::map<std::string, std::function<double(double)>> kLosses = {
    {"mse", [](double error) { return error * error; }},
    {"l1", [](double error) { return std::abs(error); }},
    {"huber", [](double error) { return std::abs(error) <= 1 ? error * error / 2 : std::abs(error) - 0.5; }}};

TEST(Regression, TheLossesAndTheirGradientsAreThoseOfTheFormulas) {
  for (const auto& [name, of_error] : kLosses) {
    const auto data = random_regression();
    const Training training = train_on(data, "mlp", name);
    const auto learner = training.learner(Rank{0});
    std::vector<float> params = copy(learner->params());
    const StepResult step = learner->compute_gradient(Step{0});
    EXPECT_NEAR(step.loss, mean_loss(params, data->train, of_error), 1e-5) << name;
    constexpr float kStep = 1e-2F;
    for (std::size_t i = 0; i < params.size(); i += 5) {
      const float before = params[i];
      params[i] = before + kStep;
      const double above = mean_loss(params, data->train, of_error);
      params[i] = before - kStep;
      const double below = mean_loss(params, data->train, of_error);
      params[i] = before;
      EXPECT_NEAR(learner->gradient()[i], (above - below) / (2.0 * kStep), 2e-2) << name << ", parameter " << i;
    }
  }
}

TEST(Regression, IsMeasuredByLossR2AndTheMeanAbsoluteErrorInTheFilesUnit) {
  for (const auto& [name, of_error] : kLosses) {
    const auto data = random_regression();
    const Training training = train_on(data, "mlp", name);
    const auto learner = training.learner(Rank{0});
    for (std::uint64_t step = 0; step < 30; ++step) learner->local_step(Step{step});
    const Evaluation measured = learner->evaluate(learner->params(), {}, Split::kTest);
    EXPECT_NEAR(measured.loss, mean_loss(learner->params(), data->test, of_error), 1e-5) << name;
    const double count = static_cast<double>(data->test.count());
    double r2 = 0.0;
    double mae = 0.0;
    for (std::size_t n = 0; n < kNumbers; ++n) {
      double mean = 0.0;
      double errors = 0.0;
      double spread = 0.0;
      for (std::size_t i = 0; i < data->test.count(); ++i) mean += data->test.targets[i * kNumbers + n] / count;
      for (std::size_t i = 0; i < data->test.count(); ++i) {
        const double wanted = data->test.targets[i * kNumbers + n];
        const double error = predicted(learner->params(), data->test, i)[n] - wanted;
        errors += error * error;
        spread += (wanted - mean) * (wanted - mean);
        mae += std::abs(error) * data->target_scale[n].deviation / count / kNumbers;
      }
      r2 += (1.0 - errors / spread) / kNumbers;
    }
    ASSERT_TRUE(measured.regression);
    EXPECT_NEAR(measured.regression->r2, r2, 1e-5) << name;
    EXPECT_NEAR(measured.regression->mean_absolute_error, mae, 1e-5) << name;
    EXPECT_EQ(measured.score(), measured.regression->r2);
    EXPECT_EQ(measured.accuracy, 0.0);
  }
}

TEST(Regression, ANumberThatNeverChangesHasAnR2OfOneOnlyWhereItIsMetExactly) {
  const auto data = random_regression();
  for (std::size_t i = 0; i < data->test.count(); ++i) data->test.targets[i * kNumbers] = 0.0F;
  const Training training = train_on(data, "mlp", "mse");
  std::vector<float> zeros(training.dimension(), 0.0F);  // predict 0
  double spread = 0.0;
  double squares = 0.0;
  double mean = 0.0;
  for (std::size_t i = 0; i < data->test.count(); ++i) mean += data->test.targets[i * kNumbers + 1] / 75.0;
  for (std::size_t i = 0; i < data->test.count(); ++i) {
    const double target = data->test.targets[i * kNumbers + 1];
    squares += target * target;
    spread += (target - mean) * (target - mean);
  }
  const double of_second = 1.0 - squares / spread;
  EXPECT_NEAR(training.evaluate(zeros, {}, Split::kTest).regression->r2, (1.0 + of_second) / 2.0, 1e-9);
  zeros[kHidden * kFeatures + kHidden + kNumbers * kHidden] = 1.0F;  // the bias of the first number
  EXPECT_NEAR(training.evaluate(zeros, {}, Split::kTest).regression->r2, of_second / 2.0, 1e-9);
}

TEST(Regression, IsLearnt) {
  const auto data = random_regression();
  for (std::size_t i = 0; i < data->test.count(); ++i) data->test.targets[2 * i + 1] = data->test.targets[2 * i];
  for (std::size_t i = 0; i < data->train.count(); ++i) data->train.targets[2 * i + 1] = data->train.targets[2 * i];
  const Training training = train_on(data, "mlp", "huber");
  const auto learner = training.learner(Rank{0});
  for (std::uint64_t step = 0; step < 400; ++step) learner->local_step(Step{step});
  EXPECT_GT(learner->evaluate(learner->params(), {}, Split::kTest).score(), 0.9);
}

TEST(Regression, IsRefusedWhereTheModelOrItsLossTellsClassesApart) {
  EXPECT_EQ(
      usage_error([&] { train_on(random_regression(), "mlp", "cross_entropy"); }),
      "test: model.loss: cross_entropy compares with classes, and data.targets are numbers; take mse, l1 or huber");
  for (const char* model : {"logistic_regression", "lenet5", "kamp_cnn", "vgg16_star", "resnet8", "vgg11"}) {
    const auto data = random_regression();
    data->shape = {.channels = 1, .height = 32, .width = 32};
    data->train.values.resize(40 * 1024);
    EXPECT_EQ(usage_error([&] { train_on(data, model, ""); }),
              std::string("model.name: ") + model +
                  " tells classes apart, and data.targets are numbers; take mlp or torchscript");
  }
  auto classes = std::make_shared<Dataset>(random_dataset(40, 10, {.channels = 1, .height = 1, .width = 3}, 2));
  for (const char* loss : {"l1", "huber"}) {
    EXPECT_NE(usage_error([&] { train_on(classes, "mlp", loss); }).find(" compares with numbers, and what is to be "),
              std::string::npos);
  }
}

TEST(Labels, GoBeyond256Classes) {
  constexpr std::uint32_t kClasses = 1000;
  auto data = std::make_shared<Dataset>(random_dataset(40, 40, {.channels = 1, .height = 1, .width = 3}, 2));
  data->classes = kClasses;
  for (std::size_t i = 0; i < 40; ++i) data->train.labels[i] = static_cast<std::uint16_t>(960 + i);
  for (std::size_t i = 0; i < 40; ++i) data->test.labels[i] = static_cast<std::uint16_t>(960 + i);
  const Training training = train_on(data, "logistic_regression", "");
  std::vector<float> params(training.dimension(), 0.0F);
  params[kClasses * 3 + 970] = 1.0F;  // the bias of class 970
  const Evaluation measured = training.evaluate(params, {}, Split::kTest);
  EXPECT_DOUBLE_EQ(measured.accuracy, 1.0 / 40.0);
  const double others = std::log(999.0 + std::exp(1.0));
  EXPECT_NEAR(measured.loss, (39.0 * others + others - 1.0) / 40.0, 1e-5);
}

}  // namespace
}  // namespace laconic
