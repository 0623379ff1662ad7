#include "loopback.h"

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "processes.h"

namespace laconic::bench {
namespace {

// A packet on the limited link: that of a switch with jumbo frames. The loopback's own 64 kB would need a bucket as
// large, and messages that fit into the bucket travel in no time.
constexpr const char* kLimitedMtu = "9000";
constexpr const char* kBucket = "20kb";
// How long the queue may grow before packets are dropped. TCP keeps the queues of a machine of its own short.
constexpr const char* kQueue = "400ms";
constexpr const char* kFreeMtu = "65536";

}  // namespace

LinkRate parse_link_rate(const std::string& text) {
  if (text == "unlimited") return {};
  double number = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit(end, text.data() + text.size());
  const double scale = unit == "kbit" ? 1e3 : unit == "mbit" ? 1e6 : unit == "gbit" ? 1e9 : 0.0;
  if (error != std::errc{} || scale == 0.0 || !(number * scale >= 8e3) || !(number * scale <= 1e12)) {
    throw std::invalid_argument("'" + text +
                                "' is no rate of a link; give one like 100mbit, 1gbit, 64kbit or unlimited");
  }
  return {.text = text, .bits_per_second = number * scale};
}

std::string obstacle_to_loopback() {
  for (const char* tool : {"ip", "tc"}) {
    if (!is_installed(tool))
      return std::string("there is no program ") + tool + "; scripts/install_packages bench-peers";
  }
  if (geteuid() != 0) return "a network of its own needs root; run it with sudo";
  return {};
}

Loopback::Loopback() {
  if (unshare(CLONE_NEWNET) != 0) {
    throw std::runtime_error(std::string("no network namespace: ") + std::strerror(errno) +
                             "; a container needs the capability SYS_ADMIN for it");
  }
  run_tool({"ip", "link", "set", "lo", "up"});
}

void Loopback::limit(const LinkRate& rate) {
  if (limited_) run_tool({"tc", "qdisc", "del", "dev", "lo", "root"});
  limited_ = false;
  run_tool({"ip", "link", "set", "lo", "mtu", rate.bits_per_second ? kLimitedMtu : kFreeMtu});
  if (!rate.bits_per_second) return;
  run_tool({"tc", "qdisc", "add", "dev", "lo", "root", "tbf", "rate", rate.text, "burst", kBucket, "latency", kQueue});
  limited_ = true;
}

std::uint64_t Loopback::bytes() const {
  std::ifstream file("/proc/thread-self/net/dev");
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string name;
    if (!(words >> name) || name != "lo:") continue;
    std::uint64_t count = 0;
    for (int column = 0; column < 9; ++column) words >> count;
    if (words) return count;
  }
  throw std::runtime_error("/proc/thread-self/net/dev: no counters of the loopback");
}

std::string Loopback::congestion_control() const {
  std::ifstream file("/proc/sys/net/ipv4/tcp_congestion_control");
  std::string name;
  file >> name;
  return name;
}

}  // namespace laconic::bench
