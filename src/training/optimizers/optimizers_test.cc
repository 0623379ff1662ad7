#include "training/optimizers/optimizers.h"

#include <torch/torch.h>

#include <cmath>
#include <cstring>

#include "training/data/test_support.h"
#include "training/optimizers/flat_optimizer.h"

namespace laconic {
namespace {

using Given = std::map<std::string, GivenOption>;
constexpr std::int64_t kSize = 33;

Options options_of(std::string_view name, const std::map<std::string, std::string>& values) {
  Given given;
  for (const auto& [key, text] : values) given[key] = {.text = text, .where = "job.toml:3"};
  return Options("optimizer", find_optimizer(name).options, given);
}

// A worker's vector with its optimiser.
struct Trained {
  at::Tensor params;
  std::unique_ptr<FlatOptimizer> optimizer;
  double learning_rate;
  Trained(std::string_view name, const std::map<std::string, std::string>& values)
      : params(torch::linspace(-1.0, 1.0, kSize)),
        optimizer(find_optimizer(name).make(options_of(name, values))),
        learning_rate(options_of(name, values).number("learning_rate")) {
    optimizer->attach(params);
  }
  void step(const at::Tensor& gradient) { optimizer->step(gradient, learning_rate); }
};

at::Tensor gradient_of(int step) {
  RandomStream stream(1, "test gradients", {static_cast<std::uint64_t>(step)});
  at::Tensor gradient = torch::empty({kSize});
  for (std::int64_t i = 0; i < kSize; ++i) gradient.data_ptr<float>()[i] = static_cast<float>(stream.gaussian());
  return gradient;
}

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  return std::memcmp(a.data_ptr<float>(), b.data_ptr<float>(), kSize * sizeof(float)) == 0;
}

// Runs five steps beside `formula`, which does one step of one element in double, and compares.
template <typename Formula>
void expect_formula(std::string_view name, const std::map<std::string, std::string>& values, Formula formula) {
  Trained trained(name, values);
  struct Element {
    double x, m = 0.0, v = 0.0;
  };
  std::vector<Element> elements;
  for (std::int64_t i = 0; i < kSize; ++i) elements.push_back({.x = trained.params[i].item<double>()});
  for (int step = 0; step < 5; ++step) {
    const at::Tensor gradient = gradient_of(step);
    trained.step(gradient);
    for (std::int64_t i = 0; i < kSize; ++i) {
      Element& e = elements[static_cast<std::size_t>(i)];
      formula(e.x, e.m, e.v, gradient[i].item<double>(), step + 1);
      // Values are about 1; five steps of float arithmetic.
      EXPECT_NEAR(trained.params[i].item<double>(), e.x, 2e-6) << name << " step " << step << " element " << i;
    }
  }
}

TEST(Sgd, FollowsItsFormula) {
  expect_formula("sgd", {{"learning_rate", "0.1"}}, [](double& x, double&, double&, double g, int) { x -= 0.1 * g; });
  expect_formula("sgd", {{"learning_rate", "0.1"}, {"momentum", "0.9"}, {"weight_decay", "0.01"}},
                 [](double& x, double& m, double&, double g, int) {
                   m = 0.9 * m + (g + 0.01 * x);
                   x -= 0.1 * m;
                 });
  expect_formula("sgd", {{"learning_rate", "0.1"}, {"momentum", "0.9"}, {"nesterov", "true"}, {"weight_decay", "0.01"}},
                 [](double& x, double& m, double&, double g, int) {
                   g += 0.01 * x;
                   m = 0.9 * m + g;
                   x -= 0.1 * (g + 0.9 * m);
                 });
}

TEST(Adam, FollowsItsFormula) {
  expect_formula(
      "adam",
      {{"learning_rate", "0.01"}, {"beta1", "0.8"}, {"beta2", "0.95"}, {"epsilon", "1e-4"}, {"weight_decay", "0.1"}},
      [](double& x, double& m, double& v, double g, int t) {
        g += 0.1 * x;
        m = 0.8 * m + 0.2 * g;
        v = 0.95 * v + 0.05 * g * g;
        x -= 0.01 * (m / (1 - std::pow(0.8, t))) / (std::sqrt(v / (1 - std::pow(0.95, t))) + 1e-4);
      });
}

TEST(AdamW, FollowsItsFormula) {
  expect_formula("adamw", {{"learning_rate", "0.01"}, {"weight_decay", "0.1"}},
                 [](double& x, double& m, double& v, double g, int t) {
                   x *= 1 - 0.01 * 0.1;
                   m = 0.9 * m + 0.1 * g;
                   v = 0.999 * v + 0.001 * g * g;
                   x -= 0.01 * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
                 });
}

TEST(Optimizers, ContinueBitForBitFromTheirSavedState) {
  const std::vector<std::pair<std::string, std::map<std::string, std::string>>> cases = {
      {"sgd", {}},
      {"sgd", {{"momentum", "0.9"}}},
      {"sgd", {{"momentum", "0.9"}, {"nesterov", "true"}}},
      {"adam", {}},
      {"adamw", {}}};
  for (const auto& [name, values] : cases) {
    for (const int saved_after : {0, 1, 4}) {
      Trained whole(name, values);
      for (int step = 0; step < saved_after; ++step) whole.step(gradient_of(step));
      Archive saving;
      whole.optimizer->archive(saving);
      const std::vector<std::byte> bytes = saving.take();

      Trained continued(name, values);
      continued.step(gradient_of(77));  // a state that loading must replace
      continued.params.copy_(whole.params);
      Archive loading(bytes);
      continued.optimizer->archive(loading);
      loading.expect_end();
      for (int step = saved_after; step < saved_after + 4; ++step) {
        whole.step(gradient_of(step));
        continued.step(gradient_of(step));
      }
      EXPECT_TRUE(same_bits(whole.params, continued.params)) << name << " saved after " << saved_after;
    }
  }
}

TEST(Optimizers, RefuseTheStateOfAnother) {
  Trained adam("adam", {});
  adam.step(gradient_of(0));
  Archive saving;
  adam.optimizer->archive(saving);
  const std::vector<std::byte> bytes = saving.take();
  Trained momentum("sgd", {{"momentum", "0.9"}});
  Archive loading(bytes);
  EXPECT_THROW(momentum.optimizer->archive(loading), DecodeError);
  const std::span<const std::byte> cut = std::span(bytes).first(bytes.size() - 1);
  Archive truncated(cut);
  EXPECT_THROW(Trained("adam", {}).optimizer->archive(truncated), DecodeError);
}

TEST(Optimizers, SayHowManyVectorsTheyKeep) {
  const auto vectors = [](std::string_view name, const std::map<std::string, std::string>& values) {
    return find_optimizer(name).state_vectors(options_of(name, values));
  };
  EXPECT_EQ(vectors("sgd", {}), 0U);
  EXPECT_EQ(vectors("sgd", {{"momentum", "0.9"}}), 1U);
  EXPECT_EQ(vectors("adam", {}), 2U);
  EXPECT_EQ(vectors("adamw", {}), 2U);
}

TEST(Optimizers, RefuseImpossibleSettings) {
  EXPECT_THROW(options_of("sgd", {{"learning_rate", "-1"}}), UsageError);
  EXPECT_THROW(options_of("sgd", {{"learning_rate", "inf"}}), UsageError);
  EXPECT_THROW(options_of("sgd", {{"momentum", "1"}}), UsageError);
  EXPECT_THROW(options_of("adam", {{"beta2", "1"}}), UsageError);
  EXPECT_THROW(options_of("adam", {{"epsilon", "0"}}), UsageError);
  EXPECT_THROW(options_of("adam", {{"momentum", "0.9"}}), UsageError);
  const OptimizerRow& sgd = find_optimizer("sgd");
  const std::string text = usage_error([&] { sgd.check(options_of("sgd", {{"nesterov", "true"}})); });
  EXPECT_NE(text.find("job.toml:3: optimizer.nesterov"), std::string::npos) << text;
  EXPECT_NO_THROW(sgd.check(options_of("sgd", {{"nesterov", "true"}, {"momentum", "0.9"}})));
  EXPECT_NE(usage_error([] { find_optimizer("adamv"); }).find("did you mean 'adam"), std::string::npos);
}

}  // namespace
}  // namespace laconic
