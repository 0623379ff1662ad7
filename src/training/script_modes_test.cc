// What is said of modules that train() and eval() do not switch.
#include <gtest/gtest.h>

#include "training/script_module_test.h"

namespace laconic {
namespace {

// Two dense layers with `between` on h between them.
std::string write_between(const TemporaryFolder& folder, const std::string& between) {
  torch::jit::Module module = empty_module();
  module.register_parameter("first", ramp({8, kInputs}, 0.1).set_requires_grad(true), false);
  module.register_parameter("last", ramp({kClasses, 8}, 0.3).set_requires_grad(true), false);
  module.register_buffer("mean", at::zeros({8}));
  module.register_buffer("variance", at::ones({8}));
  module.register_attribute("rate", c10::FloatType::get(), 0.5);
  module.define("def forward(self, x):\n  h = torch.linear(torch.flatten(x, 1), self.first)\n" + between +
                "\n  return torch.linear(h, self.last)\n");
  module.save(folder.path("net.pt"));
  return folder.path("net.pt");
}

std::string batch_norm(const std::string& statistics, const std::string& training) {
  return "  h = torch.batch_norm(h, None, None, " + statistics + ", " + training + ", 0.1, 1e-5, True)";
}

TEST(ScriptModes, RefuseWhatActsAsInTrainingWhenItIsMeasured) {
  const TemporaryFolder folder;
  const auto refusal = [&](const std::string& between) {
    const std::string file = write_between(folder, between);
    return usage_error([&] { make_script_network(options_of(file), kShape, kClasses); });
  };
  const std::string dropout = refusal("  h = torch.dropout(h, 0.5, True)");
  EXPECT_NE(dropout.find("its dropout acts as in training when the model is measured, too"), std::string::npos)
      << dropout;
  EXPECT_NE(dropout.find("trace it after model.eval()"), std::string::npos) << dropout;
  EXPECT_EQ(dropout.find('\n'), std::string::npos);
  const std::string rate_of_its_own = refusal("  h = torch.dropout(h, self.rate, True)");
  EXPECT_NE(rate_of_its_own.find("its dropout acts"), std::string::npos) << rate_of_its_own;
  const std::string norm = refusal(batch_norm("self.mean, self.variance", "True"));
  EXPECT_NE(norm.find("its batch_norm acts"), std::string::npos) << norm;
  const std::string alpha = refusal("  h = torch.alpha_dropout(h, 0.5, True)");
  EXPECT_NE(alpha.find("its alpha_dropout acts"), std::string::npos) << alpha;
  const std::string inner = refusal("  if h.size(0) > 1:\n    h = torch.dropout(h, 0.5, True)");
  EXPECT_NE(inner.find("its dropout acts"), std::string::npos) << inner;
}

TEST(ScriptModes, TakeWhatIsSwitchedAndWhatDoesTheSameInBothModes) {
  const TemporaryFolder folder;
  for (const std::string& between :
       {std::string("  h = torch.dropout(h, 0.5, self.training)"), std::string("  h = torch.dropout(h, 0.0, True)"),
        batch_norm("None, None", "True"), batch_norm("self.mean, self.variance", "self.training")}) {
    const std::string file = write_between(folder, between);
    const auto network = make_script_network(options_of(file), kShape, kClasses);
    EXPECT_TRUE(network->remarks(ramp({2, kClasses}, 3.0)).empty()) << between;
  }
}

TEST(ScriptModes, RemarkWhatActsAsInEvaluationWhileItIsTrained) {
  const TemporaryFolder folder;
  for (const std::string& between :
       {std::string("  h = torch.dropout(h, 0.5, False)"), batch_norm("self.mean, self.variance", "False")}) {
    const auto network = make_script_network(options_of(write_between(folder, between)), kShape, kClasses);
    const std::vector<std::string> remarks = network->remarks(ramp({2, kClasses}, 3.0));
    ASSERT_EQ(remarks.size(), 1U) << between;
    EXPECT_NE(remarks[0].find("acts as in evaluation while it is trained, too"), std::string::npos) << remarks[0];
  }
}

// A count that decides the weight of the newest batch, as batch norm with momentum=None has it; and one that decides
// nothing.
TEST(ScriptModes, RefuseACountOfPassesThatSomethingIsComputedFrom) {
  const TemporaryFolder folder;
  const auto write = [&](const std::string& factor) {
    torch::jit::Module module = empty_module();
    module.register_parameter("weight", ramp({kClasses, kInputs}, 0.1).set_requires_grad(true), false);
    module.register_buffer("mean", at::zeros({}));
    module.register_buffer("batches", at::zeros({}, at::kLong));
    module.define(
        "def forward(self, x):\n  if self.training:\n    self.batches.add_(1)\n    self.mean.add_((torch.mean(x) - "
        "self.mean) * " +
        factor + ")\n  return torch.linear(torch.flatten(x, 1), self.weight) - self.mean\n");
    module.save(folder.path("net.pt"));
    return folder.path("net.pt");
  };
  const std::string cumulative = write("(1.0 / float(self.batches))");
  const std::string text = usage_error([&] { make_script_network(options_of(cumulative), kShape, kClasses); });
  EXPECT_NE(text.find("counts its passes in the buffer batches and computes from the count"), std::string::npos)
      << text;
  EXPECT_NO_THROW(make_script_network(options_of(write("0.1")), kShape, kClasses));
}

TEST(ScriptModes, RemarkProbabilitiesGivenToALossOfScoresAndScoresGivenToOneOfLogarithms) {
  const TemporaryFolder folder;
  const auto remarks_on = [&](const std::string& output, const std::string& loss) {
    const auto network =
        make_script_network(options_of(write_linear(folder, "net.pt", output), loss), kShape, kClasses);
    std::vector<at::Tensor> parameters;
    for (const ParameterSpec& spec : network->parameters()) {
      parameters.push_back(at::tensor(spec.given).reshape(spec.shape));
    }
    return network->remarks(network->scores(parameters, ramp({8, 1, 12, 12}, 1.0), {.training = true}));
  };
  const auto softmax = remarks_on("torch.softmax(y, 1)", "cross_entropy");
  ASSERT_EQ(softmax.size(), 1U);
  EXPECT_NE(softmax[0].find("gives probabilities (each row of outputs adds up to 1)"), std::string::npos);
  EXPECT_TRUE(remarks_on("y", "cross_entropy").empty());
  EXPECT_TRUE(remarks_on("torch.log_softmax(y, 1)", "cross_entropy").empty());
  EXPECT_TRUE(remarks_on("torch.log_softmax(y, 1)", "nll").empty());
  const auto probabilities = remarks_on("torch.softmax(y, 1)", "nll");
  ASSERT_EQ(probabilities.size(), 1U);
  EXPECT_NE(probabilities[0].find("gives probabilities, and nll takes their logarithms"), std::string::npos);
  EXPECT_EQ(remarks_on("y", "nll").size(), 1U);
  EXPECT_TRUE(remarks_on("torch.softmax(y, 1)", "mse").empty());
}

// A clamp at the lowest finite number would make another mask of it.
TEST(ScriptModes, MeasureBuffersThatAreNotFiniteAsTheyAre) {
  const TemporaryFolder folder;
  torch::jit::Module module = empty_module();
  module.register_parameter("weight", ramp({kClasses, kInputs}, 0.1).set_requires_grad(true), false);
  module.register_buffer("mask", at::full({1}, -std::numeric_limits<float>::infinity()));
  module.define(
      "def forward(self, x):\n  y = torch.linear(torch.flatten(x, 1), self.weight)\n"
      "  return y * torch.isinf(self.mask).float()\n");
  module.save(folder.path("net.pt"));
  const Training training = make_training(folder.path("net.pt"));
  const auto learner = training.learner({0});
  learner->local_step({0});
  EXPECT_EQ(learner->buffers()[0], -std::numeric_limits<float>::infinity());
  const Evaluation measured = learner->evaluate(learner->params(), learner->buffers(), Split::kTest);
  EXPECT_GT(std::fabs(measured.loss - std::log(4.0)), 1e-3);  // of scores that are all 0
}

}  // namespace
}  // namespace laconic
