// The losses of a model that a user brings, by name or its own.
#include <torch/script.h>
#include <torch/torch.h>

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
