#include "serve/address.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace laconic::serve {
namespace {

TEST(Address, TakesAddressPortOrBothAndStaysOnThisMachineOtherwise) {
  EXPECT_EQ(parse_address("").to_text(), "127.0.0.1:8080");
  EXPECT_EQ(parse_address("9000").to_text(), "127.0.0.1:9000");
  EXPECT_EQ(parse_address("0").to_text(), "127.0.0.1:0");
  EXPECT_EQ(parse_address("0.0.0.0").to_text(), "0.0.0.0:8080");
  EXPECT_EQ(parse_address("192.0.2.7:65535").to_text(), "192.0.2.7:65535");
  EXPECT_EQ(parse_address("LocalHost:81").to_text(), "127.0.0.1:81");
  EXPECT_EQ(parse_address("[::1]:81").to_text(), "[::1]:81");
  EXPECT_EQ(parse_address("[::]").to_text(), "[::]:8080");
  EXPECT_EQ(parse_address("2001:db8::7").to_text(), "[2001:db8::7]:8080");
}

TEST(Address, IsRefusedWithARemedyForAnythingElse) {
  for (const char* text : {"job.toml", "example.org:80", "127.0.0.1:", "127.0.0.1:65536", "65536", "127.1", ":80", "-1",
                           "[::1", "[::1]80", "[127.0.0.1]:80", "127.0.0.1:8 0", "fe80::1%eth0", " 80", "::1:x"}) {
    try {
      const Address address = parse_address(text);
      ADD_FAILURE() << text << " is taken for " << address.to_text();
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("such as 127.0.0.1:8080"), std::string::npos) << error.what();
    }
  }
}

TEST(Address, IsOfThisMachineAloneOnTheLoopback) {
  for (const char* text : {"", "127.0.0.1", "127.8.0.1:80", "[::1]:81"})
    EXPECT_TRUE(is_loopback(parse_address(text))) << text;
  for (const char* text : {"0.0.0.0", "[::]:80", "192.0.2.7"}) EXPECT_FALSE(is_loopback(parse_address(text))) << text;
}

TEST(Host, OfAPageOnTheLoopbackIsTheLoopbackUnderAnyPort) {
  const Address bound = parse_address("8080");
  for (const char* host : {"127.0.0.1:8080", "localhost:8080", "localhost", "LOCALHOST:9", "127.0.0.1", "127.3.2.1:80",
                           "[::1]:8080", "[::1]", "localhost:"}) {
    EXPECT_TRUE(is_meant_for(host, bound, "machine")) << host;
  }
  for (const char* host : {"", "example.org", "example.org:8080", "localhost.example.org", "127.0.0.1.example.org",
                           "machine", "192.0.2.7", "localhost:8080:8080", "localhost:x", "localhost:65536", "[::1",
                           "[::1]x", "0x7f.1", "2130706433", "localhost.", " localhost", "[localhost]", "0.0.0.0"}) {
    EXPECT_FALSE(is_meant_for(host, bound, "machine")) << host;
  }
}

TEST(Host, IsReadBeyondAZeroByte) {
  EXPECT_FALSE(is_meant_for(std::string_view("127.0.0.1\0.example.org", 22), parse_address(""), "machine"));
  EXPECT_FALSE(is_meant_for(std::string_view("[::1\0]", 7), parse_address(""), "machine"));
}

TEST(Host, OfAPageOnOneAddressIsThatOneAndTheMachinesName) {
  const Address bound = parse_address("192.0.2.7:80");
  for (const char* host : {"192.0.2.7", "192.0.2.7:80", "machine", "MACHINE:80", "localhost"}) {
    EXPECT_TRUE(is_meant_for(host, bound, "machine")) << host;
  }
  for (const char* host : {"192.0.2.8", "machine.example.org", "example.org"}) {
    EXPECT_FALSE(is_meant_for(host, bound, "machine")) << host;
  }
  EXPECT_FALSE(is_meant_for("", bound, "")) << "a machine without a name";
}

TEST(Host, OfAPageOnAllAddressesIsAnyOfThemAndStillNoForeignName) {
  const Address bound = parse_address("0.0.0.0");
  EXPECT_TRUE(is_meant_for("192.0.2.7:8080", bound, "machine"));
  EXPECT_TRUE(is_meant_for("[2001:db8::7]:8080", bound, "machine"));
  EXPECT_TRUE(is_meant_for("machine", bound, "machine"));
  EXPECT_FALSE(is_meant_for("example.org", bound, "machine"));
}

}  // namespace
}  // namespace laconic::serve
