#include "training/models/compute_threads.h"

#include <gtest/gtest.h>

namespace laconic {
namespace {

TEST(FlushDenormals, CountsThemAsZeroAndRestoresTheThread) {
  volatile float small = 1e-38F;
  EXPECT_NE(small * 0.1F, 0.0F);
  {
    const FlushDenormals flush;
    EXPECT_EQ(small * 0.1F, 0.0F);
  }
  EXPECT_NE(small * 0.1F, 0.0F);
}

}  // namespace
}  // namespace laconic
