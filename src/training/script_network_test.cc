#include "training/models/script_network.h"

#include <torch/script.h>
#include <torch/torch.h>

#include <cstring>
#include <thread>

#include "training/script_module_test.h"

namespace laconic {
namespace {

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

}  // namespace
}  // namespace laconic
