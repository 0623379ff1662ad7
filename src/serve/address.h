// Where a page is served, and under which names it may be asked for.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace laconic::serve {

struct Address {
  std::string host = "127.0.0.1";  // a numeric address of version 4 or 6, without brackets
  std::uint16_t port = 8080;       // 0: a free one

  // "127.0.0.1:8080", "[::1]:8080".
  std::string to_text() const;
};

// ADDRESS, ADDRESS:PORT or PORT; what is left out, or empty, is the default. ADDRESS is numeric, or localhost; one of
// version 6 stands in brackets where a port follows. Throws UsageError, which names what was given, for anything else.
Address parse_address(std::string_view text);

// Whether only this machine reaches a page served there.
bool is_loopback(const Address& address);

// Whether a request with this field Host is meant for the page served at `bound`. A foreign page can make a browser
// send requests here under a name of its own, which it lets point to this machine (DNS rebinding), and then read the
// answers; under a numeric address it cannot. So of names only localhost will do and, where more than this machine
// reaches the page, the machine's own; of addresses the bound one and the loopback's, and all of them where the page
// is served at all (0.0.0.0, ::). The port does not matter: a tunnel has its own.
bool is_meant_for(std::string_view host, const Address& bound, std::string_view machine);

}  // namespace laconic::serve
