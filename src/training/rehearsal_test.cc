// What is said of a model before its first step.
#include <gtest/gtest.h>

#include <numeric>

#include "training/script_module_test.h"

namespace laconic {
namespace {

struct Rehearsed {
  std::string model = "torchscript";
  std::map<std::string, std::string> model_options = {};
  std::uint32_t batch = 8;
  std::vector<std::size_t> shards = {60, 60};
  std::size_t tests = 100;
  ImageShape shape = kShape;
  bool prequential = false;
};

Training training_of(const Rehearsed& job) {
  use_one_thread_per_computation();
  auto data = std::make_shared<Dataset>(random_dataset(120, job.tests, job.shape, kClasses));
  TrainingSetup setup;
  std::uint32_t next = 0;
  for (const std::size_t size : job.shards) {
    std::vector<std::uint32_t> shard(size);
    std::iota(shard.begin(), shard.end(), next);
    next += static_cast<std::uint32_t>(size);
    setup.partition.push_back(shard);
  }
  setup.data = data;
  setup.batch = job.batch;
  setup.prequential = job.prequential;
  setup.model = &find_model(job.model);
  std::map<std::string, GivenOption> given;
  for (const auto& [key, text] : job.model_options) given[key] = {.text = text, .where = "test"};
  setup.model_options = Options("model", setup.model->options, given);
  setup.optimizer = &find_optimizer("sgd");
  setup.optimizer_options = Options("optimizer", setup.optimizer->options, {});
  return Training(std::move(setup));
}

// A linear model whose forward() does `first` to the flat input x and gives `output` of its scores y.
std::string write(const TemporaryFolder& folder, const std::string& first, const std::string& output) {
  torch::jit::Module module = empty_module();
  module.register_parameter("weight", ramp({kClasses, kInputs}, 0.1).set_requires_grad(true), false);
  module.register_buffer("mean", at::zeros({kClasses}));
  module.register_buffer("variance", at::ones({kClasses}));
  module.define("def forward(self, x):\n  x = torch.flatten(x, 1)\n" + first +
                "\n  y = torch.linear(x, self.weight)\n" + output + "\n");
  module.save(folder.path("net.pt"));
  return folder.path("net.pt");
}

void expect_in(const std::string& text, const std::vector<std::string>& parts) {
  for (const std::string& part : parts) EXPECT_NE(text.find(part), std::string::npos) << text;
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
}

TEST(Rehearsal, NamesParametersThatAreSentAndNeverTrained) {
  const TemporaryFolder folder;
  const auto remarks = [&](const std::string& output, bool is_frozen) {
    torch::jit::Module module = empty_module();
    module.register_parameter("weight", ramp({kClasses, kInputs}, 0.1).set_requires_grad(true), false);
    module.register_parameter("head", ramp({5, 7}, 0.1).set_requires_grad(!is_frozen), false);
    module.define("def forward(self, x):\n  y = torch.linear(torch.flatten(x, 1), self.weight)\n  return " + output +
                  "\n");
    module.save(folder.path("net.pt"));
    std::string all;
    for (const std::string& line : training_of({.model_options = {{"file", folder.path("net.pt")}}}).rehearse())
      all += line;
    return all;
  };
  expect_in(remarks("y", false), {"its outputs do not depend on head: 35 of 611 values are sent and never trained",
                                  "freeze it with requires_grad_(False)"});
  EXPECT_EQ(remarks("y + 0.0 * self.head.sum()", false), "") << "a gradient of zeros may be one of this start alone";
  EXPECT_EQ(remarks("y", true), "") << "it stays in the file";
}

TEST(Rehearsal, RefusesABatchThatTheModelDoesNotTake) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& first, std::uint32_t batch, std::vector<std::size_t> shards) {
    const std::string file = write(folder, first, "  return y");
    const Training training = training_of({.model_options = {{"file", file}}, .batch = batch, .shards = shards});
    return usage_error([&] { training.rehearse(); });
  };
  expect_in(refusal("  x = x.view(2, 144)", 8, {60, 60}),
            {"test: model.file: " + folder.path("net.pt") + ": in training does not take 8 samples (",
             "in a step of worker 0", "torch.jit.script(model) keeps it open"});
  // The batch of one worker alone, whose samples are fewer.
  expect_in(refusal("  if x.size(0) == 5:\n    x = x.view(2, 144)", 8, {60, 5}),
            {"in training does not take 5 samples", "in a step of worker 1"});
  // The batch is the module's, and the test split's chunks are not.
  expect_in(refusal("  x = x.view(2, 144)", 2, {60, 60}), {"in evaluation does not take 32 samples"});
  // Fewer rows than samples, without any error of libtorch's.
  expect_in(refusal("  x = x[0:2]", 8, {60, 60}), {"in training gives 2x4 for 8 samples", "it has to give 8x4"});
}

TEST(Rehearsal, RefusesAModelThatGivesSomethingElseInEvaluation) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& output) {
    const std::string file = write(folder, "", "  if self.training:\n    return y\n" + output);
    const Training training = training_of({.model_options = {{"file", file}}});
    return usage_error([&] { training.rehearse(); });
  };
  expect_in(refusal("  return torch.argmax(y, 1)"),
            {"in evaluation gives 32 Long for 32 samples", "measuring the test split", "look for self.training"});
  expect_in(refusal("  return y.sum(1)"), {"in evaluation gives 32 for 32 samples"});
  expect_in(refusal("  return y.double()"), {"in evaluation gives 32x4 Double for 32 samples"});
  expect_in(refusal("  return y[:, 0:3]"), {"in evaluation gives 32x3 for 32 samples"});
  expect_in(refusal("  return torch.linear(y, self.weight)"), {"in evaluation does not take 32 samples ("});
  // Full chunks are taken; the last one of 100 has 4 samples.
  expect_in(refusal("  return y.view(32, 4)"), {"in evaluation does not take 4 samples ("});
}

TEST(Rehearsal, RefusesBatchNormOnOneSample) {
  const TemporaryFolder folder;
  const std::string unchecked =
      write(folder, "",
            "  return torch.batch_norm(y, None, None, self.mean, self.variance, self.training, 0.1, 1e-5, False)");
  const auto refusal = [&](const Rehearsed& job) {
    const Training training = training_of(job);
    return usage_error([&] { training.rehearse(); });
  };
  expect_in(refusal({.model_options = {{"file", unchecked}}, .shards = {60, 40, 1}}),
            {"cannot be trained on one sample at a time, as worker 2 would", "give worker 2 more samples"});
  expect_in(refusal({.model_options = {{"file", unchecked}}, .batch = 1}), {"set data.batch to at least 2"});
  const TemporaryFolder other;
  const std::string checked =
      write(other, "",
            "  if self.training:\n    assert y.size(0) > 1, \"Expected more than 1 value per channel\"\n"
            "  return torch.batch_norm(y, None, None, self.mean, self.variance, self.training, 0.1, 1e-5, False)");
  expect_in(refusal({.model_options = {{"file", checked}}, .shards = {1, 60}}), {"as worker 0 would"});
  // An image has many values of a feature.
  EXPECT_NO_THROW(training_of({.model = "resnet8", .shards = {60, 1}}).rehearse());
}

TEST(Rehearsal, ChangesNothingThatATrainingDoes) {
  const TemporaryFolder folder;
  const std::string file = write_module(folder, "net.pt", 0.5);
  const Training training = training_of({.model_options = {{"file", file}}, .prequential = true});
  const std::vector<float> before = after_steps(training, {0}, 3);
  EXPECT_TRUE(training.rehearse().empty());
  EXPECT_EQ(after_steps(training, {0}, 3), before);
}

TEST(Rehearsal, RemarksBeginWithTheModel) {
  const TemporaryFolder folder;
  const std::string file = write(folder, "", "  return torch.softmax(y, 1)");
  const std::vector<std::string> remarks = training_of({.model_options = {{"file", file}}}).rehearse();
  ASSERT_EQ(remarks.size(), 1U);
  EXPECT_TRUE(remarks[0].starts_with("test: model.file: " + file + ": gives probabilities")) << remarks[0];
}

}  // namespace
}  // namespace laconic
