#include "base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace laconic {
namespace {

TEST(Utf8, KnowsWellFormedCharactersFromOthers) {
  EXPECT_EQ(utf8_length("a"), 1u);
  EXPECT_EQ(utf8_length("\xc3\xbc"), 2u);          // u with two dots
  EXPECT_EQ(utf8_length("\xe2\x82\xac"), 3u);      // the euro sign
  EXPECT_EQ(utf8_length("\xf0\x9f\x98\x80"), 4u);  // a face
  for (const char* text : {"\xc3", "\xc3(", "\x80", "\xff", "\xc0\xaf", "\xe0\x80\xaf", "\xed\xa0\x80",
                           "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xf0\x80\x80\x80", ""}) {
    EXPECT_EQ(utf8_length(text), 0u) << printable(text);
  }
}

TEST(Utf8, FindsTheFirstBadByte) {
  EXPECT_EQ(first_bad_utf8("plain \xc3\xbc"), std::string::npos);
  EXPECT_EQ(first_bad_utf8("ab\xff"), 2u);
  EXPECT_EQ(first_bad_utf8("\xc3\xbc\xc3"), 2u);
}

TEST(Printable, LeavesTextAndEscapesWhatSteersATerminal) {
  EXPECT_EQ(printable("caf\xc3\xa9 = \"x\""), "caf\xc3\xa9 = \"x\"");
  EXPECT_EQ(printable("a\nb\tc\x1b[31m\x7f"), "a\\nb\\tc\\x1b[31m\\x7f");
  EXPECT_EQ(printable(std::string("\0x", 2)), "\\x00x");
  EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(printable("\xc2\x9b"), "\\xc2\\x9b") << "a control character of Latin-1";
  EXPECT_EQ(printable("abcdef", 3), "abc...");
  EXPECT_EQ(printable("abc", 3), "abc");
}

}  // namespace
}  // namespace laconic
