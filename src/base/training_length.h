// Lengths of training as job files write them.
#pragma once

#include <cstdint>
#include <string_view>

namespace laconic {

// A length of training, in steps or in epochs: numerator / denominator of the unit, in lowest terms, above 0.
struct TrainingLength {
  bool in_epochs = false;
  std::uint64_t numerator = 1;
  std::uint64_t denominator = 1;

  // The same in steps, as a fraction, where an epoch has samples / samples_per_step steps.
  struct Steps {
    std::uint64_t numerator = 1;
    std::uint64_t denominator = 1;
    std::uint64_t rounded_up() const { return (numerator + denominator - 1) / denominator; }
  };
  Steps in_steps(std::uint64_t samples, std::uint64_t samples_per_step) const;
};

// A number of epochs, from 0 to 1e6 and cut to six decimals, or of steps. Throws UsageError, "not above 0", for one
// that is 0.
TrainingLength length_of(double number, bool in_epochs);

// "2 epochs", "0.5 epochs", "100 steps"; singular and plural alike. Throws UsageError that quotes the text.
TrainingLength parse_length(std::string_view text);

}  // namespace laconic
