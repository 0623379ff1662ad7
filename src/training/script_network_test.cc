#include "training/models/script_network.h"

#include <torch/csrc/jit/serialization/pickle.h>
#include <torch/script.h>
#include <torch/torch.h>

#include <cstring>
#include <thread>

#include "training/data/test_support.h"
#include "training/models/compute_threads.h"
#include "training/models/models.h"
#include "training/training.h"

namespace laconic {
namespace {

constexpr ImageShape kShape{.channels = 1, .height = 12, .width = 12};
constexpr std::uint32_t kClasses = 4;
constexpr std::int64_t kInputs = 144;

torch::jit::Module empty_module() {
  torch::jit::Module module("net");
  module.register_attribute("training", c10::BoolType::get(), true);
  return module;
}

at::Tensor ramp(at::IntArrayRef sizes, double scale) {
  std::int64_t count = 1;
  for (const std::int64_t size : sizes) count *= size;
  return (at::arange(count, at::kFloat) * 0.7).sin().mul(scale).reshape(sizes);
}

// Two dense layers whose second weight is used twice, a frozen scale, batch norm, dropout: the habits of others.
std::string write_module(const TemporaryFolder& folder, const std::string& name, double dropout) {
  torch::jit::Module module = empty_module();
  module.register_parameter("first", ramp({8, kInputs}, 0.1), false);
  torch::jit::Module inner("inner");
  const at::Tensor shared = ramp({8, 8}, 0.3).set_requires_grad(true);
  inner.register_parameter("weight", shared, false);
  module.register_module("inner", inner);
  module.register_parameter("again", shared, false);
  module.register_parameter("frozen", at::full({8}, 2.0).set_requires_grad(false), false);
  module.register_parameter("last", ramp({kClasses, 8}, 0.3), false);
  module.register_buffer("mean", at::zeros({8}));
  module.register_buffer("variance", at::ones({8}));
  module.register_buffer("batches", at::zeros({}, at::kLong));
  module.register_attribute("rate", c10::FloatType::get(), dropout);
  for (const char* trained : {"first", "last"}) module.attr(trained).toTensor().set_requires_grad(true);
  module.define(R"(
    def forward(self, x):
      h = torch.linear(torch.flatten(x, 1), self.first)
      if self.training:
        self.batches += 1
      h = torch.batch_norm(h, None, None, self.mean, self.variance, self.training, 0.1, 1e-5, False)
      h = torch.relu(torch.linear(h, self.inner.weight)) * self.frozen
      h = torch.dropout(h, self.rate, self.training)
      return torch.linear(torch.linear(h, self.again), self.last)
  )");
  module.save(folder.path(name));
  return folder.path(name);
}

std::string write_linear(const TemporaryFolder& folder, const std::string& name, const std::string& output,
                         std::int64_t outputs = kClasses) {
  torch::jit::Module module = empty_module();
  module.register_parameter("weight", ramp({outputs, kInputs}, 0.1).set_requires_grad(true), false);
  module.define("def forward(self, x):\n  y = torch.linear(torch.flatten(x, 1), self.weight)\n  return " + output +
                "\n");
  module.save(folder.path(name));
  return folder.path(name);
}

Options options_of(const std::string& file, const std::string& loss = "cross_entropy") {
  return Options("model", find_model("torchscript").options,
                 {{"file", {.text = file, .where = "test"}}, {"loss", {.text = loss, .where = "test"}}});
}

Training make_training(const std::string& file, const std::string& loss = "cross_entropy") {
  use_one_thread_per_computation();
  auto data = std::make_shared<Dataset>(random_dataset(120, 100, kShape, kClasses));
  TrainingSetup setup;
  setup.partition = make_partition("iid", data->train, data->classes, 2, 1);
  setup.data = data;
  setup.batch = 8;
  setup.model = &find_model("torchscript");
  setup.model_options = options_of(file, loss);
  setup.optimizer = &find_optimizer("sgd");
  setup.optimizer_options =
      Options("optimizer", setup.optimizer->options, {{"learning_rate", {.text = "0.1", .where = "test"}}});
  setup.seed = 5;
  return Training(std::move(setup));
}

std::vector<float> after_steps(const Training& training, Rank rank, int steps) {
  const auto learner = training.learner(rank);
  for (int step = 0; step < steps; ++step) learner->local_step({static_cast<std::uint64_t>(step)});
  std::vector<float> state(learner->params().begin(), learner->params().end());
  state.insert(state.end(), learner->buffers().begin(), learner->buffers().end());
  return state;
}

TEST(ScriptNetwork, TrainsWhatRequiresAGradientAndSharedWeightsOnce) {
  const TemporaryFolder folder;
  const auto network = make_script_network(options_of(write_module(folder, "net.pt", 0.0)), kShape, kClasses);
  std::vector<std::string> names;
  for (const ParameterSpec& parameter : network->parameters()) names.push_back(parameter.name);
  EXPECT_EQ(names.size(), 3U);
  EXPECT_EQ(std::count(names.begin(), names.end(), "first"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "last"), 1);
  EXPECT_EQ(network->buffers().size(), 2U);
  EXPECT_FALSE(network->buffers()[0].given.empty());
}

TEST(ScriptNetwork, StartsAsTheFileIsAndComputesWhatTheModuleComputes) {
  const TemporaryFolder folder;
  const std::string file = write_module(folder, "net.pt", 0.0);
  const auto network = make_script_network(options_of(file), kShape, kClasses);
  torch::jit::Module module = torch::jit::load(file);
  module.eval();
  std::vector<at::Tensor> parameters;
  std::vector<at::Tensor> buffers;
  for (const ParameterSpec& spec : network->parameters())
    parameters.push_back(at::tensor(spec.given).reshape(spec.shape));
  for (const BufferSpec& spec : network->buffers()) buffers.push_back(at::tensor(spec.given).reshape(spec.shape));
  const at::Tensor images = ramp({5, 1, 12, 12}, 1.0);
  EXPECT_TRUE(
      at::equal(network->scores(parameters, images, {.buffers = buffers}), module.forward({images}).toTensor()));
}

// Against finite differences of the loss along a direction; gradients of shared weights add up.
TEST(ScriptNetwork, HasTheGradientOfItsLossAndMovesAgainstIt) {
  const TemporaryFolder folder;
  const std::string file = write_module(folder, "net.pt", 0.0);
  const Training training = make_training(file);
  const auto learner = training.learner({0});
  for (std::uint64_t step = 0; step < 3; ++step) {
    const std::vector<float> before(learner->params().begin(), learner->params().end());
    learner->compute_gradient({step});
    const std::vector<float> gradient(learner->gradient().begin(), learner->gradient().end());
    const auto loss_at = [&](double distance) {
      const auto other = training.learner({0});
      for (std::size_t i = 0; i < before.size(); ++i) {
        other->params()[i] = before[i] + static_cast<float>(distance * std::sin(static_cast<double>(i)));
      }
      return other->compute_gradient({step}).loss;
    };
    double along = 0.0;
    for (std::size_t i = 0; i < gradient.size(); ++i) along += gradient[i] * std::sin(static_cast<double>(i));
    EXPECT_NEAR((loss_at(1e-4) - loss_at(-1e-4)) / 2e-4, along, 2e-2 * std::max(1.0, std::fabs(along)));
    learner->apply_gradient();
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      ASSERT_NEAR(learner->params()[i], before[i] - 0.1F * gradient[i], 1e-6);
    }
  }
}

TEST(ScriptNetwork, DrawsItsMasksFromTheJobsSeedAloneOnAnyThread) {
  const TemporaryFolder folder;
  const Training training = make_training(write_module(folder, "net.pt", 0.5));
  const std::vector<float> first = after_steps(training, {0}, 10);
  const std::vector<float> second = after_steps(training, {1}, 10);
  EXPECT_NE(first, second);
  std::vector<float> a;
  std::vector<float> b;
  std::thread other([&] { b = after_steps(training, {1}, 10); });
  a = after_steps(training, {0}, 10);
  other.join();
  EXPECT_EQ(a, first);
  EXPECT_EQ(b, second);
  EXPECT_NE(after_steps(make_training(write_module(folder, "plain.pt", 0.0)), {0}, 10), first);
}

TEST(ScriptNetwork, KeepsRunningStatisticsWithTheWorker) {
  const TemporaryFolder folder;
  const Training training = make_training(write_module(folder, "net.pt", 0.0));
  const auto learner = training.learner({0});
  ASSERT_EQ(learner->buffers().size(), 16U);
  const std::vector<float> before(learner->buffers().begin(), learner->buffers().end());
  learner->local_step({0});
  EXPECT_NE(std::vector<float>(learner->buffers().begin(), learner->buffers().end()), before);
  const std::vector<float> after(learner->buffers().begin(), learner->buffers().end());
  learner->evaluate(learner->params(), learner->buffers(), Split::kTest);
  EXPECT_EQ(std::vector<float>(learner->buffers().begin(), learner->buffers().end()), after);
}

TEST(ScriptNetwork, ComesBackAsAModuleWithItsNamesSharesAndFrozenValues) {
  const TemporaryFolder folder;
  const Training training = make_training(write_module(folder, "net.pt", 0.0));
  const std::vector<float> trained = after_steps(training, {0}, 5);
  training.write_for_python(folder.path("out.pt"), trained);
  const torch::jit::Module module = torch::jit::load(folder.path("out.pt"));
  const Layout layout = training.stored_layout();
  std::size_t compared = 0;
  const auto compare = [&](const std::string& name, const at::Tensor& tensor) {
    for (const TensorLayout& place : layout.tensors) {
      if (place.name != name) continue;
      ++compared;
      EXPECT_EQ(std::memcmp(tensor.contiguous().data_ptr<float>(), trained.data() + place.offset, 4 * place.size), 0)
          << name;
    }
  };
  for (const auto& parameter : module.named_parameters()) compare(parameter.name, parameter.value);
  for (const auto& buffer : module.named_buffers()) {
    if (buffer.value.scalar_type() == at::kFloat) compare(buffer.name, buffer.value);
  }
  EXPECT_GE(compared, layout.tensors.size());
  EXPECT_TRUE(at::equal(module.attr("frozen").toTensor(), at::full({8}, 2.0)));
  EXPECT_TRUE(at::equal(module.attr("again").toTensor(), module.attr("inner").toModule().attr("weight").toTensor()));
  EXPECT_FALSE(at::equal(module.attr("again").toTensor(), ramp({8, 8}, 0.3)));
  EXPECT_EQ(module.attr("batches").toTensor().item<std::int64_t>(), 0);
}

TEST(ScriptNetwork, LosesWhatItsLossIsByHand) {
  const TemporaryFolder folder;
  const at::Tensor labels = at::tensor({0, 1, 1}, at::kLong);
  const auto loss = [&](const std::string& name, const at::Tensor& scores, std::int64_t outputs) {
    const std::string file = write_linear(folder, "net.pt", "torch.sigmoid(y)", outputs);
    const auto network = make_script_network(options_of(file, name), kShape, 2);
    EXPECT_NEAR(network->loss(scores, labels, false).item<double>(),
                3.0 * network->loss(scores, labels, true).item<double>(), 1e-6);
    return std::pair(network->loss(scores, labels, true).item<double>(), network->right(scores, labels));
  };
  const at::Tensor one = at::tensor({0.25, 0.5, 0.75}, at::kFloat).reshape({3, 1});
  const at::Tensor two = at::tensor({0.75, 0.25, 0.5, 0.25, 0.25, 0.75}, at::kFloat).reshape({3, 2});
  EXPECT_NEAR(loss("mse", one, 1).first, (0.0625 + 0.25 + 0.0625) / 3.0, 1e-6);
  EXPECT_NEAR(loss("mse", two, 2).first, (2 * 0.0625 + 0.25 + 0.5625 + 2 * 0.0625) / 6.0, 1e-6);
  EXPECT_NEAR(loss("binary_cross_entropy", one, 1).first, -(std::log(0.75) + std::log(0.5) + std::log(0.75)) / 3.0,
              1e-6);
  EXPECT_EQ(loss("mse", two, 2).second, 2);
  EXPECT_EQ(loss("binary_cross_entropy", one, 1).second, 2);
  EXPECT_NEAR(loss("nll", two, 2).first, -(0.75 + 0.25 + 0.75) / 3.0, 1e-6);
}

// `loss`: the lines of its loss(self, output, labels).
std::string write_with_loss(const TemporaryFolder& folder, const std::string& name, const std::string& loss) {
  torch::jit::Module module = empty_module();
  module.register_parameter("weight", ramp({kClasses, kInputs}, 0.1).set_requires_grad(true), false);
  module.define("def forward(self, x):\n  return torch.linear(torch.flatten(x, 1), self.weight)\n");
  module.define("def loss(self, output, labels):\n" + loss);
  module.save(folder.path(name));
  return folder.path(name);
}

TEST(ScriptNetwork, TrainsOnALossOfItsOwnAsOnTheSameByName) {
  const TemporaryFolder folder;
  const std::string file = write_with_loss(folder, "net.pt",
                                           "  rows = torch.log_softmax(output, 1)\n"
                                           "  return -torch.gather(rows, 1, labels.unsqueeze(1)).mean()\n");
  const std::vector<float> own = after_steps(make_training(file, "module"), {0}, 8);
  const std::vector<float> named = after_steps(make_training(file), {0}, 8);
  ASSERT_EQ(own.size(), named.size());
  EXPECT_NE(own, after_steps(make_training(file), {0}, 0));
  for (std::size_t i = 0; i < own.size(); ++i) ASSERT_NEAR(own[i], named[i], 1e-5);

  const auto network = make_script_network(options_of(file, "module"), kShape, kClasses);
  const at::Tensor scores = ramp({3, kClasses}, 1.0);
  const at::Tensor labels = at::tensor({0, 1, 1}, at::kLong);
  EXPECT_NEAR(network->loss(scores, labels, false).item<double>(),
              at::cross_entropy_loss(scores, labels, {}, at::Reduction::Sum).item<double>(), 1e-5);
}

TEST(ScriptNetwork, RefusesALossThatIsNoneOfItsOwn) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& loss) {
    const std::string file = write_with_loss(folder, "net.pt", loss);
    return usage_error([&] { make_script_network(options_of(file, "module"), kShape, kClasses); });
  };
  EXPECT_NE(refusal("  return output.mean() + self.weight.sum()\n").find("loss() that uses its tensor weight"),
            std::string::npos);
  EXPECT_NE(refusal("  return torch.dropout(output, 0.5, True).mean()\n").find("loss() that draws random numbers"),
            std::string::npos);
  EXPECT_NE(refusal("  return output\n").find("loss() that gives 2x4 Float"), std::string::npos);
  EXPECT_NE(
      refusal("  return torch.matmul(output, output).mean()\n").find("gives 2x4, which its loss() does not take ("),
      std::string::npos);
  const std::string none = write_linear(folder, "none.pt", "y");
  EXPECT_NE(usage_error([&] {
              make_script_network(options_of(none, "module"), kShape, kClasses);
            }).find("has no loss(); write it as a method"),
            std::string::npos);
}

// A linear model that keeps more than parameters and buffers from one pass to the next, in every way there is.
std::string write_forgetful(const TemporaryFolder& folder, const std::string& name) {
  torch::jit::Module module = empty_module();
  module.register_parameter("weight", ramp({kClasses, kInputs}, 0.1).set_requires_grad(true), false);
  module.register_parameter("frozen", at::ones({1}), false);
  module.register_attribute("passes", c10::IntType::get(), 0);
  module.register_attribute("scale", c10::TensorType::get(), at::ones({1}));
  module.register_attribute("replaced", c10::TensorType::get(), at::ones({1}));
  module.register_attribute("seen", c10::ListType::ofInts(), c10::List<std::int64_t>());
  module.define(R"(
    def forward(self, x):
      self.passes += 1
      self.frozen.add_(0.5)
      self.scale.mul_(1.5)
      self.replaced = self.replaced * 2
      self.seen.append(self.passes)
      factor = self.scale * self.replaced * self.frozen * float(self.passes * len(self.seen))
      return torch.linear(torch.flatten(x, 1), self.weight) * factor
  )");
  module.save(folder.path(name));
  return folder.path(name);
}

TEST(ScriptNetwork, BeginsEveryPassAsInTheFile) {
  const TemporaryFolder folder;
  const auto network = make_script_network(options_of(write_forgetful(folder, "net.pt")), kShape, kClasses);
  const std::vector<at::Tensor> parameters = {at::tensor(network->parameters()[0].given).reshape({kClasses, kInputs})};
  const at::Tensor images = ramp({3, 1, 12, 12}, 1.0);
  const at::Tensor expected = at::matmul(images.flatten(1), parameters[0].t()) * (1.5 * 2.0 * 1.5);
  for (int pass = 0; pass < 3; ++pass) {
    EXPECT_TRUE(at::allclose(network->scores(parameters, images, {.training = true}), expected, 1e-5, 1e-6)) << pass;
  }
}

TEST(ScriptNetwork, KeepsABufferThatAPassPutsAnotherTensorInto) {
  const TemporaryFolder folder;
  torch::jit::Module module = empty_module();
  module.register_parameter("weight", ramp({kClasses, kInputs}, 0.1).set_requires_grad(true), false);
  module.register_buffer("mean", at::zeros({}));
  module.define(R"(
    def forward(self, x):
      if self.training:
        self.mean = 0.5 * self.mean + 0.5 * torch.mean(x)
      return torch.linear(torch.flatten(x, 1), self.weight) - self.mean
  )");
  module.save(folder.path("net.pt"));
  const Training training = make_training(folder.path("net.pt"));
  const auto learner = training.learner({0});
  ASSERT_EQ(learner->buffers().size(), 1U);
  learner->local_step({0});
  const float after_one = learner->buffers()[0];
  learner->local_step({1});
  EXPECT_GT(after_one, 0.1F);  // images are about a half
  EXPECT_GT(learner->buffers()[0], after_one);
}

TEST(ScriptNetwork, KeepsItsLossFromTheLabelsThatOthersSee) {
  const TemporaryFolder folder;
  const std::string file =
      write_with_loss(folder, "net.pt", "  labels.zero_()\n  return torch.square(output.add_(1)).mean()\n");
  const auto network = make_script_network(options_of(file, "module"), kShape, kClasses);
  const at::Tensor scores = ramp({3, kClasses}, 1.0);
  const at::Tensor labels = at::tensor({0, 1, 2}, at::kLong);
  network->loss(scores, labels, true);
  EXPECT_TRUE(at::equal(labels, at::tensor({0, 1, 2}, at::kLong)));
  EXPECT_TRUE(at::equal(scores, ramp({3, kClasses}, 1.0)));
}

TEST(ScriptNetwork, RefusesWhatCannotBeTrainedBeforeTheFirstStep) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& output, const std::string& loss) {
    const std::string file = write_linear(folder, "net.pt", output);
    return usage_error([&] { make_script_network(options_of(file, loss), kShape, kClasses); });
  };
  const std::string logits = refusal("y * 10", "binary_cross_entropy");
  EXPECT_NE(logits.find("gives 2x4, which this loss does not take (all elements of input should be between 0 and 1"),
            std::string::npos)
      << logits;
  EXPECT_EQ(logits.find('\n'), std::string::npos);
  EXPECT_EQ(logits.find("raised from"), std::string::npos);
  EXPECT_NE(refusal("y.detach()", "cross_entropy").find("does not depend on its parameters"), std::string::npos);
  EXPECT_NE(refusal("y.to_sparse()", "cross_entropy").find("sparse"), std::string::npos);
}

// A table of vectors for tokens, and scores of the next one.
std::string write_text_module(const TemporaryFolder& folder, const std::string& name, const std::string& output) {
  torch::jit::Module module = empty_module();
  module.register_parameter("table", ramp({kClasses, 6}, 0.5).set_requires_grad(true), false);
  module.register_parameter("scores", ramp({kClasses, 6}, 0.3).set_requires_grad(true), false);
  module.define("def forward(self, x):\n  y = torch.linear(torch.embedding(self.table, x), self.scores)\n  return " +
                output + "\n");
  module.save(folder.path(name));
  return folder.path(name);
}

TEST(ScriptNetwork, GivesScoresOfTheNextTokenForText) {
  const TemporaryFolder folder;
  const at::Tensor tokens = at::tensor({0, 3, 1, 2, 2, 0}, at::kLong).reshape({2, 3});
  std::vector<at::Tensor> scores;
  for (const char* output : {"y", "torch.flatten(y, 0, 1)"}) {
    const auto network =
        make_script_network(options_of(write_text_module(folder, "net.pt", output)), ImageShape{}, kClasses);
    std::vector<at::Tensor> parameters;
    for (const ParameterSpec& spec : network->parameters()) {
      parameters.push_back(at::tensor(spec.given).reshape(spec.shape));
    }
    scores.push_back(network->scores(parameters, tokens, {}));
  }
  const at::Tensor expected =
      at::matmul(ramp({kClasses, 6}, 0.5).index_select(0, tokens.flatten()), ramp({kClasses, 6}, 0.3).t());
  for (const at::Tensor& one : scores) EXPECT_TRUE(at::allclose(one, expected, 1e-6, 1e-7));
  const std::string wrong = usage_error([&] {
    make_script_network(options_of(write_text_module(folder, "sum.pt", "y.sum(1)")), ImageShape{}, kClasses);
  });
  EXPECT_NE(wrong.find("gives 2x4 for 2 samples of 3 tokens; with this loss and 4 classes it has to give 2x3x4"),
            std::string::npos)
      << wrong;
}

TEST(ScriptNetwork, IsToldApartByItsFile) {
  const TemporaryFolder folder;
  const auto fingerprint = [&](const std::string& output) {
    return make_script_network(options_of(write_linear(folder, "net.pt", output)), kShape, kClasses)->fingerprint();
  };
  const std::uint64_t first = fingerprint("y");
  EXPECT_EQ(fingerprint("y"), first);
  EXPECT_NE(fingerprint("y * 2"), first);
}

TEST(ScriptNetwork, IsRefusedWithTheFileAndTheReason) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& file, const std::string& loss = "cross_entropy") {
    return usage_error([&] { make_script_network(options_of(file, loss), kShape, kClasses); });
  };
  const std::string missing = refusal(folder.path("missing.pt"));
  EXPECT_EQ(missing, "test: model.file: " + folder.path("missing.pt") + ": no such file");
  EXPECT_NE(refusal(folder.write("text.pt", "nonsense")).find("is no TorchScript module"), std::string::npos);
  const std::vector<char> state = torch::jit::pickle_save(c10::IValue(at::ones({3})));
  EXPECT_NE(refusal(folder.write("state.pt", {state.begin(), state.end()})).find("is no TorchScript module"),
            std::string::npos);
  const std::string whole = read_whole(write_linear(folder, "whole.pt", "y"));
  EXPECT_NE(refusal(folder.write("cut.pt", whole.substr(0, whole.size() / 2))).find("is no TorchScript module"),
            std::string::npos);
  EXPECT_NE(refusal(folder.path()).find(": is no file"), std::string::npos);

  EXPECT_NE(refusal(write_linear(folder, "wide.pt", "y", 7)).find("gives 2x7 for 2 samples"), std::string::npos);
  EXPECT_NE(refusal(write_linear(folder, "sum.pt", "y.sum()")).find("gives a single number"), std::string::npos);
  EXPECT_NE(refusal(write_linear(folder, "pair.pt", "(y, y)")).find("has to give one tensor"), std::string::npos);
  EXPECT_NE(refusal(write_linear(folder, "one.pt", "y", 1), "binary_cross_entropy").find("gives 2x1"),
            std::string::npos);
  const std::string shape = refusal(write_linear(folder, "shape.pt", "torch.matmul(y, x)"));
  EXPECT_NE(shape.find("does not take samples x 1x12x12 ("), std::string::npos) << shape;
  EXPECT_EQ(shape.find('\n'), std::string::npos) << shape;

  torch::jit::Module frozen = empty_module();
  frozen.register_parameter("weight", ramp({kClasses, kInputs}, 0.1).set_requires_grad(false), false);
  frozen.define("def forward(self, x):\n  return torch.linear(torch.flatten(x, 1), self.weight)\n");
  frozen.save(folder.path("frozen.pt"));
  EXPECT_NE(refusal(folder.path("frozen.pt")).find("no parameter to train"), std::string::npos);

  torch::jit::Module half = empty_module();
  half.register_parameter("weight", ramp({kClasses, kInputs}, 0.1).to(at::kDouble).set_requires_grad(true), false);
  half.define("def forward(self, x):\n  return torch.linear(torch.flatten(x, 1).double(), self.weight).float()\n");
  half.save(folder.path("double.pt"));
  EXPECT_NE(refusal(folder.path("double.pt")).find("the parameter weight is Double"), std::string::npos);
}

TEST(PythonModels, OfBuiltInModelsAreStateDicts) {
  use_one_thread_per_computation();
  const TemporaryFolder folder;
  auto data = std::make_shared<Dataset>(random_dataset(40, 40, kShape, kClasses));
  TrainingSetup setup;
  setup.partition = make_partition("iid", data->train, data->classes, 1, 1);
  setup.data = data;
  setup.model = &find_model("mlp");
  setup.model_options = Options("model", setup.model->options, {});
  setup.optimizer = &find_optimizer("sgd");
  setup.optimizer_options = Options("optimizer", setup.optimizer->options, {});
  const Training training(std::move(setup));
  const std::vector<float> start = training.initial_parameters();
  training.write_for_python(folder.path("model.pt"), start);
  const std::string bytes = read_whole(folder.path("model.pt"));
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
