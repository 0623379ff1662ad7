#include "base/units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"

namespace laconic {
namespace {

TEST(Units, BytesAreReadInPowersOf1000And1024) {
  EXPECT_EQ(parse_bytes("12 B").value, 12U);
  EXPECT_EQ(parse_bytes("10 kB").value, 10000U);
  EXPECT_EQ(parse_bytes("1.5 GB").value, 1500000000U);
  EXPECT_EQ(parse_bytes("2 TB").value, 2000000000000U);
  EXPECT_EQ(parse_bytes("4 KiB").value, 4096U);
  EXPECT_EQ(parse_bytes("1 MiB").value, 1048576U);
  EXPECT_EQ(parse_bytes("1 GiB").value, 1073741824U);
  EXPECT_EQ(parse_bytes("  3MB ").value, 3000000U);
  EXPECT_EQ(parse_bytes("0 B").value, 0U);
}

TEST(Units, TimesAreReadInSeconds) {
  EXPECT_DOUBLE_EQ(parse_seconds("30 us").value, 30e-6);
  EXPECT_DOUBLE_EQ(parse_seconds("20 ms").value, 0.02);
  EXPECT_DOUBLE_EQ(parse_seconds("1.5 s").value, 1.5);
  EXPECT_DOUBLE_EQ(parse_seconds("10 min").value, 600.0);
  EXPECT_DOUBLE_EQ(parse_seconds("2 h").value, 7200.0);
}

TEST(Units, RatesAreReadInBitsASecond) {
  EXPECT_DOUBLE_EQ(parse_rate("9600 bit/s").value, 9600.0);
  EXPECT_DOUBLE_EQ(parse_rate("64 kbit/s").value, 64e3);
  EXPECT_DOUBLE_EQ(parse_rate("100 Mbit/s").value, 1e8);
  EXPECT_DOUBLE_EQ(parse_rate("1 Gbit/s").value, 1e9);
  EXPECT_DOUBLE_EQ(parse_rate("12 MB/s").value, 96e6);
  EXPECT_TRUE(std::isinf(parse_rate("unlimited").value));
}

TEST(Units, AnythingElseIsRefusedWithTheAcceptedUnits) {
  for (const char* text : {"", " ", "12", "B", "-1 B", "nan B", "inf B", "1e400 B", "12 b", "12 B B", "12 mb", "0x10 B",
                           "1,5 B", "12 ms", "20 EB"}) {
    EXPECT_THROW(parse_bytes(text), UsageError) << "'" << text << "'";
  }
  EXPECT_THROW(parse_bytes("1e10 GB"), UsageError) << "above 64 bits";
  for (const char* text : {"", "3", "3 S", "-3 s", "3 ss", "3 s 4 ms", "3 B"}) {
    EXPECT_THROW(parse_seconds(text), UsageError) << "'" << text << "'";
  }
  for (const char* text : {"", "0 bit/s", "100 Mbps", "-1 bit/s", "Unlimited", "unlimited bit/s"}) {
    EXPECT_THROW(parse_rate(text), UsageError) << "'" << text << "'";
  }
  try {
    parse_seconds("3 days");
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("3 days"), std::string::npos) << text;
    EXPECT_NE(text.find("us, ms, s, min, h"), std::string::npos) << text;
  }
}

TEST(Units, TextHasThreeDigitsAndTheLargestFittingUnit) {
  EXPECT_EQ(to_text(Bytes{0}), "0 B");
  EXPECT_EQ(to_text(Bytes{999}), "999 B");
  EXPECT_EQ(to_text(Bytes{246824}), "247 kB");
  EXPECT_EQ(to_text(Bytes{1500000}), "1.50 MB");
  EXPECT_EQ(to_text(Bytes{12340000000}), "12.3 GB");
  EXPECT_EQ(to_text(Seconds{1.5}), "1.50 s");
  EXPECT_EQ(to_text(Seconds{0.02}), "20 ms");
  EXPECT_EQ(to_text(Seconds{7200.0}), "2 h");
  EXPECT_EQ(to_text(BitsPerSecond{1e8}), "100 Mbit/s");
  EXPECT_EQ(to_text(BitsPerSecond{std::numeric_limits<double>::infinity()}), "unlimited");
}

TEST(Units, TextIsReadBackToThreeDigits) {
  for (double value = 1.0; value < 1e13; value *= 1.7) {
    EXPECT_NEAR(static_cast<double>(parse_bytes(to_text(Bytes{static_cast<std::uint64_t>(value)})).value), value,
                0.005 * value + 1.0);
    EXPECT_NEAR(parse_rate(to_text(BitsPerSecond{value})).value, value, 0.0051 * value);
  }
}

TEST(Units, TransferTakesTheBitsOverTheRate) {
  EXPECT_DOUBLE_EQ(transfer_time(Bytes{1000}, BitsPerSecond{8000.0}).value, 1.0);
  EXPECT_EQ(transfer_time(Bytes{1000}, BitsPerSecond{std::numeric_limits<double>::infinity()}).value, 0.0);
}

}  // namespace
}  // namespace laconic
