// The losses of a model that a user brings, by name or its own.
#include <torch/script.h>
#include <torch/torch.h>

#include <map>

#include "training/models/script_network.h"
#include "training/script_module_test.h"

namespace laconic {
namespace {

TEST(ScriptNetwork, LosesWhatItsLossIsByHand) {
  const TemporaryFolder folder;
  const at::Tensor labels = at::tensor({0, 1, 1}, at::kLong);
  const auto loss = [&](const std::string& name, const at::Tensor& scores, std::int64_t outputs) {
    const std::string file = write_linear(folder, "net.pt", "torch.sigmoid(y)", outputs);
    const auto network = make_script_network(options_of(file, name), kShape, 2);
    EXPECT_NEAR(network->loss(scores, labels, false).item<double>(),
                3.0 * network->loss(scores, labels, true).item<double>(), 1e-6);
    return std::pair(network->loss(scores, labels, true).item<double>(),
                     network->predicted(scores).eq(labels).sum().item<std::int64_t>());
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

TEST(ScriptNetwork, OfNumbersLosesByNameOrByItsOwnWhatIsWorkedOutByHand) {
  const TemporaryFolder folder;
  const at::Tensor outputs = at::tensor({1.0, 2.0, 3.0, 7.0}, at::kFloat);
  const at::Tensor targets = at::tensor({1.5, 2.0, 3.0, 4.0}, at::kFloat);
  const std::map<std::string, double> sums = {
      {"mse", 0.25 + 9.0}, {"l1", 0.5 + 3.0}, {"huber", 0.125 + 2.5}, {"module", 4.0 * (0.5 + 3.0)}};
  for (const auto& [name, sum] : sums) {
    for (const std::int64_t numbers : {1, 2}) {
      torch::jit::Module module = empty_module();
      module.register_parameter("weight", ramp({numbers, kInputs}, 0.1).set_requires_grad(true), false);
      module.define("def forward(self, x):\n  return torch.linear(torch.flatten(x, 1), self.weight)\n");
      module.define("def loss(self, output, targets):\n  return (output - targets).abs().sum()\n");
      module.save(folder.path("net.pt"));
      const auto network = make_script_network(options_of(folder.path("net.pt"), name), kShape,
                                               Prediction(0, static_cast<std::uint32_t>(numbers)));
      const at::Tensor given = outputs.reshape({-1, numbers});
      const at::Tensor wanted = targets.reshape({-1, numbers});
      EXPECT_NEAR(network->loss(given, wanted, false).item<double>(), sum, 1e-5) << name;
      if (name == "module") continue;  // gives what it calls its mean
      EXPECT_NEAR(network->loss(given, wanted, true).item<double>(), sum / 4.0, 1e-6) << name;
      if (numbers == 1) {
        EXPECT_NEAR(network->loss(outputs, wanted, true).item<double>(), sum / 4.0, 1e-6)
            << name << " of one number a sample, without a dimension for it";
      }
    }
  }
}

TEST(ScriptNetwork, OfNumbersRefusesOtherOutputsAndLossesOfClasses) {
  const TemporaryFolder folder;
  const auto refusal = [&](std::int64_t outputs, std::uint32_t numbers, const std::string& loss) {
    const std::string file = write_linear(folder, "net.pt", "y", outputs);
    return usage_error([&] { make_script_network(options_of(file, loss), kShape, Prediction(0, numbers)); });
  };
  EXPECT_NE(refusal(3, 2, "mse").find("gives 2x3 for 2 samples; with this loss and 2 numbers it has to give 2x2"),
            std::string::npos)
      << refusal(3, 2, "mse");
  EXPECT_NE(refusal(1, 2, "mse").find("with this loss and 2 numbers"), std::string::npos) << "one is not stretched";
  EXPECT_NE(refusal(2, 1, "huber").find("with this loss and 1 numbers it has to give 2x1 float32, or one number"),
            std::string::npos);
  for (const char* loss : {"cross_entropy", "nll", "binary_cross_entropy"}) {
    EXPECT_EQ(refusal(2, 2, loss), std::string("test: model.loss: ") + loss +
                                       " compares with classes, and data.targets are numbers; take mse, l1 or huber");
  }
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

}  // namespace
}  // namespace laconic
