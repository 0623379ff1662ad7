#include "training/optimizers/clipping.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace laconic {
namespace {

// Values of torch.nn.utils.clip_grad_norm_ (2.1): p.grad = [3, -4, 12]; clip_grad_norm_([p], 6.5).
TEST(ClipToNorm, ShortensAsPyTorchDoes) {
  std::vector<float> gradient = {3.0F, -4.0F, 12.0F};
  clip_to_norm(gradient, 6.5);
  const double share = 6.5 / (13.0 + 1e-6);
  EXPECT_FLOAT_EQ(gradient[0], static_cast<float>(3.0 * share));
  EXPECT_FLOAT_EQ(gradient[1], static_cast<float>(-4.0 * share));
  EXPECT_FLOAT_EQ(gradient[2], static_cast<float>(12.0 * share));
}

TEST(ClipToNorm, LeavesShorterOnesAloneToTheBit) {
  const std::vector<float> shorter = {0.3F, -0.4F, 0.0F};
  std::vector<float> gradient = shorter;
  clip_to_norm(gradient, 0.501);
  EXPECT_EQ(gradient, shorter);
  std::vector<float> zero(5, 0.0F);
  clip_to_norm(zero, 1e-3);
  EXPECT_EQ(zero, std::vector<float>(5, 0.0F));
}

TEST(ClipToNorm, TakesTheNormOfGradientsWhoseSquaresAreTooLargeForFloat32) {
  std::vector<float> gradient = {3e30F, 4e30F};
  clip_to_norm(gradient, 5.0);
  EXPECT_NEAR(gradient[0], 3.0, 1e-5);
  EXPECT_NEAR(gradient[1], 4.0, 1e-5);
}

TEST(ClipToNorm, DoesNotHideAGradientThatIsNotFinite) {
  std::vector<float> infinite = {1.0F, std::numeric_limits<float>::infinity()};
  clip_to_norm(infinite, 1.0);
  EXPECT_TRUE(std::isnan(infinite[1]));
  std::vector<float> nan = {1.0F, std::numeric_limits<float>::quiet_NaN()};
  clip_to_norm(nan, 1.0);
  EXPECT_TRUE(std::isnan(nan[1]));
}

}  // namespace
}  // namespace laconic
