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

TEST(C6, TheExactMeanErrorOfPowersOfTwoIsAtMostOneMinusOmegaWhereHitsAreRare) {
  // Denormals go to 0 or, seldom, to 2^-126: some hundred draws say nothing, the expectation does. With
  // p = |c x| / 2^-126:  E (a Q(c x) - x)^2 = a^2 p 2^-252 - 2 a p 2^-126 |x| + x^2, times how often x is drawn.
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
