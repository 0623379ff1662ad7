#include "report/format.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"

namespace laconic {
namespace {

TEST(Grouped, PutsCommasBetweenThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1000), "1,000");
  EXPECT_EQ(grouped(1234567), "1,234,567");
  EXPECT_EQ(grouped(std::numeric_limits<std::uint64_t>::max()), "18,446,744,073,709,551,615");
}

TEST(Percent, HasTwoDecimals) {
  EXPECT_EQ(percent(0.0), "0.00%");
  EXPECT_EQ(percent(0.87123), "87.12%");
  EXPECT_EQ(percent(1.0), "100.00%");
}

TEST(Significant, KeepsTheDigitsAskedFor) {
  EXPECT_EQ(significant(0.30512), "0.305");
  EXPECT_EQ(significant(0.030512), "0.0305");
  EXPECT_EQ(significant(12.3456), "12.3");
  EXPECT_EQ(significant(1234.4), "1234");
  EXPECT_EQ(significant(2.302585, 5), "2.3026");
  EXPECT_EQ(significant(0.0), "0.00");
  EXPECT_EQ(significant(-0.5), "-0.500");
  EXPECT_EQ(significant(3e9), "3.00e+09");
  EXPECT_EQ(significant(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(significant(std::numeric_limits<double>::infinity()), "inf");
}

TEST(ClockText, RoundsToSeconds) {
  EXPECT_EQ(clock_text({0.0}), "0:00");
  EXPECT_EQ(clock_text({83.4}), "1:23");
  EXPECT_EQ(clock_text({59.6}), "1:00");
  EXPECT_EQ(clock_text({3723.0}), "1:02:03");
  EXPECT_EQ(clock_text({std::numeric_limits<double>::infinity()}), "?");
}

TEST(Hex, IsSixteenDigits) { EXPECT_EQ(hex(0x2651d4c26018ULL), "00002651d4c26018"); }

TEST(Clipped, CountsCharactersNotBytes) {
  EXPECT_EQ(display_width("größe"), 5u);
  EXPECT_EQ(clipped("größe", 3), "grö");
  EXPECT_EQ(clipped("größe", 9), "größe");
  EXPECT_EQ(clipped("größe", 0), "");
}

TEST(Wrapped, BreaksAtBlanksAndInsideWordsOnlyWhereItMust) {
  EXPECT_EQ(wrapped("", 2, 40), "");
  EXPECT_EQ(wrapped("one two three four five six", 2, 24), "  one two three four\n  five six\n");
  EXPECT_EQ(wrapped("abcdefghijklmnopqrstuvwxyz", 0, 20), "abcdefghijklmnopqrst\nuvwxyz\n");
}

Table example() {
  Table table({{"job", Table::Align::kLeft}, {"steps"}, {"accuracy"}});
  table.add_row({"fda", "2,110", "87.12%"});
  table.add_row({"synchronous", "90", ""});
  return table;
}

TEST(Table, AlignsItsColumns) {
  EXPECT_EQ(example().text(80),
            "job          steps  accuracy\n"
            "-----------  -----  --------\n"
            "fda          2,110    87.12%\n"
            "synchronous     90\n");
}

TEST(Table, TurnsOnItsSideWhereTheWidthIsTooSmall) {
  Table table({{"job", Table::Align::kLeft}, {"steps"}, {"bytes on the wire"}});
  table.add_row({"a", "1", "3 B"});
  EXPECT_EQ(table.text(29),
            "job  steps  bytes on the wire\n"
            "---  -----  -----------------\n"
            "a        1                3 B\n");
  EXPECT_EQ(table.text(28),
            "job                  a\n"
            "-----------------  ---\n"
            "steps                1\n"
            "bytes on the wire  3 B\n");
}

TEST(Table, BecomesBlocksWhereEvenThatIsTooWide) {
  EXPECT_EQ(example().text(20),
            "job       fda\n"
            "steps     2,110\n"
            "accuracy  87.12%\n"
            "\n"
            "job    synchronous\n"
            "steps  90\n");
}

TEST(Table, RefusesARowOfAnotherLength) {
  Table table({{"a"}, {"b"}});
  EXPECT_THROW(table.add_row({"1"}), CheckFailed);
}

}  // namespace
}  // namespace laconic
