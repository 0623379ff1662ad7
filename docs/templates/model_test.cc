#include <gtest/gtest.h>
#include <torch/torch.h>

#include "base/error.h"
#include "training/models/models.h"
#include "training/models/my_model.h"
#include "training/models/network.h"

namespace laconic {
namespace {

constexpr ImageShape kShape{.channels = 3, .height = 5, .width = 4};

std::shared_ptr<const Network> make(const std::string& channels, const Prediction& prediction) {
  const ModelRow& row = find_model("my_model");
  const Options options("model", row.options, {{"channels", {.text = channels, .where = "test"}}});
  return row.make(options, kShape, prediction);
}

TEST(MyModel, HasTheParametersOfItsLayers) {
  EXPECT_EQ(layout_of(*make("16", 10)).size, 16U * 3 * 9 + 16 + 16 * 10 + 10);
  EXPECT_EQ(buffer_layout_of(*make("16", 10)).size, 0U);
}

TEST(MyModel, ScoresAreThoseOfPlainLoops) {
  const auto network = make("2", 3);
  torch::manual_seed(1);
  std::vector<at::Tensor> parameters;
  for (const ParameterSpec& spec : network->parameters()) parameters.push_back(torch::randn(spec.shape));
  const at::Tensor images = torch::randn({1, kShape.channels, kShape.height, kShape.width});
  const at::Tensor scores = network->scores(parameters, images, Pass{});
  for (std::int64_t k = 0; k < 3; ++k) {
    double expected = parameters[3][k].item<double>();
    for (std::int64_t c = 0; c < 2; ++c) {
      double mean = 0.0;
      for (std::int64_t y = 0; y < kShape.height; ++y) {
        for (std::int64_t x = 0; x < kShape.width; ++x) {
          double value = parameters[1][c].item<double>();
          for (std::int64_t i = 0; i < 3; ++i) {
            for (std::int64_t dy = -1; dy <= 1; ++dy) {
              for (std::int64_t dx = -1; dx <= 1; ++dx) {
                if (y + dy < 0 || y + dy >= kShape.height || x + dx < 0 || x + dx >= kShape.width) continue;
                value += parameters[0][c][i][dy + 1][dx + 1].item<double>() * images[0][i][y + dy][x + dx].item<double>();
              }
            }
          }
          mean += std::max(0.0, value) / static_cast<double>(kShape.height * kShape.width);
        }
      }
      expected += parameters[2][k][c].item<double>() * mean;
    }
    EXPECT_NEAR(scores[0][k].item<double>(), expected, 1e-5) << "class " << k;
  }
}

TEST(MyModel, RefusesNumbersToBePredicted) { EXPECT_THROW(make("2", Prediction(0, 1)), UsageError); }

}  // namespace
}  // namespace laconic
