// What single operators promise beyond what all of them do.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "base/error.h"
#include "compress/test_support.h"

namespace laconic {
namespace {

// What a full sort by magnitude, then index, keeps.
std::vector<std::uint32_t> largest_by_sorting(std::span<const float> x, std::size_t k) {
  std::vector<std::uint32_t> order(x.size());
  for (std::uint32_t j = 0; j < order.size(); ++j) order[j] = j;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return std::abs(x[a]) > std::abs(x[b]); });
  order.resize(k);
  std::sort(order.begin(), order.end());
  return order;
}

void expect_top_k_of(std::span<const float> x, const std::string& ratio, const std::string& what) {
  const Case each = make_case("top_k", {{"ratio", ratio}});
  const std::unique_ptr<Compressor> compressor = each.row->make(each.options, flat_layout(x.size()))();
  RandomStream random(9, "draws");
  const std::vector<float> c = decoded(*compressor, message_of(*compressor, x, random), x.size());
  const std::size_t k = compressor->information().coordinates;
  EXPECT_EQ(k, std::max<std::size_t>(1, static_cast<std::size_t>(std::stod(ratio) * static_cast<double>(x.size()))));
  std::vector<float> expected(x.size(), 0.0F);
  for (const std::uint32_t j : largest_by_sorting(x, k)) expected[j] = 0.0F + 1.0F * x[j];
  EXPECT_EQ(std::memcmp(c.data(), expected.data(), c.size() * sizeof(float)), 0) << what << ", ratio " << ratio;
}

TEST(TopK, IsTheSetOfAFullSortWithTiesByIndex) {
  for (const std::size_t size : {1UL, 2UL, 100UL, 8192UL, 8193UL, 61706UL, 300000UL}) {
    for (const NamedVector& v : finite_vectors(size)) {
      for (const std::string ratio : {"0.001", "0.01", "0.1", "0.9", "1"}) expect_top_k_of(v.values, ratio, v.name);
    }
  }
}

TEST(TopK, IsExactWhereASampleMisleads) {
  // All that is large lies between the places a sample may look at, or only there.
  std::vector<float> hidden(200000, 0.001F);
  for (std::size_t j = 0; j < hidden.size(); ++j) hidden[j] *= 1.0F + static_cast<float>(j % 97);
  for (std::size_t j = 100; j < hidden.size(); j += 781) hidden[j] = 5.0F + static_cast<float>(j % 13);
  std::vector<float> block(200000, 1.0F);
  for (std::size_t j = 0; j < 3000; ++j) block[j] = 2.0F + static_cast<float>(j);
  for (const std::string ratio : {"0.001", "0.01", "0.05"}) {
    expect_top_k_of(hidden, ratio, "hidden");
    expect_top_k_of(block, ratio, "block");
  }
}

TEST(TopK, ByTensorKeepsAShareOfEachTensor) {
  const Layout layout = small_layout();
  const std::vector<float> v = gaussian_vector(layout.size, 19);
  const Case each = make_case("top_k", {{"ratio", "0.1"}, {"scope", "tensor"}});
  const std::unique_ptr<Compressor> compressor = each.row->make(each.options, layout)();
  RandomStream random(10, "draws");
  const std::vector<float> c = decoded(*compressor, message_of(*compressor, v, random), v.size());
  for (const TensorLayout& tensor : layout.tensors) {
    const auto kept =
        static_cast<std::size_t>(std::count_if(c.begin() + static_cast<std::ptrdiff_t>(tensor.offset),
                                               c.begin() + static_cast<std::ptrdiff_t>(tensor.offset + tensor.size),
                                               [](float value) { return value != 0.0F; }));
    EXPECT_EQ(kept, std::max<std::size_t>(1, tensor.size / 10)) << tensor.name;
  }
}

std::size_t kept_values(Compressor& compressor, std::span<const float> v, std::uint64_t step) {
  RandomStream random(12, "draws", {step});
  compressor.begin_step(step);
  const std::vector<float> c = decoded(compressor, message_of(compressor, v, random), v.size());
  return static_cast<std::size_t>(std::count_if(c.begin(), c.end(), [](float value) { return value != 0.0F; }));
}

TEST(TopK, WithARatioThatChangesItSendsThePartOfTheStep) {
  const std::vector<float> v = gaussian_vector(1003, 22);  // of which no step keeps a whole number
  for (const std::string values : {"float32", "sign", "qsgd"}) {
    const Case each = make_case("top_k", {{"ratio", "0.4 -> 0.0125 over 10 steps"}, {"values", values}});
    const CompressorFactory factory = each.row->make(each.options, flat_layout(v.size()));
    const std::unique_ptr<Compressor> compressor = factory();
    EXPECT_EQ(compressor->changes_until(), 10U);
    // In any order: what a step sends does not depend on the steps before it.
    for (const std::uint64_t step : {0, 1, 2, 3, 9, 10, 4, 5, 1000, 6, 7, 8, 0}) {
      const double ratio = step >= 10 ? 0.0125 : 0.4 * std::exp2(-0.5 * static_cast<double>(step));
      RandomStream random(12, "draws", {step});
      compressor->begin_step(step);
      const std::size_t size = compressor->prepare(v, random);
      EXPECT_EQ(compressor->information().coordinates, static_cast<std::size_t>(std::floor(ratio * 1003.0)))
          << values << ", step " << step;
      std::vector<std::byte> message(size);
      compressor->write(message);
      if (values == "qsgd") continue;  // whose values may be 0
      EXPECT_EQ(kept_values(*compressor, v, step), static_cast<std::size_t>(std::floor(ratio * 1003.0)));
    }
    // At a step it sends, to the byte, what an operator of that ratio does.
    const Case last = make_case("top_k", {{"ratio", "0.0125"}, {"values", values}});
    const std::unique_ptr<Compressor> constant = last.row->make(last.options, flat_layout(v.size()))();
    EXPECT_EQ(constant->changes_until(), 0U);
    RandomStream random(13, "draws");
    RandomStream again(13, "draws");
    compressor->begin_step(10);
    EXPECT_EQ(message_of(*compressor, v, random), message_of(*constant, v, again));
  }
}

TEST(TopK, WithARatioThatChangesItTakesWhatAnyStepSendsAndNothingElse) {
  const Layout layout = small_layout();
  const std::vector<float> v = gaussian_vector(layout.size, 23);
  const auto operator_of_ratio = [&](const std::string& ratio) {
    const Case each = make_case("top_k", {{"ratio", ratio}, {"scope", "tensor"}});
    return each.row->make(each.options, layout)();
  };
  for (const std::string schedule : {"0.2 -> 0.05 over 7 steps", "0.05 -> 0.2 over 7 steps"}) {
    const std::unique_ptr<Compressor> receiver = operator_of_ratio(schedule);
    receiver->begin_step(3);
    const auto taken = [&](const std::string& ratio) {
      RandomStream random(14, "draws");
      const std::vector<std::byte> message = message_of(*operator_of_ratio(ratio), v, random);
      std::vector<float> y = v;
      try {
        receiver->decode_add(message, 1.0F, y);
      } catch (const DecodeError&) {
        EXPECT_EQ(y, v) << ratio;
        return false;
      }
      return true;
    };
    for (const char* ratio : {"0.05", "0.1", "0.15", "0.2"}) EXPECT_TRUE(taken(ratio)) << schedule << ": " << ratio;
    for (const char* ratio : {"0.04", "0.21", "0.01", "1"}) EXPECT_FALSE(taken(ratio)) << schedule << ": " << ratio;
  }
}

TEST(TopK, ARatioThatComesFromOrToNothingIsRefused) {
  for (const std::string ratio : {"0 -> 0.1 over 5 steps", "0.1 -> 0 over 5 steps"}) {
    const Case each = make_case("top_k", {{"ratio", ratio}});
    EXPECT_THROW(each.row->make(each.options, flat_layout(10)), UsageError) << ratio;
  }
}

TEST(TopK, WithBfloat16ValuesIsAHundredAndThirtyTimesSmaller) {
  const std::vector<float> v = gaussian_vector(1000000, 20);
  const Case each = make_case("top_k", {{"ratio", "0.01"}, {"values", "bfloat16"}});
  const std::unique_ptr<Compressor> compressor = each.row->make(each.options, flat_layout(v.size()))();
  RandomStream random(11, "draws");
  EXPECT_LE(130 * compressor->prepare(v, random), v.size() * sizeof(float));
}

TEST(RandomK, ChoosesEveryCoordinateEquallyOften) {
  const std::size_t d = 50;
  const std::vector<float> ones(d, 1.0F);
  for (const std::string k : {"5", "40"}) {
    const Case each = make_case("random_k", {{"k", k}});
    const std::unique_ptr<Compressor> compressor = each.row->make(each.options, flat_layout(d))();
    RandomStream random(12, "draws");
    constexpr int kDraws = 20000;
    std::vector<double> hits(d, 0.0);
    std::vector<double> pairs(d, 0.0);
    for (int draw = 0; draw < kDraws; ++draw) {
      const std::vector<float> c = decoded(*compressor, message_of(*compressor, ones, random), d);
      EXPECT_EQ(std::count(c.begin(), c.end(), 1.0F), std::stol(k));
      for (std::size_t j = 0; j < d; ++j) {
        hits[j] += c[j];
        pairs[j] += c[j] * c[(j + 1) % d];
      }
    }
    const double p = std::stod(k) / static_cast<double>(d);
    const double together = p * (std::stod(k) - 1) / static_cast<double>(d - 1);
    for (std::size_t j = 0; j < d; ++j) {
      EXPECT_NEAR(hits[j] / kDraws, p, 5 * std::sqrt(p * (1 - p) / kDraws));
      EXPECT_NEAR(pairs[j] / kDraws, together, 5 * std::sqrt(together * (1 - together) / kDraws));
    }
  }
}

TEST(RandomK, SendsItsSeedAndValuesOnly) {
  const std::vector<float> v = gaussian_vector(10000, 21);
  const Case each = make_case("random_k", {{"ratio", "0.1"}, {"values", "sign"}});
  const std::unique_ptr<Compressor> compressor = each.row->make(each.options, flat_layout(v.size()))();
  RandomStream random(13, "draws");
  EXPECT_EQ(compressor->prepare(v, random), 1U + 8 + 4 + 1000 / 8);
}

TEST(Threshold, SendsWhatReachesIt) {
  const std::vector<float> v = {0.5F, -0.5F, 0.49999997F, -2.0F, 0.0F, 1e30F};
  const Case each = make_case("threshold", {{"threshold", "0.5"}});
  const std::unique_ptr<Compressor> compressor = each.row->make(each.options, flat_layout(v.size()))();
  RandomStream random(14, "draws");
  EXPECT_EQ(decoded(*compressor, message_of(*compressor, v, random), v.size()),
            (std::vector<float>{0.5F, -0.5F, 0.0F, -2.0F, 0.0F, 1e30F}));
}

TEST(Sign, IsTheMeanMagnitudeWithTheSign) {
  const std::vector<float> v = {1.0F, -2.0F, 3.0F, -6.0F};
  const Case each = make_case("sign", {});
  const std::unique_ptr<Compressor> compressor = each.row->make(each.options, flat_layout(v.size()))();
  RandomStream random(15, "draws");
  EXPECT_EQ(decoded(*compressor, message_of(*compressor, v, random), v.size()),
            (std::vector<float>{3.0F, -3.0F, 3.0F, -3.0F}));
}

TEST(Qsgd, SendsLevelsOfTheNorm) {
  const std::size_t d = 300;
  const std::vector<float> v = gaussian_vector(d, 22);
  const double norm = std::sqrt(squared(v));
  const Case each = make_case("qsgd", {{"levels", "7"}, {"unbiased", "true"}});
  const std::unique_ptr<Compressor> compressor = each.row->make(each.options, flat_layout(d))();
  RandomStream random(16, "draws");
  const std::vector<float> c = decoded(*compressor, message_of(*compressor, v, random), d);
  for (std::size_t j = 0; j < d; ++j) {
    const double level = std::abs(c[j]) / norm * 7.0;
    const double exact = std::abs(v[j]) / norm * 7.0;
    EXPECT_NEAR(level, std::round(level), 1e-5);
    EXPECT_LT(std::abs(level - exact), 1.0 + 1e-5);
    EXPECT_TRUE(c[j] == 0.0F || (c[j] < 0.0F) == (v[j] < 0.0F));
  }
}

TEST(Natural, SendsAPowerOfTwoNextToTheValue) {
  const std::vector<float> v = gaussian_vector(1000, 23);
  const Case each = make_case("natural", {{"unbiased", "true"}});
  const std::unique_ptr<Compressor> compressor = each.row->make(each.options, flat_layout(v.size()))();
  RandomStream random(17, "draws");
  const std::vector<float> c = decoded(*compressor, message_of(*compressor, v, random), v.size());
  for (std::size_t j = 0; j < v.size(); ++j) {
    int exponent = 0;
    EXPECT_EQ(std::abs(std::frexp(c[j], &exponent)), 0.5F);
    const float ratio = c[j] / v[j];
    EXPECT_TRUE(ratio > 0.5F && ratio <= 2.0F) << v[j] << " became " << c[j];
  }
}

TEST(LowRank, IsExactOnAMatrixOfThatRank) {
  Layout layout;
  layout.tensors.push_back({"matrix", 0, {40, 30}, 1200});
  layout.size = 1200;
  const std::vector<float> a = gaussian_vector(80, 24);
  const std::vector<float> b = gaussian_vector(60, 25);
  std::vector<float> v(1200);
  for (std::size_t i = 0; i < 40; ++i) {
    for (std::size_t j = 0; j < 30; ++j) v[i * 30 + j] = a[i] * b[j] + a[40 + i] * b[30 + j];
  }
  const Case each = make_case("low_rank", {{"rank", "2"}});
  const std::unique_ptr<Compressor> compressor = each.row->make(each.options, layout)();
  RandomStream random(18, "draws");
  const std::vector<std::byte> message = message_of(*compressor, v, random);
  EXPECT_EQ(message.size(), 1 + 4 * 2 * (40 + 30));
  EXPECT_LE(squared_error(decoded(*compressor, message, 1200), v), 1e-10 * squared(v));
}

TEST(LowRank, FollowsDirectionsThatStay) {
  Layout layout;
  layout.tensors.push_back({"matrix", 0, {50, 60}, 3000});
  layout.size = 3000;
  std::vector<float> v = gaussian_vector(3000, 26);
  for (std::size_t i = 0; i < 50; ++i) {
    for (std::size_t j = 0; j < 60; ++j) v[i * 60 + j] += 1.5F;  // one direction a little above the rest
  }
  const Case each = make_case("low_rank", {{"rank", "1"}});
  const std::unique_ptr<Compressor> compressor = each.row->make(each.options, layout)();
  RandomStream random(19, "draws");
  double last = squared(v);
  for (int round = 0; round < 5; ++round) {
    const double error = squared_error(decoded(*compressor, message_of(*compressor, v, random), 3000), v);
    EXPECT_LE(error, last * (1 + 1e-6)) << round;  // power iteration
    last = error;
  }
}

TEST(LowRank, GoesOnFromWhatWasArchived) {
  const Layout layout = small_layout();
  const Case each = make_case("low_rank", {});
  const CompressorFactory factory = each.row->make(each.options, layout);
  const std::unique_ptr<Compressor> one = factory();
  RandomStream random(20, "draws");
  message_of(*one, gaussian_vector(layout.size, 27), random);
  Archive saved;
  one->archive(saved);
  const std::vector<std::byte> bytes = saved.take();
  const std::unique_ptr<Compressor> other = factory();
  Archive loaded(bytes);
  other->archive(loaded);
  loaded.expect_end();
  const std::vector<float> next = gaussian_vector(layout.size, 28);
  RandomStream first(21, "draws");
  RandomStream second(21, "draws");
  EXPECT_EQ(message_of(*one, next, first), message_of(*other, next, second));
}

TEST(TopK, TakesOnlyMessagesOfItsOwnNumberOfValues) {
  const std::vector<float> v = gaussian_vector(100, 31);
  const auto made = [](const std::string& k) {
    const Case each = make_case("top_k", {{"k", k}});
    return each.row->make(each.options, flat_layout(100))();
  };
  RandomStream random(31, "draws");
  const std::vector<std::byte> message = message_of(*made("7"), v, random);
  std::vector<float> y(100, 0.0F);
  EXPECT_THROW(made("8")->decode_add(message, 1.0F, y), DecodeError);
  EXPECT_THROW(made("6")->decode_add(message, 1.0F, y), DecodeError);
  EXPECT_NO_THROW(made("7")->decode_add(message, 1.0F, y));
}

}  // namespace
}  // namespace laconic
