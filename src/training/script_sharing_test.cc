// Tensors of a module that lie in the same memory.
#include "training/models/script_sharing.h"

#include <gtest/gtest.h>

#include <functional>

#include "training/script_module_test.h"

namespace laconic {
namespace {

at::Tensor parameter(const at::Tensor& tensor) { return tensor.detach().set_requires_grad(true); }

std::vector<std::string> names_of(const Network& network) {
  std::vector<std::string> names;
  for (const ParameterSpec& spec : network.parameters()) names.push_back(spec.name);
  return names;
}

std::vector<at::Tensor> start_of(const Network& network) {
  std::vector<at::Tensor> tensors;
  for (const ParameterSpec& spec : network.parameters()) {
    tensors.push_back(at::tensor(spec.given).reshape(spec.shape).set_requires_grad(true));
  }
  return tensors;
}

// The gradients of the network's scores along a fixed direction.
std::vector<at::Tensor> gradients(const Network& network, const at::Tensor& images) {
  std::vector<at::Tensor> parameters = start_of(network);
  const at::Tensor scores = network.scores(parameters, images, {.training = true});
  (scores * ramp({images.size(0), kClasses}, 1.0)).sum().backward();
  for (at::Tensor& one : parameters) one = one.grad();
  return parameters;
}

void expect_close(const at::Tensor& a, const at::Tensor& b) {
  ASSERT_EQ(a.sizes(), b.sizes());
  EXPECT_TRUE(at::allclose(a, b, 1e-5, 1e-6)) << (a - b).abs().max();
}

std::string save(const TemporaryFolder& folder, torch::jit::Module& module, const std::string& forward) {
  module.define("def forward(self, x):\n  x = torch.flatten(x, 1)\n" + forward);
  module.save(folder.path("net.pt"));
  return folder.path("net.pt");
}

// Against libtorch's own gradient of the formula with one weight.
TEST(ScriptSharing, TrainsAWeightAndItsTransposeAsOne) {
  const at::Tensor images = ramp({5, 1, 12, 12}, 1.0);
  for (const bool transpose_first : {false, true}) {
    const TemporaryFolder folder;
    const at::Tensor weight = ramp({8, kInputs}, 0.1);
    torch::jit::Module module = empty_module();
    if (transpose_first) module.register_parameter("decoder", parameter(weight.t()), false);
    module.register_parameter("encoder", parameter(weight), false);
    if (!transpose_first) module.register_parameter("decoder", parameter(weight.t()), false);
    module.register_parameter("last", parameter(ramp({kClasses, kInputs}, 0.2)), false);
    const std::string file = save(folder, module,
                                  "  h = torch.linear(torch.tanh(torch.linear(x, self.encoder)), self.decoder)\n"
                                  "  return torch.linear(h, self.last)\n");
    const auto network = make_script_network(options_of(file), kShape, kClasses);
    ASSERT_EQ(names_of(*network), (std::vector<std::string>{"encoder", "last"}));
    const std::vector<at::Tensor> got = gradients(*network, images);

    const at::Tensor one = parameter(weight.clone());
    const at::Tensor last = parameter(ramp({kClasses, kInputs}, 0.2));
    const at::Tensor scores = at::matmul(at::matmul(at::matmul(images.flatten(1), one.t()).tanh(), one), last.t());
    (scores * ramp({5, kClasses}, 1.0)).sum().backward();
    expect_close(got[0], one.grad());
    expect_close(got[1], last.grad());

    // Back in Python's form it is one weight still.
    const Training training = make_training(file);
    training.write_for_python(folder.path("out.pt"), after_steps(training, {0}, 3));
    const torch::jit::Module back = torch::jit::load(folder.path("out.pt"));
    EXPECT_TRUE(at::equal(back.attr("decoder").toTensor(), back.attr("encoder").toTensor().t()));
    EXPECT_FALSE(at::allclose(back.attr("encoder").toTensor(), weight));
    EXPECT_TRUE(back.attr("decoder").toTensor().requires_grad());
  }
}

TEST(ScriptSharing, TrainsASliceAsPartOfTheWhole) {
  const at::Tensor images = ramp({5, 1, 12, 12}, 1.0);
  const TemporaryFolder folder;
  const at::Tensor big = ramp({10, kInputs}, 0.1);
  torch::jit::Module module = empty_module();
  module.register_parameter("columns", parameter(big.narrow(1, 3, 6)), false);
  module.register_parameter("rows", parameter(big.narrow(0, 2, 4)), false);
  module.register_parameter("big", parameter(big), false);
  const std::string file =
      save(folder, module,
           "  columns = torch.sum(self.columns, 1)\n"
           "  return torch.linear(x, self.rows) * columns[0:4] + torch.linear(x, self.big)[:, 0:4]\n");
  const auto network = make_script_network(options_of(file), kShape, kClasses);
  ASSERT_EQ(names_of(*network), (std::vector<std::string>{"big"}));
  const at::Tensor one = parameter(big.clone());
  const at::Tensor x = images.flatten(1);
  const at::Tensor scores = at::matmul(x, one.narrow(0, 2, 4).t()) * one.narrow(1, 3, 6).sum(1).narrow(0, 0, 4) +
                            at::matmul(x, one.t()).narrow(1, 0, 4);
  (scores * ramp({5, kClasses}, 1.0)).sum().backward();
  expect_close(gradients(*network, images)[0], one.grad());
}

TEST(ScriptSharing, TakesNeighboursInOneMemoryForTwoParameters) {
  const TemporaryFolder folder;
  const at::Tensor flat = ramp({2 * kClasses * kInputs}, 0.1);
  torch::jit::Module module = empty_module();
  module.register_parameter("a", parameter(flat.narrow(0, 0, kClasses * kInputs).reshape({kClasses, kInputs})), false);
  module.register_parameter(
      "b", parameter(flat.narrow(0, kClasses * kInputs, kClasses * kInputs).reshape({kClasses, kInputs})), false);
  const std::string file = save(folder, module, "  return torch.linear(x, self.a) * torch.linear(x, self.b)\n");
  EXPECT_EQ(names_of(*make_script_network(options_of(file), kShape, kClasses)), (std::vector<std::string>{"a", "b"}));
}

TEST(ScriptSharing, UpdatesBuffersThatAreOneWhereverTheyAre) {
  const TemporaryFolder folder;
  const at::Tensor state = at::zeros({6});
  torch::jit::Module module = empty_module();
  module.register_parameter("weight", parameter(ramp({kClasses, kInputs}, 0.1)), false);
  module.register_buffer("part", state.narrow(0, 2, 3));
  module.register_buffer("again", state);
  module.register_buffer("state", state);
  const std::string file = save(folder, module,
                                "  if self.training:\n    self.part.add_(1.0)\n    self.state.add_(torch.mean(x) * 0)\n"
                                "  return torch.linear(x, self.weight) + torch.sum(self.again)\n");
  const Training training = make_training(file);
  const auto learner = training.learner({0});
  ASSERT_EQ(learner->buffers().size(), 6U);
  learner->local_step({0});
  learner->local_step({1});
  EXPECT_EQ(std::vector<float>(learner->buffers().begin(), learner->buffers().end()),
            (std::vector<float>{0, 0, 2, 2, 2, 0}));
}

TEST(ScriptSharing, RefusesEveryOtherOverlapWithTheNamesOfBoth) {
  const at::Tensor flat = ramp({1000}, 0.1);
  const auto refusal = [&](const std::function<void(torch::jit::Module&)>& add) {
    const TemporaryFolder folder;
    torch::jit::Module module = empty_module();
    module.register_parameter("weight", parameter(ramp({kClasses, kInputs}, 0.1)), false);
    add(module);
    const std::string file = save(folder, module, "  return torch.linear(x, self.weight)\n");
    return usage_error([&] { make_script_network(options_of(file), kShape, kClasses); });
  };
  const auto expect_both = [](const std::string& text) {
    EXPECT_NE(text.find("the tensors one and two overlap in memory"), std::string::npos) << text;
    EXPECT_NE(text.find(".clone()"), std::string::npos) << text;
    EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  };
  expect_both(refusal([&](torch::jit::Module& module) {
    module.register_parameter("one", parameter(flat.narrow(0, 0, 10)), false);
    module.register_parameter("two", parameter(flat.narrow(0, 9, 10)), false);
  }));
  expect_both(refusal([&](torch::jit::Module& module) {  // with a buffer
    module.register_parameter("one", parameter(flat.narrow(0, 0, 10)), false);
    module.register_buffer("two", flat.narrow(0, 2, 3));
  }));
  expect_both(refusal([&](torch::jit::Module& module) {  // with what is frozen
    module.register_parameter("one", parameter(flat.narrow(0, 0, 10)), false);
    module.register_parameter("two", flat.narrow(0, 0, 10), false);
  }));
  expect_both(refusal([&](torch::jit::Module& module) {  // every second element against a whole
    module.register_buffer("one", flat.as_strided({10}, {2}, 0));
    module.register_buffer("two", flat.narrow(0, 4, 40));
  }));
  const std::string expanded = refusal([&](torch::jit::Module& module) {
    module.register_parameter("one", parameter(flat.narrow(0, 0, 1).expand({10})), false);
  });
  EXPECT_NE(expanded.find("the parameter one has elements that are the same memory"), std::string::npos) << expanded;
}

TEST(ScriptSharing, TellsInterleavedTensorsFromOverlappingOnes) {
  const at::Tensor flat = at::zeros({20});
  EXPECT_FALSE(script::overlap(flat.as_strided({10}, {2}, 0), flat.as_strided({10}, {2}, 1)));
  EXPECT_TRUE(script::overlap(flat.as_strided({10}, {2}, 0), flat.as_strided({5}, {3}, 1)));
  EXPECT_FALSE(script::overlap(flat, at::zeros({20})));
  EXPECT_FALSE(script::overlaps_itself(flat.reshape({4, 5}).t()));
  EXPECT_TRUE(script::overlaps_itself(flat.as_strided({5, 4}, {1, 2}, 0)));
}

}  // namespace
}  // namespace laconic
