#include "base/units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

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
  EXPECT_DOUBLE_EQ(parse_seconds("36500 d").value, 3153600000.0);
}

TEST(Units, RatesAreReadInBitsASecond) {
  EXPECT_DOUBLE_EQ(parse_rate("9600 bit/s").value, 9600.0);
  EXPECT_DOUBLE_EQ(parse_rate("64 kbit/s").value, 64e3);
  EXPECT_DOUBLE_EQ(parse_rate("100 Mbit/s").value, 1e8);
  EXPECT_DOUBLE_EQ(parse_rate("1 Gbit/s").value, 1e9);
  EXPECT_DOUBLE_EQ(parse_rate("12 MB/s").value, 96e6);
  EXPECT_TRUE(std::isinf(parse_rate("unlimited").value));
}

TEST(Units, OtherCommonNamesAreTheSameUnits) {
  for (const char* text : {"10 MB", "10MB", "10000 kB", "10000 KB", "10000000 bytes"}) {
    EXPECT_EQ(parse_bytes(text).value, 10000000U) << text;
  }
  for (const char* text : {"300 s", "300 sec", "300 seconds", "5 min", "5min", "5 minutes", "5 mins", "300000 msec"}) {
    EXPECT_DOUBLE_EQ(parse_seconds(text).value, 300.0) << text;
  }
  EXPECT_DOUBLE_EQ(parse_seconds("30 \u00b5s").value, 30e-6);
  EXPECT_DOUBLE_EQ(parse_seconds("2 hours").value, 7200.0);
  EXPECT_DOUBLE_EQ(parse_seconds("3 days").value, 259200.0);
  for (const char* text : {"1 Gbit/s", "1Gbps", "1 Gb/s", "1000 Mbps", "1000 Mb/s", "125 MB/s", "125 MBps"}) {
    EXPECT_DOUBLE_EQ(parse_rate(text).value, 1e9) << text;
  }
  EXPECT_TRUE(std::isinf(parse_rate("Unlimited").value));
  EXPECT_TRUE(std::isinf(parse_rate("inf").value));
}

template <typename Parse>
std::string refusal(Parse parse, const char* text) {
  try {
    parse(text);
  } catch (const UsageError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Units, ARefusalShowsWhatWasLikelyMeant) {
  EXPECT_EQ(refusal(parse_seconds, "20"), "'20' has no unit; write one of us, ms, s, min, h, d, such as \"20 ms\"");
  EXPECT_EQ(refusal(parse_bytes, "12 mb"),
            "'12 mb' is not a number with one of the units B, kB, MB, GB, TB, KiB, MiB, GiB, such as \"12 MB\"");
  const std::string rates =
      "is not a number with one of the units bit/s, kbit/s, Mbit/s, Gbit/s, kB/s, MB/s, GB/s, such as ";
  EXPECT_EQ(refusal(parse_rate, "100 Mb"), "'100 Mb' " + rates + "\"100 Mbit/s\"");
  EXPECT_EQ(refusal(parse_rate, "100 MB"), "'100 MB' " + rates + "\"100 MB/s\"");
  EXPECT_EQ(refusal(parse_rate, "100 furlongs"), "'100 furlongs' " + rates + "\"100 Mbit/s\"");
  EXPECT_EQ(refusal(parse_seconds, "-3 s"),
            "'-3 s' is not a number of at least 0 with one of the units us, ms, s, min, h, d, such as \"20 ms\"");
  EXPECT_EQ(refusal(parse_seconds, "1e300 s"), "'1e300 s' is too long; give at most 36500 d");
  EXPECT_EQ(refusal(parse_seconds, "3 \xff").find("'3 \\xff' is not"), 0U);
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
  for (const char* text : {"", "0 bit/s", "100 mBps", "-1 bit/s", "unlimited bit/s"}) {
    EXPECT_THROW(parse_rate(text), UsageError) << "'" << text << "'";
  }
  try {
    parse_seconds("3 weeks");
    FAIL() << "accepted";
  } catch (const UsageError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("3 weeks"), std::string::npos) << text;
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
