// A page and its news over HTTP/1.1, for people who watch a run, in a thread of its own beside that run.
//
//   GET, HEAD /               the page
//   GET, HEAD /events?from=N  what has come since position N, and then, about once a second, what comes: server-sent
//                             events (https://html.spec.whatwg.org/multipage/server-sent-events.html), each one line
//                             `data: TEXT`. The last one goes out when the server ends.
//
// All else is answered with 400, 403 (a host that is none of ours: is_meant_for), 404, 405 or 431. Who asks may be
// anybody: a head has at most kMostHead bytes, every wait for the other end has a deadline, only so many connections
// are served at a time (the others wait in the system's queue) and so many of them watch (503). A request names no
// file. Each connection is closed after its answer.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "serve/address.h"

namespace laconic::serve {

struct Limits {
  std::size_t connections = 64;
  std::size_t watchers = 32;
  std::chrono::milliseconds head{5000};     // for the head of a request to come
  std::chrono::milliseconds write{10'000};  // for an answer, or an event, to be taken
  std::chrono::milliseconds pace{1000};     // between two events
  std::chrono::milliseconds end{1000};      // for the last event to go out when the server ends
};

struct News {
  std::string text;            // in one line
  std::uint64_t position = 0;  // behind it
  bool is_all = true;          // else there is more by now, which goes out at once
};

// What is served. Both are called on the server's thread, and must be safe beside what the run does; what they throw
// costs the request that asked, and nothing else.
struct Content {
  std::function<std::string()> page;  // HTML; made once a pace at most, however many ask
  std::function<News(std::uint64_t position)> news;
};

class Server {
 public:
  // Listens, and serves from now on. Throws UsageError, with the remedy, where the address cannot be had: a port in
  // use, one that needs another user, an address that is not this machine's.
  Server(const Address& address, Content content, const Limits& limits = {});
  // Sends the last news to who watches, and ends, within Limits::end.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // "http://127.0.0.1:8080/", with the port that was found. Served at all addresses of the machine it has the
  // machine's name.
  const std::string& url() const;
  std::uint16_t port() const;

 private:
  class Service;
  std::unique_ptr<Service> service_;
};

}  // namespace laconic::serve
