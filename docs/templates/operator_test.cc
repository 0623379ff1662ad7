// What my_operator promises beyond what all operators do (operators_test.cc).
#include <gtest/gtest.h>

#include "base/error.h"
#include "compress/test_support.h"

namespace laconic {
namespace {

std::vector<float> through(const std::string& levels, std::span<const float> v) {
  const Case each = make_case("my_operator", {{"levels", levels}});
  const std::unique_ptr<Compressor> compressor = each.row->make(each.options, flat_layout(v.size()))();
  RandomStream random(1, "draws");
  return decoded(*compressor, message_of(*compressor, v, random), v.size());
}

TEST(MyOperator, RoundsToTheNearestLevel) {
  const std::vector<float> v = {4.0F, -4.0F, 1.1F, -0.9F, 0.4F, 0.0F, 3.1F};
  EXPECT_EQ(through("4", v), (std::vector<float>{4.0F, -4.0F, 1.0F, -1.0F, 0.0F, 0.0F, 3.0F}));
  EXPECT_EQ(through("1", v), (std::vector<float>{4.0F, -4.0F, 0.0F, 0.0F, 0.0F, 0.0F, 4.0F}));
}

TEST(MyOperator, ErrsByAtMostOneMinusOmega) {
  const Case each = make_case("my_operator", {{"levels", "5"}});
  for (const NamedVector& v : finite_vectors(1000)) {
    const double omega = *each.row->make(each.options, flat_layout(v.values.size()))()->omega(v.values);
    const double norm = squared(v.values);
    // Half the smallest denormal a value is lost where the result is rounded to float32.
    const double rounding = 0x1p-20 * norm + 1000 * 0x1p-298;
    EXPECT_LE(squared_error(through("5", v.values), v.values), (1.0 - omega) * norm + rounding) << v.name;
  }
}

TEST(MyOperator, TakesAByteForEachValueAndFiveMore) {
  const std::vector<float> v = gaussian_vector(1000, 2);
  const Case each = make_case("my_operator", {});
  RandomStream random(1, "draws");
  EXPECT_EQ(each.row->make(each.options, flat_layout(v.size()))()->prepare(v, random), 1005U);
}

TEST(MyOperator, RefusesALevelBeyondItsLast) {
  const std::vector<float> v = {1.0F, 0.5F};
  const Case fine = make_case("my_operator", {{"levels", "100"}});
  const Case coarse = make_case("my_operator", {{"levels", "3"}});
  RandomStream random(1, "draws");
  const std::vector<std::byte> message = message_of(*fine.row->make(fine.options, flat_layout(2))(), v, random);
  std::vector<float> y(2, 0.0F);
  EXPECT_THROW(coarse.row->make(coarse.options, flat_layout(2))()->decode_add(message, 1.0F, y), DecodeError);
  EXPECT_EQ(y, (std::vector<float>{0.0F, 0.0F})) << "nothing is changed by a message that is refused";
}

}  // namespace
}  // namespace laconic
