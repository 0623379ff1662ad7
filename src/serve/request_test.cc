#include "serve/request.h"

#include <gtest/gtest.h>

#include <string>

namespace laconic::serve {
namespace {

Status status_of(const std::string& head) { return parse_request(head).status; }

TEST(Request, HasItsPartsAsTheyWereSent) {
  const std::string head = "GET /events?from=12?x HTTP/1.1\r\nAccept: */*\r\nhOsT: \t localhost:8080 \r\nX:\r\n\r\n";
  const ParsedRequest parsed = parse_request(head);
  ASSERT_EQ(parsed.status, Status::kOk);
  EXPECT_EQ(parsed.request.method, "GET");
  EXPECT_EQ(parsed.request.path, "/events");
  EXPECT_EQ(parsed.request.query, "from=12?x");
  EXPECT_EQ(parsed.request.host, "localhost:8080");
}

TEST(Request, IsRefusedWhereTwoReadersCouldDiffer) {
  ASSERT_EQ(status_of("GET / HTTP/1.0\r\nHost: a\r\n\r\n"), Status::kOk);
  for (const char* head : {"",
                           "\r\n\r\n",
                           "GET / HTTP/1.1\r\n\r\n",                        // no host
                           "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",  // two
                           "GET / HTTP/1.1\r\nHost: a\r\n",
                           "GET / HTTP/1.1\r\nHost: a",  // no end
                           "GET / HTTP/1.1\nHost: a\n\n",
                           "GET / HTTP/1.1\r\nHost: a\n\r\n\r\n",  // another end of a line
                           "GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
                           "GET / HTTP/1.1\r\n: b\r\nHost: a\r\n\r\n",
                           "GET / HTTP/1.1\r\nnothing\r\nHost: a\r\n\r\n",
                           "GET /\r\nHost: a\r\n\r\n",
                           "GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET / HTTP/1.1 \r\nHost: a\r\n\r\n",
                           "GET / HTTP/2.0\r\nHost: a\r\n\r\n",
                           "GET / http/1.1\r\nHost: a\r\n\r\n",
                           "GET HTTP/1.1\r\nHost: a\r\n\r\n",
                           "G(T / HTTP/1.1\r\nHost: a\r\n\r\n",
                           " / HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n",
                           "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET /\t HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: a\x01\r\n\r\n",
                           "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n",
                           "\x16\x03\x01\x02"}) {
    EXPECT_EQ(status_of(head), Status::kBadRequest) << head;
  }
  EXPECT_EQ(status_of(std::string("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", 29)), Status::kBadRequest) << "a zero";
}

TEST(Request, MayBeAsLongAsTheLimitAndNoLonger) {
  const std::string begin = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  const std::string end = "\r\n\r\n";
  const std::string filling(kMostHead - begin.size() - end.size(), 'x');
  EXPECT_EQ(status_of(begin + filling + end), Status::kOk);
  EXPECT_EQ(status_of(begin + filling + "x" + end), Status::kTooLarge);
}

TEST(Position, IsANumberAndNothingElse) {
  EXPECT_EQ(position_of(""), 0u);
  EXPECT_EQ(position_of("from=0"), 0u);
  EXPECT_EQ(position_of("from=18446744073709551615"), ~std::uint64_t{0});
  for (const char* query : {"from", "from=", "from=x", "from=-1", "from=+1", "from= 1", "from=1&from=2", "from=1x",
                            "from=18446744073709551616", "to=1", "FROM=1", "from=%31"}) {
    EXPECT_FALSE(position_of(query).has_value()) << query;
  }
}

}  // namespace
}  // namespace laconic::serve
