#include "base/number_schedule.h"

#include <array>
#include <charconv>
#include <cmath>

#include "base/error.h"
#include "base/utf8.h"

namespace laconic {
namespace {

constexpr std::string_view kArrow = "->";
constexpr std::string_view kOver = " over ";

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

// A percentage stands for its fraction, as in keys that do not change.
std::optional<double> number_of(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text = trimmed(text.substr(0, text.size() - 1));
  double value = 0.0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc{} || result.ptr != end || !std::isfinite(value)) return std::nullopt;
  return percent ? value / 100.0 : value;
}

std::string text_of(double value) {
  std::array<char, 32> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), end.ptr};
}

}  // namespace

std::uint64_t NumberSchedule::steps() const {
  LACONIC_CHECK(!over.in_epochs && over.denominator == 1, "a schedule over " << text() << " is not in steps yet");
  return over.numerator;
}

double NumberSchedule::at(std::uint64_t step) const {
  const std::uint64_t length = steps();
  if (step >= length) return last;
  const double share = static_cast<double>(step) / static_cast<double>(length);
  if (first > 0.0 && last > 0.0) return first * std::pow(last / first, share);
  return first + (last - first) * share;
}

std::string NumberSchedule::text() const {
  const double length = static_cast<double>(over.numerator) / static_cast<double>(over.denominator);
  return text_of(first) + " -> " + text_of(last) + " over " + text_of(length) + (over.in_epochs ? " epochs" : " steps");
}

bool looks_scheduled(std::string_view text) { return text.find(kArrow) != std::string_view::npos; }

std::optional<NumberSchedule> parse_number_schedule(std::string_view text) {
  if (!looks_scheduled(text)) return std::nullopt;
  const auto refusal = [&](const std::string& why) {
    return UsageError("'" + printable(text) + "' " + why + "; write it as in \"0.2 -> 0.01 over 2 epochs\"");
  };
  const std::size_t arrow = text.find(kArrow);
  const std::string_view rest = text.substr(arrow + kArrow.size());
  const std::size_t over = rest.find(kOver);
  if (over == std::string_view::npos) throw refusal("does not say over how many epochs or steps a number changes");
  NumberSchedule schedule;
  const auto read_end = [&](std::string_view end, const std::string& verb, double& number) {
    const std::optional<double> value = number_of(end);
    if (!value) throw refusal(verb + " with '" + printable(end) + "', which is not a number");
    number = *value;
  };
  read_end(trimmed(text.substr(0, arrow)), "begins", schedule.first);
  read_end(trimmed(rest.substr(0, over)), "ends", schedule.last);
  const std::string_view length = trimmed(rest.substr(over + kOver.size()));
  try {
    schedule.over = parse_length(length);
  } catch (const UsageError&) {
    throw refusal("changes over '" + printable(length) +
                  "', which is not a number of epochs or of whole steps, above 0 "
                  "and at most 1,000,000");
  }
  return schedule;
}

}  // namespace laconic
