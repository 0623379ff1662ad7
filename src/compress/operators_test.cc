// Every operator with every option that changes its messages, on vectors of every kind.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <set>

#include "base/error.h"
#include "compress/error_feedback.h"
#include "compress/test_support.h"
#include "kernels/select.h"

namespace laconic {
namespace {

double squared(std::span<const float> values) {
  double sum = 0.0;
  for (const double value : values) sum += value * value;
  return sum;
}

double squared_error(std::span<const float> a, std::span<const float> b) {
  double sum = 0.0;
  for (std::size_t j = 0; j < a.size(); ++j) {
    const double difference = static_cast<double>(a[j]) - static_cast<double>(b[j]);
    sum += difference * difference;
  }
  return sum;
}

TEST(C6, TheMeanErrorOfEveryOperatorIsAtMostOneMinusItsOmega) {
  const Layout layout = small_layout();
  constexpr int kDraws = 400;
  for (const Case& each : all_cases()) {
    for (const NamedVector& v : finite_vectors(layout.size)) {
      SCOPED_TRACE(each.text + " on " + v.name);
      const CompressorFactory factory = each.row->make(each.options, layout);
      const std::unique_ptr<Compressor> compressor = factory();
      RandomStream random(1, "draws");
      double sum = 0.0;
      double sum_of_squares = 0.0;
      bool beyond_range = false;
      for (int draw = 0; draw < kDraws && !beyond_range; ++draw) {
        std::vector<std::byte> message;
        try {
          message = message_of(*compressor, v.values, random);
        } catch (const RunError&) {
          // A scale, a factor or a value times d/k can be beyond float32 where the values are as large as they can be:
          // then the sender refuses, never a receiver.
          ASSERT_EQ(v.name, "largest");
          beyond_range = true;
          continue;
        }
        const double error = squared_error(decoded(*compressor, message, layout.size), v.values);
        ASSERT_TRUE(std::isfinite(error));
        sum += error;
        sum_of_squares += error * error;
      }
      if (beyond_range) continue;
      const double mean = sum / kDraws;
      const double spread = std::sqrt(std::max(0.0, sum_of_squares / kDraws - mean * mean) / kDraws);
      // Scales and values are float32: relative 2^-22 of the norm, absolute half the smallest denormal a coordinate.
      const double norm = squared(v.values);
      const double rounding = 0x1p-20 * norm + static_cast<double>(layout.size) * 0x1p-298;
      if (const std::optional<double> omega = compressor->omega(v.values)) {
        EXPECT_LE(mean, (1.0 - *omega) * norm + 5.0 * spread + rounding) << "omega " << *omega;
      }
      if (norm == 0.0) {
        EXPECT_EQ(mean, 0.0);
      }
    }
  }
}

TEST(C6, TheExactMeanErrorOfPowersOfTwoIsAtMostOneMinusOmegaWhereHitsAreRare) {
  // Denormals go to 0 or, seldom, to 2^-126: 400 draws say nothing, the expectation does. With p = |c x| / 2^-126:
  // E (a Q(c x) - x)^2 = a^2 p 2^-252 - 2 a p 2^-126 |x| + x^2, times how often x is drawn.
  const std::vector<NamedVector> vectors = finite_vectors(1000);
  const std::vector<float>& x = vectors[6].values;
  ASSERT_EQ(vectors[6].name, "denormal");
  struct Form {
    std::string name;
    std::map<std::string, std::string> options;
    double drawn, before, after;  // probability, factors c and a
  };
  const std::vector<Form> forms = {
      {"natural", {}, 1.0, 1.0, 8.0 / 9.0},
      {"natural", {{"unbiased", "true"}}, 1.0, 1.0, 1.0},
      {"top_k", {{"ratio", "1"}, {"values", "natural"}}, 1.0, 1.0, 8.0 / 9.0},
      {"random_gossip", {{"probability", "0.5"}, {"values", "natural"}}, 0.5, 1.0, 8.0 / 9.0},
      {"random_gossip", {{"probability", "0.5"}, {"unbiased", "true"}, {"values", "natural"}}, 0.5, 2.0, 1.0},
      {"random_k", {{"ratio", "0.25"}, {"values", "natural"}}, 0.25, 1.0, 8.0 / 9.0},
      {"random_k", {{"ratio", "0.25"}, {"unbiased", "true"}, {"values", "natural"}}, 0.25, 4.0, 1.0}};
  for (const Form& form : forms) {
    double error = 0.0;
    for (const float value : x) {
      const double magnitude = std::abs(static_cast<double>(value));
      const double hit = form.before * magnitude / 0x1p-126;
      ASSERT_LE(hit, 1.0);
      error += form.drawn * (form.after * form.after * hit * 0x1p-252 - 2.0 * form.after * hit * 0x1p-126 * magnitude) +
               magnitude * magnitude;
    }
    const Case each = make_case(form.name, form.options);
    const std::optional<double> omega = each.row->make(each.options, flat_layout(x.size()))()->omega(x);
    ASSERT_TRUE(omega.has_value()) << each.text;
    EXPECT_GE((1.0 - *omega) * squared(x), error * (1.0 - 1e-9)) << each.text;
    EXPECT_LE((1.0 - *omega) * squared(x), error * 1.1) << each.text << ": far from the truth";
  }
}

TEST(C6, NothingIsClaimedWhereAVectorMayBeTooShortForItsLevels) {
  std::vector<float> tiny(100, 1e-42F);
  const auto omega = [&](const std::string& name, const std::map<std::string, std::string>& given) {
    const Case each = make_case(name, given);
    return each.row->make(each.options, flat_layout(tiny.size()))()->omega(tiny);
  };
  EXPECT_EQ(omega("qsgd", {}), 0.0);
  EXPECT_FALSE(omega("random_gossip", {{"probability", "1"}, {"unbiased", "true"}, {"values", "qsgd"}}).has_value());
  EXPECT_FALSE(omega("random_k", {{"unbiased", "true"}, {"values", "qsgd"}}).has_value());
  EXPECT_EQ(omega("random_k", {{"values", "qsgd"}}), 0.0);
}

TEST(Operators, SayWhenAVectorIsBeyondTheRangeOfTheirScales) {
  const std::vector<float> huge(100, 3e38F);
  for (const std::map<std::string, std::string>& options :
       std::vector<std::map<std::string, std::string>>{{}, {{"levels", "1"}, {"unbiased", "true"}}}) {
    const Case each = make_case("qsgd", options);
    const std::unique_ptr<Compressor> compressor = each.row->make(each.options, flat_layout(huge.size()))();
    RandomStream random(30, "draws");
    try {
      message_of(*compressor, huge, random);
      FAIL() << each.text;
    } catch (const RunError& error) {
      EXPECT_NE(std::string(error.what()).find("beyond float32"), std::string::npos) << error.what();
    }
  }
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

TEST(C6, OmegasAreThoseOfTheLiterature) {
  const std::size_t d = 1000;
  const std::vector<float> x = gaussian_vector(d, 9);
  const auto omega = [&](const std::string& name, const std::map<std::string, std::string>& given) {
    const Case each = make_case(name, given);
    return each.row->make(each.options, flat_layout(d))()->omega(x);
  };
  double absolute = 0.0;
  for (const float value : x) absolute += std::abs(value);
  EXPECT_NEAR(*omega("none", {}), 1.0, 1e-12);
  EXPECT_NEAR(*omega("random_k", {{"ratio", "0.1"}}), 0.1, 1e-12);
  EXPECT_NEAR(*omega("random_k", {{"ratio", "0.1"}, {"unbiased", "true"}}), 2.0 - 10.0, 1e-9);
  EXPECT_NEAR(*omega("top_k", {{"k", "10"}}), 0.01, 1e-12);
  EXPECT_NEAR(*omega("random_gossip", {{"probability", "0.3"}}), 0.3, 1e-12);
  EXPECT_NEAR(*omega("sign", {}), absolute * absolute / (static_cast<double>(d) * squared(x)), 1e-9);
  const double tau = 1.0 + std::min(1000.0 / (15.0 * 15.0), std::sqrt(1000.0) / 15.0);
  EXPECT_NEAR(*omega("qsgd", {{"levels", "15"}}), 1.0 / tau, 1e-12);
  EXPECT_NEAR(*omega("qsgd", {{"levels", "15"}, {"unbiased", "true"}}), 2.0 - tau, 1e-12);
  EXPECT_NEAR(*omega("natural", {}), 8.0 / 9.0, 1e-12);
  EXPECT_NEAR(*omega("bfloat16", {}), 1.0 - 0x1p-16, 1e-12);
  EXPECT_FALSE(omega("threshold", {{"threshold", "1"}}).has_value());
}

TEST(Operators, ThatClaimNoBiasHaveTheVectorAsMean) {
  const Layout layout = small_layout();
  const std::vector<float> v = gaussian_vector(layout.size, 10);
  constexpr int kDraws = 6000;
  int claims = 0;
  for (const Case& each : all_cases()) {
    const std::unique_ptr<Compressor> compressor = each.row->make(each.options, layout)();
    if (!compressor->unbiased()) continue;
    ++claims;
    RandomStream random(2, "draws");
    std::vector<double> sum(v.size(), 0.0);
    double largest = 0.0;  // magnitude of what was ever decoded
    for (int draw = 0; draw < kDraws; ++draw) {
      const std::vector<float> c = decoded(*compressor, message_of(*compressor, v, random), v.size());
      for (std::size_t j = 0; j < v.size(); ++j) {
        sum[j] += c[j];
        largest = std::max(largest, static_cast<double>(std::abs(c[j])));
      }
    }
    for (std::size_t j = 0; j < v.size(); ++j) {
      // E[c^2] <= largest E|c| = largest |v|, since no operator changes a sign. 6 standard deviations are passed by
      // chance once in 10^9; 2^-20 is for the rounding of scales.
      const double deviation = std::sqrt(largest * std::abs(v[j]) / kDraws);
      EXPECT_NEAR(sum[j] / kDraws, v[j], 6.0 * deviation + 0x1p-20 * std::abs(v[j]))
          << each.text << ", coordinate " << j;
    }
  }
  EXPECT_GE(claims, 10);
}

TEST(Operators, RefuseInfinityAndNanNamingTheElement) {
  const Layout layout = small_layout();
  for (const Case& each : all_cases()) {
    for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN()}) {
      for (const std::size_t place : {0UL, 620UL, 777UL, 999UL}) {
        std::vector<float> v = gaussian_vector(layout.size, 11);
        v[place] = bad;
        const std::unique_ptr<Compressor> compressor = each.row->make(each.options, layout)();
        RandomStream random(3, "draws");
        try {
          message_of(*compressor, v, random);
          FAIL() << each.text << " took " << bad << " at " << place;
        } catch (const RunError& error) {
          EXPECT_NE(std::string(error.what()).find("element " + std::to_string(place) + " "), std::string::npos)
              << error.what();
        }
        // The object goes on with the next vector.
        EXPECT_NO_THROW(message_of(*compressor, gaussian_vector(layout.size, 12), random)) << each.text;
      }
    }
  }
}

TEST(Operators, SendTheSameBytesFromTheSameStream) {
  const Layout layout = small_layout();
  const std::vector<float> v = gaussian_vector(layout.size, 13);
  for (const Case& each : all_cases()) {
    const CompressorFactory factory = each.row->make(each.options, layout);
    RandomStream first(4, "draws");
    RandomStream second(4, "draws");
    const std::unique_ptr<Compressor> one = factory();
    const std::unique_ptr<Compressor> other = factory();
    for (int round = 0; round < 3; ++round) {
      EXPECT_EQ(message_of(*one, v, first), message_of(*other, v, second)) << each.text;
    }
  }
}

TEST(Operators, AddTheDecodedVectorTimesTheWeight) {
  const Layout layout = small_layout();
  const std::vector<float> v = gaussian_vector(layout.size, 14);
  const std::vector<float> start = gaussian_vector(layout.size, 15);
  for (const Case& each : all_cases()) {
    const std::unique_ptr<Compressor> compressor = each.row->make(each.options, layout)();
    RandomStream random(5, "draws");
    const std::vector<std::byte> message = message_of(*compressor, v, random);
    const std::vector<float> c = decoded(*compressor, message, layout.size);
    std::vector<float> y = start;
    compressor->decode_add(message, -0.3F, y);
    for (std::size_t j = 0; j < y.size(); ++j) {
      // Signs multiply the weight by the scale; the others round the product and the sum as here.
      const float expected = start[j] + -0.3F * c[j];
      EXPECT_NEAR(y[j], expected, 4e-7 * (std::abs(start[j]) + std::abs(c[j]))) << each.text << " at " << j;
    }
  }
}

TEST(Operators, LeaveTheVectorAloneWhenTheyRefuseAMessage) {
  const Layout layout = small_layout();
  const std::vector<float> v = gaussian_vector(layout.size, 16);
  const std::vector<float> start = gaussian_vector(layout.size, 17);
  for (const Case& each : all_cases()) {
    const std::unique_ptr<Compressor> compressor = each.row->make(each.options, layout)();
    RandomStream random(6, "draws");
    const std::vector<std::byte> message = message_of(*compressor, v, random);
    RandomStream stream(7, "damage");
    int refused = 0;
    const auto expect_intact_or_taken = [&](std::span<const std::byte> bytes) {
      std::vector<float> y = start;
      try {
        compressor->decode_add(bytes, 1.0F, y);
        for (const float value : y) ASSERT_TRUE(std::isfinite(value)) << each.text;
      } catch (const DecodeError&) {
        ++refused;
        ASSERT_EQ(std::memcmp(y.data(), start.data(), y.size() * sizeof(float)), 0) << each.text;
      }
    };
    const std::size_t stride = std::max<std::size_t>(1, message.size() / 100);
    for (std::size_t size = 0; size < message.size(); size += stride) {
      const int before = refused;
      expect_intact_or_taken(std::span(message).first(size));
      EXPECT_EQ(refused, before + 1) << each.text << ": took the first " << size << " of " << message.size()
                                     << " bytes";
    }
    std::vector<std::byte> longer = message;
    longer.push_back(std::byte{0});
    const int before = refused;
    expect_intact_or_taken(longer);
    EXPECT_EQ(refused, before + 1) << each.text << ": took a byte too many";
    for (int round = 0; round < 300; ++round) {
      std::vector<std::byte> changed = message;
      changed[stream.below(changed.size())] ^= static_cast<std::byte>(1U << stream.below(8));
      expect_intact_or_taken(changed);
    }
  }
}

TEST(Operators, RefuseTheMessagesOfOthers) {
  const Layout layout = small_layout();
  const std::vector<float> v = gaussian_vector(layout.size, 18);
  const auto made = [&](const std::string& name, const std::map<std::string, std::string>& given) {
    const Case each = make_case(name, given);
    return each.row->make(each.options, layout)();
  };
  std::vector<std::unique_ptr<Compressor>> operators;
  operators.push_back(made("none", {}));
  operators.push_back(made("sign", {}));
  operators.push_back(made("top_k", {}));
  operators.push_back(made("top_k", {{"values", "bfloat16"}}));
  operators.push_back(made("random_k", {}));
  operators.push_back(made("low_rank", {}));
  for (const auto& from : operators) {
    RandomStream random(8, "draws");
    const std::vector<std::byte> message = message_of(*from, v, random);
    for (const auto& to : operators) {
      if (to == from) continue;
      std::vector<float> y(layout.size, 0.0F);
      EXPECT_THROW(to->decode_add(message, 1.0F, y), DecodeError);
    }
  }
}

TEST(Operators, RefuseOptionsThatContradictEachOther) {
  const auto make = [](const std::string& name, const std::map<std::string, std::string>& given) {
    const Case each = make_case(name, given);
    return each.row->make(each.options, flat_layout(100))();
  };
  EXPECT_THROW(make("top_k", {{"k", "3"}, {"ratio", "0.1"}}), UsageError);
  EXPECT_THROW(make("random_k", {{"unbiased", "true"}, {"values", "sign"}}), UsageError);
  EXPECT_THROW(make("random_k", {{"unbiased", "true"}, {"values", "bfloat16"}}), UsageError);
  EXPECT_THROW(make("random_gossip", {{"probability", "0"}}), UsageError);
  EXPECT_THROW(make("top_k", {{"levels", "3"}}), UsageError);
  EXPECT_THROW(make("top_k", {{"ratio", "1.5"}}), UsageError);
  EXPECT_THROW(make("top_k", {{"ratio", "0"}}), UsageError);
  EXPECT_THROW(make("top_k", {{"values", "float8"}}), UsageError);
  EXPECT_THROW(make("threshold", {}), UsageError);
  EXPECT_THROW(find_compressor("topk"), UsageError);
}

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

TEST(S3, WhatIsSentAndTheErrorAddUpToTheVector) {
  const Layout layout = small_layout();
  for (const Case& each : all_cases()) {
    const bool sparsifier =
        each.text.starts_with("top_k") || each.text.starts_with("threshold") || each.text.starts_with("random_k");
    // A sparsifier is exact with values that are rounded to fewer bits of the same range, or not at all.
    const bool exact = each.text == "none" || each.text == "bfloat16" ||
                       (sparsifier && each.text.find("values=") == std::string::npos) ||
                       (each.text.starts_with("top_k") && each.text.ends_with("values=bfloat16")) ||
                       (each.text.starts_with("threshold") && each.text.ends_with("float32"));
    const std::unique_ptr<Compressor> compressor = each.row->make(each.options, layout)();
    ErrorFeedback feedback(*compressor, layout.size);
    RandomStream random(22, "draws");
    std::vector<float> v(layout.size, 0.0F);
    for (std::uint64_t round = 0; round < 6; ++round) {
      const std::vector<float> x = gaussian_vector(layout.size, 100 + round);
      for (std::size_t j = 0; j < v.size(); ++j) v[j] = feedback.error()[j] + x[j];
      std::vector<std::byte> message(feedback.prepare(x, random));
      feedback.write(message);
      const std::vector<float> c = decoded(*compressor, message, layout.size);
      for (std::size_t j = 0; j < v.size(); ++j) {
        const float sum = c[j] + feedback.error()[j];
        const float larger = std::max(std::abs(c[j]), std::abs(v[j]));
        const float ulp = std::nextafter(larger, std::numeric_limits<float>::infinity()) - larger;
        if (exact) {
          ASSERT_EQ(sum, v[j]) << each.text << " round " << round << " at " << j;
        } else {
          ASSERT_LE(std::abs(static_cast<double>(sum) - v[j]), ulp) << each.text << " round " << round << " at " << j;
        }
      }
    }
  }
}

TEST(ErrorFeedback, SendsEverythingInTheEnd) {
  const std::size_t d = 200;
  const std::vector<float> x = gaussian_vector(d, 29);
  const Case each = make_case("top_k", {{"k", "10"}});
  const std::unique_ptr<Compressor> compressor = each.row->make(each.options, flat_layout(d))();
  ErrorFeedback feedback(*compressor, d);
  RandomStream random(23, "draws");
  std::vector<float> received(d, 0.0F);
  const std::vector<float> nothing(d, 0.0F);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::byte> message(feedback.prepare(round == 0 ? x : nothing, random));
    feedback.write(message);
    compressor->decode_add(message, 1.0F, received);
  }
  EXPECT_EQ(received, x);
  EXPECT_EQ(squared(feedback.error()), 0.0);
}

}  // namespace
}  // namespace laconic
