#include "serve/server.h"

#include <algorithm>
#include <array>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/ip/host_name.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/write.hpp>
#include <cerrno>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "async/task.h"
#include "base/error.h"
#include "serve/answer.h"
#include "serve/request.h"

namespace laconic::serve {
namespace {

using asio::ip::tcp;
using std::chrono::steady_clock;

// The type of completion that Task awaits.
using Socket = asio::basic_stream_socket<tcp, TaskExecutor>;
using Acceptor = asio::basic_socket_acceptor<tcp, TaskExecutor>;
using Timer = asio::basic_waitable_timer<steady_clock, asio::wait_traits<steady_clock>, TaskExecutor>;

constexpr asio::use_awaitable_t<TaskExecutor> kAwait{};

// How long a connection stays open behind its answer for the other end to close it. Closed at once, with something of
// the request unread, it would be reset, and the answer with it.
constexpr std::chrono::milliseconds kLingerPatience{500};
constexpr std::size_t kMostLingering = std::size_t{64} << 10;
// Before the next try where the system refuses a connection, for want of descriptors.
constexpr std::chrono::milliseconds kAcceptPause{200};

std::string machine_name() {
  std::error_code error;
  return asio::ip::host_name(error);
}

struct Connection {
  explicit Connection(Socket connected)
      : socket(std::move(connected)), deadline(socket.get_executor()), pace(socket.get_executor()) {}

  void close() {
    std::error_code ignored;
    socket.close(ignored);
    pace.cancel();
  }

  Socket socket;
  Timer deadline;
  Timer pace;  // of a watcher: until its next event
  std::string input;
  bool has_asked = false;  // its head has come
  bool watches = false;
};
using Shared = std::shared_ptr<Connection>;

// Closes the connection unless what it does next is done, and another deadline set, by then.
void set_deadline(const Shared& connection, std::chrono::milliseconds patience) {
  connection->deadline.expires_after(patience);
  connection->deadline.async_wait([connection](std::error_code error) {
    // A wait that was over just when the deadline moved comes without an error.
    if (!error && connection->deadline.expiry() <= steady_clock::now()) connection->close();
  });
}

using Text = std::shared_ptr<const std::string>;

Task<bool> send(Shared connection, std::string text, std::chrono::milliseconds patience, Text more = {}) {
  set_deadline(connection, patience);
  const std::string_view second = more ? std::string_view(*more) : std::string_view();
  const std::array<asio::const_buffer, 2> buffers = {asio::buffer(text), asio::buffer(second)};
  std::error_code error;
  co_await asio::async_write(connection->socket, buffers, asio::redirect_error(kAwait, error));
  co_return !error;
}

// Whatever else comes is thrown away, until the other end closes.
Task<void> linger(Shared connection, std::chrono::milliseconds patience) {
  set_deadline(connection, patience);
  std::error_code error;
  connection->socket.shutdown(Socket::shutdown_send, error);
  std::string waste(4096, '\0');
  for (std::size_t taken = 0; !error && taken < kMostLingering;) {
    taken += co_await connection->socket.async_read_some(asio::buffer(waste), asio::redirect_error(kAwait, error));
  }
}

}  // namespace

class Server::Service {
 public:
  Service(const Address& address, Content content, const Limits& limits);
  ~Service();

  const std::string& url() const { return url_; }
  std::uint16_t port() const { return address_.port; }

 private:
  void listen();
  void start(Task<void> task);
  Task<void> accept();
  Task<void> serve(Shared connection);
  Task<void> answer(Shared connection, const ParsedRequest& parsed);
  Task<void> watch(Shared connection, std::uint64_t position);
  Text page();
  // Ends a watcher as soon as the other end is gone.
  static void notice_end(Shared connection);
  void end();

  Address address_;
  const Content content_;
  const Limits limits_;
  const std::string machine_ = machine_name();
  std::string url_;
  bool ending_ = false;              // on the thread of the server alone, as all below
  std::vector<Shared> connections_;  // that are served now, room for all
  Text page_;                        // the newest
  steady_clock::time_point page_made_;
  // Last, so that it goes first, and with it the coroutines that know the rest.
  asio::io_context context_{1};
  Acceptor acceptor_{context_};
  Timer room_{context_};  // cancelled when a connection has ended
  Timer end_{context_};
  std::thread thread_;
};

Server::Service::Service(const Address& address, Content content, const Limits& limits)
    : address_(address), content_(std::move(content)), limits_(limits) {
  connections_.reserve(limits_.connections);
  listen();
  const bool is_everywhere = asio::ip::make_address(address_.host).is_unspecified();
  Address shown = address_;
  if (is_everywhere && !machine_.empty()) shown.host = machine_;
  url_ = "http://" + shown.to_text() + "/";
  start(accept());
  thread_ = std::thread([this] {
    // What a handler throws has cost that handler's connection; the others are served on.
    while (!context_.stopped()) {
      try {
        context_.run();
      } catch (...) {
      }
    }
  });
}

Server::Service::~Service() {
  asio::post(context_, [this] { end(); });
  thread_.join();
}

void Server::Service::listen() {
  const tcp::endpoint endpoint(asio::ip::make_address(address_.host), address_.port);
  std::error_code error;
  acceptor_.open(endpoint.protocol(), error);
  // The port of a run that has just ended can be had again at once; one that somebody listens on can not.
  if (!error) acceptor_.set_option(Acceptor::reuse_address(true), error);
  if (!error) acceptor_.bind(endpoint, error);
  if (!error) acceptor_.listen(Acceptor::max_listen_connections, error);
  if (!error) address_.port = acceptor_.local_endpoint(error).port();
  if (!error) return;
  const bool is_address = error.value() == EADDRNOTAVAIL || error.value() == EAFNOSUPPORT;
  throw UsageError("--serve " + address_.to_text() + ": " + error.message() + "; give " +
                   (is_address ? "an address of this machine" : "another port, or port 0 for a free one"));
}

void Server::Service::start(Task<void> task) {
  asio::co_spawn(context_.get_executor(), std::move(task), [](const std::exception_ptr&) {});
}

Task<void> Server::Service::accept() {
  while (!ending_) {
    std::error_code error;
    if (connections_.size() >= limits_.connections) {
      room_.expires_after(limits_.head);
      co_await room_.async_wait(asio::redirect_error(kAwait, error));
      continue;
    }
    Socket socket = co_await acceptor_.async_accept(asio::redirect_error(kAwait, error));
    if (ending_) co_return;
    if (error) {
      room_.expires_after(kAcceptPause);
      co_await room_.async_wait(asio::redirect_error(kAwait, error));
      continue;
    }
    try {
      auto connection = std::make_shared<Connection>(std::move(socket));
      start(serve(connection));
      connections_.push_back(std::move(connection));
    } catch (const std::exception&) {
      // Out of memory: this one is not served.
    }
  }
}

Task<void> Server::Service::serve(Shared connection) {
  try {
    set_deadline(connection, limits_.head);
    std::error_code error;
    auto buffer = asio::dynamic_buffer(connection->input, kMostHead);
    const std::size_t size = co_await asio::async_read_until(connection->socket, buffer, std::string_view("\r\n\r\n"),
                                                             asio::redirect_error(kAwait, error));
    ParsedRequest parsed = {.status = Status::kTooLarge};
    if (!error) parsed = parse_request(std::string_view(connection->input).substr(0, size));
    // not_found: the buffer is full.
    if (!error || error == asio::error::not_found) {
      connection->has_asked = true;
      co_await answer(connection, parsed);
      co_await linger(connection, kLingerPatience);
    }
  } catch (...) {
    // Out of memory, say: this connection ends without its answer.
  }
  connection->deadline.cancel();
  connection->close();
  std::erase(connections_, connection);
  room_.cancel();
  if (ending_ && connections_.empty()) end_.cancel();
}

Task<void> Server::Service::answer(Shared connection, const ParsedRequest& parsed) {
  const Request& request = parsed.request;
  Status status = parsed.status;
  std::optional<std::uint64_t> position;
  const bool is_page = request.path == "/";
  const bool is_events = request.path == "/events";
  const bool has_body = request.method != "HEAD";
  if (status == Status::kOk) {
    if (!is_meant_for(request.host, address_, machine_)) {
      status = Status::kForbidden;
    } else if (!is_page && !is_events) {
      status = Status::kNotFound;
    } else if (request.method != "GET" && request.method != "HEAD") {
      status = Status::kMethodNotAllowed;
    } else if (is_events) {
      position = position_of(request.query);
      if (!position) status = Status::kBadRequest;
      const auto watchers = static_cast<std::size_t>(
          std::ranges::count_if(connections_, [](const Shared& other) { return other->watches; }));
      if (watchers >= limits_.watchers) status = Status::kTooMany;
    }
  }
  if (status == Status::kOk && is_events) {
    if (co_await send(connection, events_head(), limits_.write) && has_body) co_await watch(connection, *position);
    co_return;
  }
  Text shown;
  std::string text;
  if (status == Status::kOk) {
    try {
      shown = page();
      text = page_head(shown->size());
      if (!has_body) shown.reset();
    } catch (const std::exception&) {
      status = Status::kFailed;
    }
  }
  if (status != Status::kOk) text = refusal(status, has_body);
  co_await send(connection, std::move(text), limits_.write, std::move(shown));
}

Text Server::Service::page() {
  const steady_clock::time_point now = steady_clock::now();
  if (!page_ || now - page_made_ >= limits_.pace) {
    page_ = std::make_shared<const std::string>(content_.page());
    page_made_ = now;
  }
  return page_;
}

Task<void> Server::Service::watch(Shared connection, std::uint64_t position) {
  connection->watches = true;
  notice_end(connection);
  for (;;) {
    const bool is_last = ending_;
    News news = content_.news(position);
    position = news.position;
    std::string event = event_text(news.text);
    if (!co_await send(connection, std::move(event), limits_.write)) break;
    connection->deadline.cancel();
    if (!news.is_all) continue;
    if (is_last) break;
    if (ending_) continue;
    std::error_code error;
    connection->pace.expires_after(limits_.pace);
    co_await connection->pace.async_wait(asio::redirect_error(kAwait, error));
    if (!connection->socket.is_open()) break;
  }
}

void Server::Service::notice_end(Shared connection) {
  auto byte = std::make_shared<char>();
  connection->socket.async_read_some(asio::buffer(byte.get(), 1),
                                     [connection, byte](std::error_code error, std::size_t) {
                                       if (error) connection->close();
                                     });
}

void Server::Service::end() {
  ending_ = true;
  std::error_code ignored;
  acceptor_.close(ignored);
  room_.cancel();
  for (const Shared& connection : connections_) {
    if (connection->has_asked) {
      connection->pace.cancel();
    } else {
      connection->close();
    }
  }
  if (connections_.empty()) return;
  end_.expires_after(limits_.end);
  end_.async_wait([this](std::error_code error) {
    if (!error) context_.stop();
  });
}

Server::Server(const Address& address, Content content, const Limits& limits)
    : service_(std::make_unique<Service>(address, std::move(content), limits)) {}
Server::~Server() = default;

const std::string& Server::url() const { return service_->url(); }
std::uint16_t Server::port() const { return service_->port(); }

}  // namespace laconic::serve
