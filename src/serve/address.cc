#include "serve/address.h"

#include <algorithm>
#include <asio/ip/address.hpp>
#include <charconv>
#include <optional>

#include "base/error.h"

namespace laconic::serve {
namespace {

constexpr std::string_view kLocal = "localhost";

// Host and port of "host", "host:port", "[host]", "[host]:port"; an address of version 6 may do without brackets where
// it has no port.
struct Parts {
  std::string_view host;
  std::optional<std::string_view> port;
};

std::optional<Parts> split(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && rest.front() != ':') return std::nullopt;
    const std::string_view host = text.substr(1, close - 1);
    if (host.find(':') == std::string_view::npos) return std::nullopt;
    return Parts{host, rest.empty() ? std::nullopt : std::optional(rest.substr(1))};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos)
    return Parts{text, std::nullopt};
  return Parts{text.substr(0, colon), text.substr(colon + 1)};
}

std::optional<std::uint16_t> port_of(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return port;
}

// Nothing but an address: a zone ("fe80::1%eth0") is for this machine alone, and Asio reads no further than a zero
// byte.
std::optional<asio::ip::address> literal(std::string_view text) {
  if (text.find_first_not_of("0123456789abcdefABCDEF:.") != std::string_view::npos) return std::nullopt;
  std::error_code error;
  const asio::ip::address address = asio::ip::make_address(text, error);
  return error ? std::nullopt : std::optional(address);
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char letter) { return letter >= 'A' && letter <= 'Z' ? letter - 'A' + 'a' : letter; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

}  // namespace

std::string Address::to_text() const {
  const bool is_version_6 = host.find(':') != std::string::npos;
  return (is_version_6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Address parse_address(std::string_view text) {
  Address address;
  if (text.empty()) return address;
  const auto refuse = [&](const char* why) {
    throw UsageError("--serve: '" + std::string(text) + "' " + why +
                     "; give ADDRESS:PORT, such as 127.0.0.1:8080, localhost:8080 or [::1]:8080, or a port alone (and "
                     "the job file before --serve)");
  };
  if (std::ranges::all_of(text, [](char letter) { return letter >= '0' && letter <= '9'; })) {
    const std::optional<std::uint16_t> port = port_of(text);
    if (!port) refuse("is no port");
    address.port = *port;
    return address;
  }
  const std::optional<Parts> parts = split(text);
  if (!parts) refuse("is no address");
  if (parts->port) {
    const std::optional<std::uint16_t> port = port_of(*parts->port);
    if (!port) refuse("has no port behind its colon");
    address.port = *port;
  }
  if (same_name(parts->host, kLocal)) return address;
  const std::optional<asio::ip::address> host = literal(parts->host);
  if (!host) refuse("is no numeric address");
  address.host = host->to_string();
  return address;
}

bool is_loopback(const Address& address) {
  const std::optional<asio::ip::address> own = literal(address.host);
  return own && own->is_loopback();
}

bool is_meant_for(std::string_view host, const Address& bound, std::string_view machine) {
  const std::optional<Parts> parts = split(host);
  if (!parts || (parts->port && !parts->port->empty() && !port_of(*parts->port))) return false;
  const std::optional<asio::ip::address> own = literal(bound.host);
  LACONIC_CHECK(own, "'" << bound.host << "' is no address to be bound to");
  if (same_name(parts->host, kLocal)) return true;
  const std::optional<asio::ip::address> asked = literal(parts->host);
  if (!asked) return !own->is_loopback() && !machine.empty() && same_name(parts->host, machine);
  return asked->is_loopback() || *asked == *own || own->is_unspecified();
}

}  // namespace laconic::serve
