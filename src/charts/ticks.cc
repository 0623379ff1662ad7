#include "charts/ticks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <string_view>

namespace laconic::charts {
namespace {

constexpr double kLargest = 1e300;  // beyond it sums of two values may not be finite
constexpr double kSmallest = 1e-300;

// With so many decimals, and thousands in groups.
std::string fixed(double value, int decimals) {
  char digits[400];
  const auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, decimals).ptr;
  std::string text(digits, end);
  if (value == 0.0 && text.front() == '-') text.erase(0, 1);
  const std::size_t sign = text.front() == '-' ? 1 : 0;
  const std::size_t point = std::min(text.find('.'), text.size());
  if (point - sign > 4) {
    for (std::size_t at = point; at > sign + 3; at -= 3) text.insert(at - 3, ",");
  }
  return text;
}

int decimals_of(double step) { return static_cast<int>(std::clamp(std::ceil(-std::log10(step) - 1e-9), 0.0, 17.0)); }

std::string superscript(int number) {
  constexpr std::array<std::string_view, 10> kDigits = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string text = number < 0 ? "⁻" : "";
  for (const char digit : std::to_string(std::abs(number))) text += kDigits[static_cast<std::size_t>(digit - '0')];
  return text;
}

struct Scale {
  double size = 1.0;
  std::string name;
};

std::string_view byte_unit(int power) {
  constexpr std::array<std::string_view, 7> kUnits = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  return kUnits[static_cast<std::size_t>(power)];
}

// The unit in which numbers up to `most` are short.
Scale scale_of(double most, Unit unit) {
  switch (unit) {
    case Unit::kPercent:
      return {0.01, "%"};
    case Unit::kBytes: {
      const int power = most < 1000.0 ? 0 : static_cast<int>(std::min(6.0, std::floor(std::log10(most) / 3.0 + 1e-12)));
      return {std::pow(1000.0, power), std::string(byte_unit(power))};
    }
    case Unit::kSeconds:
      if (most < 120.0) return {1.0, "s"};
      return most < 7200.0 ? Scale{60.0, "min"} : Scale{3600.0, "h"};
    case Unit::kCount:
    case Unit::kNumber:
      break;
  }
  const double least_plain = 1e-3;
  const double most_plain = unit == Unit::kCount ? 1e7 : 1e6;
  if (most == 0.0 || (most >= least_plain && most < most_plain)) return {};
  const int power = static_cast<int>(std::floor(std::log10(most) + 1e-12));
  return {std::pow(10.0, power), "×10" + superscript(power)};
}

// The smallest of 1, 2, 5 times a power of ten that is at least `least`.
double nice_step(double least) {
  const double power = std::pow(10.0, std::floor(std::log10(least)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= least * (1.0 - 1e-9)) return factor * power;
  }
  return 10.0 * power;
}

Ticks linear_ticks(const Range& range, Unit unit, std::size_t most) {
  const Scale scale = scale_of(std::max(std::abs(range.low), std::abs(range.high)), unit);
  const double low = range.low / scale.size;
  const double high = range.high / scale.size;
  Ticks ticks;
  ticks.unit = scale.name;
  double step = nice_step((high - low) / static_cast<double>(most));
  if (unit == Unit::kCount && scale.size == 1.0) step = std::max(step, 1.0);
  const double first = std::ceil(low / step - 1e-9);
  const double last = std::floor(high / step + 1e-9);
  for (double i = first; i <= last; i += 1.0) {
    const double shown = i == 0.0 ? 0.0 : i * step;
    ticks.at.push_back(shown * scale.size);
    ticks.texts.push_back(fixed(shown, decimals_of(step)));
  }
  return ticks;
}

std::string power_text(double value, Unit unit) {
  switch (unit) {
    case Unit::kBytes:
    case Unit::kPercent:
      return value_text(value, unit);
    default:
      break;
  }
  const double power = std::floor(std::log10(value) + 1e-9);
  if (power >= -3.0 && power <= 4.0) return fixed(value, std::max(0, -static_cast<int>(power)));
  const double factor = std::round(value / std::pow(10.0, power));
  const std::string ten = "10" + superscript(static_cast<int>(power));
  return factor == 1.0 ? ten : fixed(factor, 0) + "×" + ten;
}

Ticks logarithmic_ticks(const Range& range, Unit unit, std::size_t most) {
  Ticks ticks;
  if (unit == Unit::kSeconds) ticks.unit = "s";
  const int first = static_cast<int>(std::ceil(std::log10(range.low) - 1e-9));
  const int last = static_cast<int>(std::floor(std::log10(range.high) + 1e-9));
  const auto inside = [&](double x) { return x >= range.low * (1 - 1e-9) && x <= range.high * (1 + 1e-9); };
  const int decades = last - first + 1;
  const int stride = std::max(1, (decades + static_cast<int>(most) - 1) / static_cast<int>(most));
  std::vector<double> factors = {1.0};
  if (decades < 3 && most >= 4) factors = {1.0, 2.0, 5.0};
  for (int power = first - 1; power <= last; ++power) {
    for (const double factor : {1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0}) {
      const double x = factor * std::pow(10.0, power);
      if (!inside(x)) continue;
      const bool has_text =
          (power - first) % stride == 0 && std::find(factors.begin(), factors.end(), factor) != factors.end();
      if (has_text) {
        ticks.at.push_back(x);
        ticks.texts.push_back(power_text(x, unit));
      } else if (stride == 1 ? decades <= 8 : factor == 1.0) {
        ticks.between.push_back(x);
      }
    }
  }
  // Less than a decade, or crowded: evenly spaced numbers say more.
  return ticks.at.size() >= 2 && ticks.at.size() <= most + 1 ? ticks : linear_ticks(range, unit, most);
}

}  // namespace

double Range::share_of(double value) const {
  const auto along = [&](double x) { return logarithmic ? std::log10(std::max(x, kSmallest)) : x; };
  const double from = along(low);
  const double share = (along(std::clamp(value, -kLargest, kLargest)) - from) / (along(high) - from);
  return std::clamp(share, 0.0, 1.0);
}

Range range_of(const std::vector<double>& values, bool wanted_logarithmic, double margin) {
  double low = INFINITY;
  double high = -INFINITY;
  for (const double value : values) {
    if (!std::isfinite(value)) continue;
    low = std::min(low, std::clamp(value, -kLargest, kLargest));
    high = std::max(high, std::clamp(value, -kLargest, kLargest));
  }
  if (low > high) return {};
  if (wanted_logarithmic && low > kSmallest) {
    double from = std::log10(low);
    double to = std::log10(high);
    const double added = to - from > 1e-6 ? margin * (to - from) : 0.15;
    from -= added;
    to += added;
    return {std::pow(10.0, from), std::pow(10.0, to), true};
  }
  const double span = high - low;
  const double size = std::max(std::abs(low), std::abs(high));
  // Values that are all alike, or differ in what rounding leaves, have as much around them as they are large.
  const double added = span > 1e-12 * size ? margin * span : size > 0.0 ? 0.1 * size : 1.0;
  const bool has_negative = low < 0.0;
  low -= added;
  high += added;
  if (!has_negative && low < 0.0) low = 0.0;
  if (high - low < kSmallest) high = low + 1.0;
  return {low, high, false};
}

Ticks ticks_of(const Range& range, Unit unit, std::size_t most) {
  return range.logarithmic ? logarithmic_ticks(range, unit, most) : linear_ticks(range, unit, most);
}

std::string value_text(double value, Unit unit) {
  if (!std::isfinite(value)) return "–";
  if (unit == Unit::kCount && std::abs(value) < 1e7) return fixed(std::round(value), 0);
  const Scale scale = scale_of(std::abs(value), unit);
  const double shown = value / scale.size;
  // Three digits. In another unit the largest numbers are infinite.
  const double power = shown == 0.0 ? 0.0 : std::floor(std::log10(std::abs(shown)) + 1e-9);
  std::string text = fixed(shown, static_cast<int>(std::clamp(2.0 - power, 0.0, 17.0)));
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  if (scale.name.empty()) return text;
  return text + (unit == Unit::kPercent || unit == Unit::kNumber || unit == Unit::kCount ? "" : " ") + scale.name;
}

}  // namespace laconic::charts
