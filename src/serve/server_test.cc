// Over real sockets on the loopback.
#include "serve/server.h"

#include <gtest/gtest.h>

#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <atomic>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "serve/request.h"

namespace laconic::serve {
namespace {

using asio::ip::tcp;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// More than anything here takes.
constexpr std::chrono::seconds kPatience{20};

// Another end of the connection, which waits for nothing longer than that.
class Client {
 public:
  explicit Client(const Server& server, const char* address = "127.0.0.1") {
    socket_.connect({asio::ip::make_address(address), server.port()});
  }
  void send(const std::string& text) {
    std::error_code error;
    asio::write(socket_, asio::buffer(text), error);
  }
  // All up to the end of the connection.
  std::string rest() {
    wait([&](auto done) { asio::async_read(socket_, asio::dynamic_buffer(text_), done); });
    return std::exchange(text_, {});
  }
  // All up to and with `end`, or to the end of the connection.
  std::string up_to(const std::string& end) {
    wait([&](auto done) { asio::async_read_until(socket_, asio::dynamic_buffer(text_), end, done); });
    const std::size_t at = text_.find(end);
    const std::string text = text_.substr(0, at == std::string::npos ? text_.size() : at + end.size());
    text_.erase(0, text.size());
    return text;
  }
  void reset() {
    socket_.set_option(tcp::socket::linger(true, 0));
    socket_.close();
  }

 private:
  template <typename Begin>
  void wait(const Begin& begin) {
    bool is_done = false;
    begin([&](std::error_code, std::size_t) { is_done = true; });
    context_.restart();
    const auto end = steady_clock::now() + kPatience;
    while (!is_done && steady_clock::now() < end) context_.run_one_until(end);
    if (!is_done) throw std::runtime_error("the server does not answer");
  }
  asio::io_context context_;
  tcp::socket socket_{context_};
  std::string text_;
};

std::string request(const std::string& target, const std::string& method = "GET",
                    const std::string& host = "localhost") {
  return method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
}

std::string ask(const Server& server, const std::string& text) {
  Client client(server);
  client.send(text);
  return client.rest();
}

int status_of(const std::string& answer) { return answer.size() < 12 ? 0 : std::stoi(answer.substr(9, 3)); }
std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

// A run with a page and some lines of news.
class Served : public ::testing::Test {
 protected:
  Content content() {
    return {.page =
                [this] {
                  ++pages_made_;
                  return page_.load() ? std::string(page_size_, 'p') : throw std::runtime_error("no page");
                },
            .news = [this](std::uint64_t position) { return news_from(position); }};
  }
  News news_from(std::uint64_t position) {
    const std::lock_guard lock(mutex_);
    std::string text = std::to_string(position) + ":";
    const std::size_t end = std::min<std::size_t>(news_.size(), position + most_);
    for (; position < end; ++position) text += " " + news_[position];
    return {.text = text, .position = position, .is_all = end == news_.size()};
  }
  void add(const std::string& news) {
    const std::lock_guard lock(mutex_);
    news_.push_back(news);
  }
  static Address free_port() { return parse_address("0"); }

  std::atomic<bool> page_ = true;
  std::atomic<int> pages_made_ = 0;
  std::size_t page_size_ = 1000;
  std::size_t most_ = 100;  // news in one event

 private:
  std::mutex mutex_;
  std::vector<std::string> news_;
};

TEST_F(Served, PageComesWithItsLengthAndTheFieldsThatKeepItToItself) {
  const Server server(free_port(), content());
  EXPECT_EQ(server.url(), "http://127.0.0.1:" + std::to_string(server.port()) + "/");
  const std::string answer = ask(server, request("/"));
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(body_of(answer), std::string(1000, 'p'));
  for (const char* field :
       {"Content-Length: 1000\r\n", "Content-Type: text/html; charset=utf-8\r\n",
        "Content-Security-Policy: default-src 'none'", "frame-ancestors 'none'", "X-Content-Type-Options: nosniff\r\n",
        "Cache-Control: no-store\r\n", "Connection: close\r\n"}) {
    EXPECT_NE(answer.find(field), std::string::npos) << field << " in\n" << answer.substr(0, 1000);
  }
  EXPECT_EQ(status_of(ask(server, request("/?utm=1"))), 200) << "what follows the path means nothing";
}

TEST_F(Served, HeadIsThePageWithoutItsBody) {
  const Server server(free_port(), content());
  const std::string page = ask(server, request("/"));
  EXPECT_EQ(ask(server, request("/", "HEAD")) + std::string(1000, 'p'), page);
  const std::string events = ask(server, request("/events", "HEAD"));
  EXPECT_EQ(status_of(events), 200);
  EXPECT_EQ(body_of(events), "");
}

TEST_F(Served, OtherRequestsAreRefusedWithTheirStatus) {
  const Server server(free_port(), content());
  for (const char* target : {"/x", "/../etc/passwd", "//", "/%2e%2e/", "/events/", "/favicon.ico"}) {
    EXPECT_EQ(status_of(ask(server, request(target))), 404) << target;
  }
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get"}) {
    const std::string answer = ask(server, request("/", method) + "a body, which nobody reads");
    EXPECT_EQ(status_of(answer), 405) << method;
    EXPECT_NE(answer.find("Allow: GET, HEAD\r\n"), std::string::npos);
  }
  EXPECT_EQ(status_of(ask(server, "nonsense\r\n\r\n")), 400);
  EXPECT_EQ(status_of(ask(server, request("/events?from=x"))), 400);
  EXPECT_EQ(status_of(ask(server, "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x'))), 431);
  EXPECT_EQ(status_of(ask(server, std::string(kMostHead, 'x'))), 431);
  EXPECT_EQ(status_of(ask(server, request("/"))), 200) << "and it goes on";
}

TEST_F(Served, ForeignNamesAreRefused) {
  const Server server(free_port(), content());
  for (const std::string& host :
       std::vector<std::string>{"example.org", "example.org:" + std::to_string(server.port()), "192.0.2.7"}) {
    const std::string answer = ask(server, request("/", "GET", host));
    EXPECT_EQ(status_of(answer), 403) << host;
    EXPECT_EQ(answer.find("ppp"), std::string::npos);
    EXPECT_EQ(status_of(ask(server, request("/events", "GET", host))), 403) << host;
  }
}

TEST_F(Served, APageThatCannotBeMadeCostsItsRequestAlone) {
  const Server server(free_port(), content());
  page_ = false;
  EXPECT_EQ(status_of(ask(server, request("/"))), 500);
  page_ = true;
  EXPECT_EQ(status_of(ask(server, request("/"))), 200);
}

TEST_F(Served, APageIsMadeOnceAPaceHoweverManyAsk) {
  const Server server(free_port(), content(), Limits{.pace = milliseconds(100)});
  const auto start = steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_EQ(status_of(ask(server, request("/"))), 200);
  const auto paces = (steady_clock::now() - start) / milliseconds(100);
  EXPECT_LE(pages_made_, 1 + paces);
  std::this_thread::sleep_for(milliseconds(100));
  const int made = pages_made_;
  ask(server, request("/"));
  EXPECT_EQ(pages_made_, made + 1);
}

TEST_F(Served, EventsTellWhatIsNewFromWhereTheWatcherIsAndTheLastOneComesAtTheEnd) {
  add("a");
  add("b");
  std::optional<Server> server(std::in_place, free_port(), content(), Limits{.pace = milliseconds(5)});
  Client all(*server), later(*server);
  all.send(request("/events"));
  later.send(request("/events?from=1"));
  EXPECT_EQ(status_of(all.up_to("\r\n\r\n")), 200);
  EXPECT_NE(later.up_to("\r\n\r\n").find("Content-Type: text/event-stream"), std::string::npos);
  EXPECT_EQ(all.up_to("\n\n"), "data: 0: a b\n\n");
  EXPECT_EQ(later.up_to("\n\n"), "data: 1: b\n\n");
  EXPECT_EQ(all.up_to("\n\n"), "data: 2:\n\n") << "a sign of life";
  add("c");
  for (Client* client : {&all, &later}) {
    std::string event;
    while (event.find("data: 2: c\n\n") == std::string::npos) {
      event = client->up_to("\n\n");
      ASSERT_FALSE(event.empty());
    }
  }
  add("the end");
  server.reset();
  for (Client* client : {&all, &later}) EXPECT_NE(client->rest().find("data: 3: the end\n\n"), std::string::npos);
}

TEST_F(Served, MoreThanFitsOneEventComesAtOnceInSeveral) {
  most_ = 2;
  for (const char* text : {"a", "b", "c", "d", "e"}) add(text);
  std::optional<Server> server(std::in_place, free_port(), content(), Limits{.pace = std::chrono::hours(1)});
  Client client(*server);
  client.send(request("/events"));
  client.up_to("\r\n\r\n");
  for (const char* event : {"data: 0: a b\n\n", "data: 2: c d\n\n", "data: 4: e\n\n"})
    EXPECT_EQ(client.up_to("\n\n"), event);
  for (const char* text : {"f", "g", "h"}) add(text);
  server.reset();
  EXPECT_EQ(client.rest(), "data: 5: f g\n\ndata: 7: h\n\n");
}

TEST_F(Served, TheLastEventDoesNotWaitForItsTurn) {
  std::optional<Server> server(std::in_place, free_port(), content(), Limits{.pace = std::chrono::hours(1)});
  Client client(*server);
  client.send(request("/events"));
  EXPECT_NE(client.up_to("data: 0:\n\n").find("data: 0:\n\n"), std::string::npos);
  add("the end");
  server.reset();
  EXPECT_EQ(client.rest(), "data: 0: the end\n\n");
}

TEST_F(Served, AClientThatSendsItsHeadTooSlowlyIsCut) {
  const Server server(free_port(), content(), Limits{.head = milliseconds(100)});
  Client slow(server), silent(server);
  slow.send("GET / HTTP/1.1\r\nHost: local");
  const auto start = steady_clock::now();
  EXPECT_EQ(slow.rest(), "");
  EXPECT_EQ(silent.rest(), "");
  EXPECT_GE(steady_clock::now() - start, milliseconds(90));
  EXPECT_EQ(status_of(ask(server, request("/"))), 200);
}

TEST_F(Served, AClientThatTakesNothingIsCutAndHoldsUpNobody) {
  page_size_ = std::size_t{64} << 20;  // more than the sockets hold
  const Server server(free_port(), content(), Limits{.connections = 1, .write = milliseconds(200)});
  Client lazy(server);
  lazy.send(request("/"));
  Client next(server);
  next.send(request("/x"));
  EXPECT_EQ(status_of(next.rest()), 404) << "served once the other is cut";
  EXPECT_LT(lazy.rest().size(), page_size_);
}

TEST_F(Served, ManyClientsAreAllAnswered) {
  const Server server(free_port(), content(), Limits{.connections = 4});
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 200; ++i) clients.push_back(std::make_unique<Client>(server));
  for (auto& client : clients) client->send(request("/"));
  for (auto& client : clients) {
    EXPECT_EQ(status_of(client->rest()), 200);
    client.reset();
  }
}

TEST_F(Served, MoreWatchersThanThereIsRoomForAreTold) {
  const Server server(free_port(), content(), Limits{.watchers = 1, .pace = milliseconds(5)});
  std::optional<Client> first(std::in_place, server);
  first->send(request("/events"));
  first->up_to("\n\n");
  EXPECT_EQ(status_of(ask(server, request("/events"))), 503);
  first->reset();
  first.reset();
  // Its place is free as soon as its end is noticed.
  const auto end = steady_clock::now() + kPatience;
  std::string answer;
  while (answer.find("data: ") == std::string::npos && steady_clock::now() < end) {
    Client next(server);
    next.send(request("/events"));
    answer = next.up_to("\n\n");
  }
  EXPECT_NE(answer.find("data: 0:"), std::string::npos) << answer;
}

TEST_F(Served, TheEndWaitsForNobody) {
  std::optional<Server> server(std::in_place, free_port(), content());
  Client silent(*server), slow(*server), watcher(*server);
  slow.send("GET /");
  watcher.send(request("/events"));
  watcher.up_to("\n\n");
  const auto start = steady_clock::now();
  server.reset();
  // A watcher that takes its event and does not close is left after a moment.
  EXPECT_LT(steady_clock::now() - start, milliseconds(5000));
  EXPECT_EQ(silent.rest(), "");
}

TEST_F(Served, APortInUseIsRefusedWithARemedy) {
  const Server server(free_port(), content());
  try {
    const Server second({.port = server.port()}, content());
    ADD_FAILURE() << "two servers on one port";
  } catch (const UsageError& error) {
    const std::string text = error.what();
    EXPECT_EQ(text.find("--serve 127.0.0.1:" + std::to_string(server.port()) + ": "), 0u) << text;
    EXPECT_NE(text.find("give another port, or port 0 for a free one"), std::string::npos) << text;
  }
  EXPECT_THROW(Server({.host = "192.0.2.7", .port = 0}, content()), UsageError) << "no address of this machine";
}

TEST_F(Served, APortIsFreeAgainAtOnce) {
  std::optional<Server> server(std::in_place, free_port(), content());
  const std::uint16_t port = server->port();
  EXPECT_EQ(status_of(ask(*server, request("/"))), 200);
  server.reset();
  server.emplace(Address{.port = port}, content());
  EXPECT_EQ(status_of(ask(*server, request("/"))), 200);
}

TEST_F(Served, Version6IsServedWhereThereIsOne) {
  std::optional<Server> server;
  try {
    server.emplace(parse_address("[::1]:0"), content());
  } catch (const UsageError&) {
    GTEST_SKIP() << "this machine has no address of version 6";
  }
  EXPECT_EQ(server->url(), "http://[::1]:" + std::to_string(server->port()) + "/");
  Client client(*server, "::1");
  client.send(request("/", "GET", "[::1]:" + std::to_string(server->port())));
  EXPECT_EQ(status_of(client.rest()), 200);
}

}  // namespace
}  // namespace laconic::serve
