// A network of this machine's own: a namespace with nothing but a loopback, whose rate can be limited and whose bytes
// are counted by the kernel. All processes in it share the one link.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace laconic::bench {

// A rate of the link, as `tc` spells it.
struct LinkRate {
  std::string text = "unlimited";
  std::optional<double> bits_per_second;  // none: as fast as the machine copies
};
// "100mbit", "1.5gbit", "64kbit", "unlimited". Throws std::invalid_argument for anything else.
LinkRate parse_link_rate(const std::string& text);

// Why there can be no Loopback here, and what to do about it; empty: there can.
std::string obstacle_to_loopback();

class Loopback {
 public:
  // Takes this process, and what it starts from now on, to a fresh namespace; the kernel removes that with the last
  // process in it, whatever happens. There is no way back. One thread. Throws std::runtime_error.
  Loopback();

  // From now on. Nothing may be on its way. Throws std::runtime_error, with the words of `tc`.
  void limit(const LinkRate& rate);

  // Sent since the namespace was made, with the headers of IP and TCP and a link header of 14 bytes; the
  // acknowledgements are among it. A packet counts once.
  std::uint64_t bytes() const;

  // How TCP finds its rate here: "cubic", "bbr".
  std::string congestion_control() const;

 private:
  bool limited_ = false;
};

}  // namespace laconic::bench
