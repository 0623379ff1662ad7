// What an evaluation tells of classes and of a worker's own data, against a linear model computed by hand.
#include <algorithm>
#include <optional>

#include "training/tiny_training_test.h"

namespace laconic {
namespace {

struct Linear {
  std::uint32_t classes = 4;
  std::uint32_t workers = 3;
  std::size_t samples = 90;  // to train on
};

std::shared_ptr<const Dataset> data_of(const Linear& job) {
  auto data = std::make_shared<Dataset>(random_dataset(job.samples, 150, kShape, job.classes));
  data->validation = random_samples(40, kShape, job.classes, 3);
  return data;
}

Training training_of(const Linear& job, const std::shared_ptr<const Dataset>& data) {
  use_one_thread_per_computation();
  TrainingSetup setup;
  setup.partition = make_partition("iid", data->train, data->classes, job.workers, 1);
  setup.data = data;
  setup.model = &find_model("logistic_regression");
  setup.model_options = Options("model", setup.model->options, {});
  setup.optimizer = &find_optimizer("sgd");
  setup.optimizer_options = Options("optimizer", setup.optimizer->options, {});
  return Training(std::move(setup));
}

// Scores of sample `index`, in double; the parameters are the weights, a row for each class, and then the biases.
std::vector<double> scores_of(const Samples& samples, std::size_t index, const std::vector<float>& params,
                              std::uint32_t classes) {
  const std::size_t inputs = kShape.size();
  std::vector<double> scores(classes);
  for (std::size_t c = 0; c < classes; ++c) {
    scores[c] = params[classes * inputs + c];
    for (std::size_t i = 0; i < inputs; ++i) {
      scores[c] += static_cast<double>(params[c * inputs + i]) * samples.pixels[index * inputs + i] / 255.0;
    }
  }
  return scores;
}

std::size_t best_of(const std::vector<double>& scores) {
  return static_cast<std::size_t>(std::ranges::max_element(scores) - scores.begin());
}

std::vector<float> random_model(std::size_t size) {
  RandomStream random(9, "model");
  std::vector<float> params(size);
  for (float& value : params) value = static_cast<float>(0.3 * random.gaussian());
  return params;
}

TEST(ModelEvaluation, CountsWhichClassEachSampleIsTakenFor) {
  const Linear job;
  const auto data = data_of(job);
  const Training training = training_of(job, data);
  const std::vector<float> params = random_model(training.dimension());
  for (const Split split : {Split::kTest, Split::kValidation}) {
    const Samples& samples = split == Split::kTest ? data->test : data->validation;
    Confusion expected{.samples = std::vector<std::uint64_t>(job.classes),
                       .counts = std::vector<std::uint64_t>(job.classes * job.classes)};
    for (std::size_t i = 0; i < samples.count(); ++i) {
      ++expected.samples[samples.labels[i]];
      ++expected.counts[samples.labels[i] * job.classes + best_of(scores_of(samples, i, params, job.classes))];
    }
    const Evaluation evaluation = training.evaluate(params, {}, split);
    ASSERT_TRUE(evaluation.confusion);
    EXPECT_EQ(evaluation.confusion->samples, expected.samples);
    EXPECT_EQ(evaluation.confusion->counts, expected.counts);
    EXPECT_FALSE(evaluation.confusion->auc);
    EXPECT_GT(*std::ranges::min_element(evaluation.confusion->samples), 0U);
  }
}

TEST(ModelEvaluation, OfTwoClassesRanksBothByWhatTheirScoresDifferBy) {
  const Linear job{.classes = 2};
  const auto data = data_of(job);
  const Training training = training_of(job, data);
  const std::vector<float> params = random_model(training.dimension());
  double right = 0.0;
  double pairs = 0.0;
  for (std::size_t i = 0; i < data->test.count(); ++i) {
    for (std::size_t j = 0; j < data->test.count(); ++j) {
      if (data->test.labels[i] != 0 || data->test.labels[j] != 1) continue;
      const std::vector<double> negative = scores_of(data->test, i, params, 2);
      const std::vector<double> positive = scores_of(data->test, j, params, 2);
      right += positive[1] - positive[0] > negative[1] - negative[0] ? 1.0 : 0.0;
      pairs += 1.0;
    }
  }
  const Evaluation evaluation = training.evaluate(params, {}, Split::kTest);
  ASSERT_TRUE(evaluation.confusion && evaluation.confusion->auc);
  EXPECT_NEAR(*evaluation.confusion->auc, right / pairs, 1e-9);
  EXPECT_GT(std::abs(right / pairs - 0.5), 0.02) << "a model that ranks nothing shows nothing";
}

TEST(ModelEvaluation, OnTheDataOfAWorkerMeasuresItsSamplesAlone) {
  const Linear job;
  const auto data = data_of(job);
  const Training training = training_of(job, data);
  const Partition partition = make_partition("iid", data->train, data->classes, job.workers, 1);
  const std::vector<float> params = random_model(training.dimension());
  const auto learner = training.learner(Rank{2});
  std::vector<double> accuracies;
  for (std::int32_t rank = 0; rank < 3; ++rank) {
    const auto& part = partition[static_cast<std::size_t>(rank)];
    double right = 0.0;
    for (const std::uint32_t sample : part) {
      right += best_of(scores_of(data->train, sample, params, job.classes)) == data->train.labels[sample] ? 1.0 : 0.0;
    }
    const Evaluation own = learner->evaluate_on_data_of(Rank{rank}, params, {});
    EXPECT_EQ(own.samples, part.size());
    EXPECT_NEAR(own.accuracy, right / static_cast<double>(part.size()), 1e-12) << rank;
    EXPECT_FALSE(own.confusion);
    accuracies.push_back(own.accuracy);
  }
  EXPECT_NE(accuracies[0], accuracies[1]) << "workers whose figures can be told apart";
}

TEST(ModelEvaluation, OnTheDataOfAWorkerWithMuchMeasuresSamplesFromAllOfIt) {
  const Linear job{.workers = 1, .samples = 2'500};
  const auto data = data_of(job);
  const Training training = training_of(job, data);
  const Partition partition = make_partition("iid", data->train, data->classes, 1, 1);
  const std::vector<float> params = random_model(training.dimension());
  double right = 0.0;
  for (std::size_t i = 0; i < 1'000; ++i) {
    const std::uint32_t sample = partition[0][i * 5 / 2];
    right += best_of(scores_of(data->train, sample, params, job.classes)) == data->train.labels[sample] ? 1.0 : 0.0;
  }
  const Evaluation own = training.learner(Rank{0})->evaluate_on_data_of(Rank{0}, params, {});
  EXPECT_EQ(own.samples, 1'000U);
  EXPECT_NEAR(own.accuracy, right / 1'000.0, 1e-12);
}

}  // namespace
}  // namespace laconic
