#include "base/units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <span>

#include "base/error.h"

namespace laconic {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr std::array kByteUnits = {Unit{"B", 1.0},         Unit{"kB", 1e3},          Unit{"MB", 1e6},
                                   Unit{"GB", 1e9},        Unit{"TB", 1e12},         Unit{"KiB", 1024.0},
                                   Unit{"MiB", 1048576.0}, Unit{"GiB", 1073741824.0}};
constexpr std::array kTimeUnits = {Unit{"us", 1e-6}, Unit{"ms", 1e-3}, Unit{"s", 1.0}, Unit{"min", 60.0},
                                   Unit{"h", 3600.0}};
constexpr std::array kRateUnits = {Unit{"bit/s", 1.0}, Unit{"kbit/s", 1e3}, Unit{"Mbit/s", 1e6}, Unit{"Gbit/s", 1e9},
                                   Unit{"kB/s", 8e3},  Unit{"MB/s", 8e6},   Unit{"GB/s", 8e9}};

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

double parse(std::string_view text, std::span<const Unit> units, std::string_view example) {
  const std::string_view trimmed = trim(text);
  double number = 0.0;
  const auto result = std::from_chars(trimmed.data(), trimmed.data() + trimmed.size(), number);
  const std::string_view name = trim(trimmed.substr(static_cast<std::size_t>(result.ptr - trimmed.data())));
  if (result.ec == std::errc{} && std::isfinite(number) && number >= 0.0) {
    for (const Unit& unit : units) {
      if (unit.name == name) return number * unit.factor;
    }
  }
  std::string known;
  for (const Unit& unit : units) known += (known.empty() ? "" : ", ") + std::string(unit.name);
  throw UsageError("'" + std::string(text) + "' is not a number with one of the units " + known + " (such as \"" +
                   std::string(example) + "\")");
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
  const double value = parse(text, kByteUnits, "10 MB");
  if (value > 9e18) throw UsageError("'" + std::string(text) + "' is too large");
  return {static_cast<std::uint64_t>(std::llround(value))};
}

Seconds parse_seconds(std::string_view text) { return {parse(text, kTimeUnits, "20 ms")}; }

BitsPerSecond parse_rate(std::string_view text) {
  if (trim(text) == "unlimited") return {std::numeric_limits<double>::infinity()};
  const double value = parse(text, kRateUnits, "100 Mbit/s");
  if (value == 0.0)
    throw UsageError("'" + std::string(text) +
                     "': a link of rate 0 carries nothing; use \"unlimited\" or a positive rate");
  return {value};
}

std::string to_text(Bytes size) { return format(static_cast<double>(size.value), std::span(kByteUnits).first(5)); }
std::string to_text(Seconds time) { return format(time.value, kTimeUnits); }
std::string to_text(BitsPerSecond rate) {
  return std::isinf(rate.value) ? "unlimited" : format(rate.value, std::span(kRateUnits).first(4));
}

}  // namespace laconic
