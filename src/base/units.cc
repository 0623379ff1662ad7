#include "base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <span>

#include "base/error.h"
#include "base/utf8.h"

namespace laconic {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

// Another name that people give a unit of the same table.
struct Alias {
  std::string_view name;
  std::string_view unit;
};

// A kind of quantity: the units that errors and texts name, what else they are called, and a value as an example.
struct Quantity {
  std::span<const Unit> units;
  std::span<const Alias> aliases;
  std::string_view example;
};

constexpr std::array kByteUnits = {Unit{"B", 1.0},         Unit{"kB", 1e3},          Unit{"MB", 1e6},
                                   Unit{"GB", 1e9},        Unit{"TB", 1e12},         Unit{"KiB", 1024.0},
                                   Unit{"MiB", 1048576.0}, Unit{"GiB", 1073741824.0}};
constexpr std::array kTimeUnits = {Unit{"us", 1e-6},  Unit{"ms", 1e-3},  Unit{"s", 1.0},
                                   Unit{"min", 60.0}, Unit{"h", 3600.0}, Unit{"d", 86400.0}};
constexpr std::array kRateUnits = {Unit{"bit/s", 1.0}, Unit{"kbit/s", 1e3}, Unit{"Mbit/s", 1e6}, Unit{"Gbit/s", 1e9},
                                   Unit{"kB/s", 8e3},  Unit{"MB/s", 8e6},   Unit{"GB/s", 8e9}};

constexpr std::array kByteAliases = {Alias{"byte", "B"}, Alias{"bytes", "B"}, Alias{"KB", "kB"}};
constexpr std::array kTimeAliases = {Alias{"\u00b5s", "us"}, Alias{"\u03bcs", "us"},  Alias{"usec", "us"},
                                     Alias{"msec", "ms"},    Alias{"sec", "s"},       Alias{"secs", "s"},
                                     Alias{"second", "s"},   Alias{"seconds", "s"},   Alias{"mins", "min"},
                                     Alias{"minute", "min"}, Alias{"minutes", "min"}, Alias{"hr", "h"},
                                     Alias{"hrs", "h"},      Alias{"hour", "h"},      Alias{"hours", "h"},
                                     Alias{"day", "d"},      Alias{"days", "d"}};
constexpr std::array kRateAliases = {
    Alias{"bps", "bit/s"},   Alias{"b/s", "bit/s"},      Alias{"bits/s", "bit/s"},   Alias{"kbps", "kbit/s"},
    Alias{"Kbps", "kbit/s"}, Alias{"kb/s", "kbit/s"},    Alias{"Kbit/s", "kbit/s"},  Alias{"kbits/s", "kbit/s"},
    Alias{"Mbps", "Mbit/s"}, Alias{"Mb/s", "Mbit/s"},    Alias{"Mbits/s", "Mbit/s"}, Alias{"Gbps", "Gbit/s"},
    Alias{"Gb/s", "Gbit/s"}, Alias{"Gbits/s", "Gbit/s"}, Alias{"KB/s", "kB/s"},      Alias{"kBps", "kB/s"},
    Alias{"KBps", "kB/s"},   Alias{"MBps", "MB/s"},      Alias{"GBps", "GB/s"}};

constexpr Quantity kSize = {kByteUnits, kByteAliases, "10 MB"};
constexpr Quantity kTime = {kTimeUnits, kTimeAliases, "20 ms"};
constexpr Quantity kRate = {kRateUnits, kRateAliases, "100 Mbit/s"};

// A century: longer than anybody waits, and clocks count its nanoseconds.
constexpr Seconds kLongest{36500 * 86400.0};
constexpr const char* kLongestText = "36500 d";

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

const Unit* find_unit(const Quantity& quantity, std::string_view name) {
  for (const Alias& alias : quantity.aliases) {
    if (alias.name == name) name = alias.unit;
  }
  for (const Unit& unit : quantity.units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return result;
}

// The unit that `name` is but for capital letters ("mb"), or begins ("Mb" or "M" of "Mbit/s"); the first of several.
const Unit* unit_meant(const Quantity& quantity, std::string_view name) {
  const std::string wanted = lower(name);
  if (wanted.empty()) return nullptr;
  for (const Unit& unit : quantity.units) {
    if (lower(unit.name) == wanted) return &unit;
  }
  for (const Unit& unit : quantity.units) {
    if (unit.name.starts_with(name)) return &unit;
  }
  for (const Unit& unit : quantity.units) {
    if (lower(unit.name).starts_with(wanted)) return &unit;
  }
  return nullptr;
}

[[noreturn]] void refuse(std::string_view text, const Quantity& quantity, const std::string& problem,
                         const std::string& example) {
  std::string known;
  for (const Unit& unit : quantity.units) known.append(known.empty() ? "" : ", ").append(unit.name);
  throw UsageError("'" + printable(text) + "' " + problem + " " + known + ", such as \"" + example + "\"");
}

double parse(std::string_view text, const Quantity& quantity) {
  const std::string_view trimmed = trim(text);
  double number = 0.0;
  const auto result = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  const bool is_number = result.ec == std::errc{} && std::isfinite(number) && number >= 0.0;
  if (!is_number) {
    refuse(text, quantity, "is not a number of at least 0 with one of the units", std::string(quantity.example));
  }
  const auto digits = static_cast<std::size_t>(result.ptr - trimmed.data());
  const std::string_view name = trim(trimmed.substr(digits));
  if (const Unit* unit = find_unit(quantity, name)) return number * unit->factor;
  const std::string written(trimmed.substr(0, digits));
  if (name.empty()) {
    const std::size_t blank = quantity.example.find(' ');
    refuse(text, quantity, "has no unit; write one of", written + std::string(quantity.example.substr(blank)));
  }
  const Unit* meant = unit_meant(quantity, name);
  refuse(text, quantity, "is not a number with one of the units",
         meant == nullptr ? std::string(quantity.example) : written + " " + std::string(meant->name));
}

// Three significant digits with the largest decimal unit that leaves at least 1.
std::string format(double value, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (value >= unit.factor && unit.factor >= best->factor) best = &unit;
  }
  const double scaled = value / best->factor;
  std::array<char, 64> buffer{};
  const bool whole = scaled == std::floor(scaled) && scaled < 1000.0;
  const int decimals = whole ? 0 : scaled < 10.0 ? 2 : scaled < 100.0 ? 1 : 0;
  std::snprintf(buffer.data(), buffer.size(), "%.*f %s", decimals, scaled, std::string(best->name).c_str());
  return buffer.data();
}

}  // namespace

Seconds transfer_time(Bytes size, BitsPerSecond rate) {
  return {std::isinf(rate.value) ? 0.0 : 8.0 * static_cast<double>(size.value) / rate.value};
}

Bytes parse_bytes(std::string_view text) {
  const double value = parse(text, kSize);
  if (value > 9e18) throw UsageError("'" + printable(text) + "' is too large");
  return {static_cast<std::uint64_t>(std::llround(value))};
}

Seconds parse_seconds(std::string_view text) {
  const double value = parse(text, kTime);
  if (value > kLongest.value) throw UsageError("'" + printable(text) + "' is too long; give at most " + kLongestText);
  return {value};
}

BitsPerSecond parse_rate(std::string_view text) {
  if (const std::string word = lower(trim(text)); word == "unlimited" || word == "inf")
    return {std::numeric_limits<double>::infinity()};
  const double value = parse(text, kRate);
  if (value == 0.0)
    throw UsageError("'" + printable(text) +
                     "': a link of rate 0 carries nothing; use \"unlimited\" or a positive rate");
  return {value};
}

std::string to_text(Bytes size) { return format(static_cast<double>(size.value), std::span(kByteUnits).first(5)); }
std::string to_text(Seconds time) { return format(time.value, std::span(kTimeUnits).first(5)); }
std::string to_text(BitsPerSecond rate) {
  return std::isinf(rate.value) ? "unlimited" : format(rate.value, std::span(kRateUnits).first(4));
}

}  // namespace laconic
