#include "charts/ticks.h"

#include <gtest/gtest.h>

#include <cmath>

#include "charts/canvas.h"
#include "charts/text.h"

namespace laconic::charts {
namespace {

using Texts = std::vector<std::string>;

TEST(Ticks, StandAtRoundNumbersOfTheShownUnit) {
  const Ticks steps = ticks_of({0, 5100, false}, Unit::kCount, 6);
  EXPECT_EQ(steps.texts, (Texts{"0", "1000", "2000", "3000", "4000", "5000"}));
  EXPECT_EQ(steps.at, (std::vector<double>{0, 1000, 2000, 3000, 4000, 5000}));
  EXPECT_EQ(steps.unit, "");

  const Ticks accuracy = ticks_of({0.78, 0.93, false}, Unit::kPercent, 7);
  EXPECT_EQ(accuracy.texts, (Texts{"80", "85", "90"}));
  EXPECT_EQ(accuracy.unit, "%");

  const Ticks bytes = ticks_of({0, 2.6e9, false}, Unit::kBytes, 6);
  EXPECT_EQ(bytes.texts, (Texts{"0.0", "0.5", "1.0", "1.5", "2.0", "2.5"}));
  EXPECT_EQ(bytes.unit, "GB");
  EXPECT_DOUBLE_EQ(bytes.at.back(), 2.5e9);

  // 20 minutes, and no 16.7 ones.
  const Ticks time = ticks_of({0, 3700, false}, Unit::kSeconds, 4);
  EXPECT_EQ(time.texts, (Texts{"0", "20", "40", "60"}));
  EXPECT_EQ(time.unit, "min");
  EXPECT_DOUBLE_EQ(time.at.at(1), 1200.0);

  const Ticks small = ticks_of({-2e-7, 4e-7, false}, Unit::kNumber, 4);
  EXPECT_EQ(small.texts, (Texts{"-2", "0", "2", "4"}));
  EXPECT_EQ(small.unit, "×10⁻⁷");

  EXPECT_EQ(ticks_of({0, 42'000, false}, Unit::kCount, 5).texts, (Texts{"0", "10,000", "20,000", "30,000", "40,000"}));
  // No half steps.
  EXPECT_EQ(ticks_of({0, 2, false}, Unit::kCount, 6).texts, (Texts{"0", "1", "2"}));
}

TEST(Ticks, OfALogarithmicAxisStandAtPowersOfTen) {
  const Ticks twelve = ticks_of({1e-6, 1e6, true}, Unit::kNumber, 7);
  EXPECT_EQ(twelve.texts, (Texts{"10⁻⁶", "10⁻⁴", "0.01", "1", "100", "10,000", "10⁶"}));
  EXPECT_EQ(twelve.between.size(), 6U);  // the powers without a text
  EXPECT_EQ(ticks_of({900, 2e9, true}, Unit::kBytes, 7).texts,
            (Texts{"1 kB", "10 kB", "100 kB", "1 MB", "10 MB", "100 MB", "1 GB"}));
  EXPECT_EQ(ticks_of({0.3, 4, true}, Unit::kNumber, 7).texts, (Texts{"0.5", "1", "2"}));
  // Within a few per cent.
  EXPECT_EQ(ticks_of({0.52, 0.585, true}, Unit::kNumber, 7).texts,
            (Texts{"0.52", "0.53", "0.54", "0.55", "0.56", "0.57", "0.58"}));
}

TEST(Ticks, AreAtMostSoManyInsideTheRangeAndRising) {
  for (const double low : {-1e9, -3.7, 0.0, 1e-9, 0.123, 7.0, 1e12}) {
    for (const double span : {1e-3, 0.9, 2.5, 1234.5, 1e7, 1e13}) {
      for (const std::size_t most : {2U, 3U, 5U, 8U}) {
        for (const bool logarithmic : {false, true}) {
          if (logarithmic && low <= 0.0) continue;
          if (span < 1e-12 * std::abs(low)) continue;  // range_of gives no such
          const Range range{low, low + span, logarithmic};
          const Ticks ticks = ticks_of(range, Unit::kNumber, most);
          ASSERT_EQ(ticks.at.size(), ticks.texts.size());
          EXPECT_LE(ticks.at.size(), most + 1);
          for (std::size_t i = 0; i < ticks.at.size(); ++i) {
            EXPECT_GE(ticks.at[i], low - 1e-6 * span);
            EXPECT_LE(ticks.at[i], low + span * (1 + 1e-6));
            if (i > 0) {
              EXPECT_GT(ticks.at[i], ticks.at[i - 1]);
              EXPECT_NE(ticks.texts[i], ticks.texts[i - 1]);
            }
          }
        }
      }
    }
  }
}

TEST(Range, GoesAroundTheFiniteValues) {
  const Range range = range_of({2.0, std::nan(""), 4.0, INFINITY}, false, 0.1);
  EXPECT_DOUBLE_EQ(range.low, 1.8);
  EXPECT_DOUBLE_EQ(range.high, 4.2);
  EXPECT_EQ(range_of({0.0, 10.0}, false, 0.1).low, 0.0);
  EXPECT_DOUBLE_EQ(range_of({-1.0, 9.0}, false, 0.1).low, -2.0);
  const Range logarithmic = range_of({1.0, 100.0}, true, 0.5);
  EXPECT_DOUBLE_EQ(logarithmic.low, 0.1);
  EXPECT_DOUBLE_EQ(logarithmic.high, 1000.0);
  EXPECT_DOUBLE_EQ(logarithmic.share_of(10.0), 0.5);
  EXPECT_FALSE(range_of({0.0, 100.0}, true, 0.5).logarithmic);
}

TEST(ValueText, HasThreeDigitsAndAUnit) {
  EXPECT_EQ(value_text(1.2345e9, Unit::kBytes), "1.23 GB");
  EXPECT_EQ(value_text(12, Unit::kBytes), "12 B");
  EXPECT_EQ(value_text(0, Unit::kBytes), "0 B");
  EXPECT_EQ(value_text(0.87123, Unit::kPercent), "87.1%");
  EXPECT_EQ(value_text(90, Unit::kSeconds), "90 s");
  EXPECT_EQ(value_text(5400, Unit::kSeconds), "90 min");
  EXPECT_EQ(value_text(1234567, Unit::kCount), "1,234,567");
  EXPECT_EQ(value_text(0.0123456, Unit::kNumber), "0.0123");
  EXPECT_EQ(value_text(std::nan(""), Unit::kNumber), "–");
}

TEST(DrawableText, IsUtf8WithoutControlCharacters) {
  EXPECT_EQ(drawable("Ünï 名"), "Ünï 名");
  EXPECT_EQ(drawable("a\xff"), "a\xEF\xBF\xBD");
  EXPECT_EQ(drawable("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // overlong
  EXPECT_EQ(drawable("\xE2\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD");  // cut
  EXPECT_EQ(drawable("\xF5\x80\x80\x80").size(), 12U);          // beyond U+10FFFF
  EXPECT_EQ(drawable("a\n\x1b\x7f"
                     "b"),
            "a   b");
  EXPECT_EQ(drawable(std::string(5000, 'x')).size(), 1000U);
}

TEST(FittedText, KeepsBeginningAndEndWithinItsRoom) {
  EXPECT_EQ(fitted("short", 1000.0, 7.0), "short");
  const std::string text = fitted("a very long name of a run, seed 3", 60.0, 7.0);
  EXPECT_LE(text_width(text, 7.0), 60.0);
  EXPECT_TRUE(text.starts_with("a very"));
  EXPECT_TRUE(text.ends_with("seed 3"));
  EXPECT_NE(text.find("…"), std::string::npos);
  EXPECT_EQ(fitted("名名名名名名名名名名", 0.0, 7.0), "…");
}

TEST(BrokenText, HasLinesThatFit) {
  for (const std::string& line : broken("Bands from the lowest to the highest of the runs of a group", 80.0, 7.0)) {
    EXPECT_LE(text_width(line, 7.0), 80.0) << line;
  }
  EXPECT_TRUE(broken("", 80.0, 7.0).empty());
  EXPECT_EQ(broken("a  b", 80.0, 7.0), Texts{"a b"});
}

}  // namespace
}  // namespace laconic::charts
