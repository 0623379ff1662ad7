// Quantities with units: bytes, seconds, rates, fractions; their text forms.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace laconic {

struct Bytes {
  std::uint64_t value = 0;
  friend auto operator<=>(Bytes, Bytes) = default;
  Bytes& operator+=(Bytes other) {
    value += other.value;
    return *this;
  }
  friend Bytes operator+(Bytes a, Bytes b) { return {a.value + b.value}; }
};

// A point in (virtual or real) time, or a span of it. Never negative in a job.
struct Seconds {
  double value = 0.0;
  friend auto operator<=>(Seconds, Seconds) = default;
  Seconds& operator+=(Seconds other) {
    value += other.value;
    return *this;
  }
  friend Seconds operator+(Seconds a, Seconds b) { return {a.value + b.value}; }
  friend Seconds operator-(Seconds a, Seconds b) { return {a.value - b.value}; }
};

// Rate of a link. Infinity means that the link never limits.
struct BitsPerSecond {
  double value = 0.0;
  friend auto operator<=>(BitsPerSecond, BitsPerSecond) = default;
};

// Time that `size` occupies a link of rate `rate`; zero on an unlimited link.
Seconds transfer_time(Bytes size, BitsPerSecond rate);

// Parsers of the values in job files. Each takes a number, optional blanks and a unit, which may have another common
// name that means no other unit ("5 seconds", "1 Gbps"). Throws UsageError with the accepted units and a right text.
//
//   bytes    "12 B", "10 kB", "3 MB", "1.5 GB" (powers of 1000), "4 KiB", "1 MiB", "1 GiB" (powers of 1024)
//   seconds  "30 us", "20 ms", "1.5 s", "10 min", "2 h", "3 d"
//            at most 36500 d
//   rate     "9600 bit/s", "64 kbit/s", "100 Mbit/s", "1 Gbit/s", "12 MB/s", "unlimited"
Bytes parse_bytes(std::string_view text);
Seconds parse_seconds(std::string_view text);
BitsPerSecond parse_rate(std::string_view text);

// Short text with three significant digits and the largest unit that fits: "247 kB", "1.50 s", "100 Mbit/s".
std::string to_text(Bytes size);
std::string to_text(Seconds time);
std::string to_text(BitsPerSecond rate);

}  // namespace laconic
