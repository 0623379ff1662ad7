#include "base/training_length.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>
#include <string>

#include "base/error.h"

namespace laconic {

TrainingLength::Steps TrainingLength::in_steps(std::uint64_t samples, std::uint64_t samples_per_step) const {
  if (!in_epochs) return {.numerator = numerator, .denominator = denominator};
  const std::uint64_t steps_divisor = std::gcd(samples, samples_per_step);
  const std::uint64_t a = std::gcd(samples / steps_divisor, denominator);
  const std::uint64_t b = std::gcd(numerator, samples_per_step / steps_divisor);
  return {.numerator = samples / steps_divisor / a * (numerator / b),
          .denominator = samples_per_step / steps_divisor / b * (denominator / a)};
}

TrainingLength length_of(double number, bool in_epochs) {
  constexpr std::uint64_t kScale = 1'000'000;
  const auto scaled = static_cast<std::uint64_t>(std::llround(number * static_cast<double>(kScale)));
  if (scaled == 0) throw UsageError("not above 0");
  const std::uint64_t divisor = std::gcd(scaled, kScale);
  return {.in_epochs = in_epochs, .numerator = scaled / divisor, .denominator = kScale / divisor};
}

TrainingLength parse_length(std::string_view text) {
  const char* end = text.data() + text.size();
  double number = 0.0;
  const auto result = std::from_chars(text.data(), end, number);
  const std::string unit = result.ec == std::errc{} ? std::string(static_cast<const char*>(result.ptr), end) : "";
  const std::size_t word = std::min(unit.find_first_not_of(' '), unit.size());
  const std::string name = unit.substr(word);
  const bool epochs = name == "epoch" || name == "epochs";
  const bool steps = name == "step" || name == "steps";
  const bool possible = number > 0.0 && number <= 1e6 && (epochs || (steps && number == std::floor(number)));
  if (!possible) {
    throw UsageError("'" + std::string(text) +
                     "' is not a number of epochs or steps, such as \"1 epoch\" or \"100 steps\"");
  }
  return length_of(number, epochs);
}

}  // namespace laconic
