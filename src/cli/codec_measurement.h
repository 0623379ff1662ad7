// Measures one compression operator on one vector: what its messages lose, how long they are, how fast it is.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "compress/compressor.h"

namespace laconic {

struct CodecFigures {
  std::optional<double> omega;  // measured; unset for the zero vector
  double omega_error = 0.0;     // its standard error; NaN where the messages do not tell
  std::optional<double> proven;
  bool unbiased = false;
  double bytes = 0.0;         // of a message, mean
  double entropy_bits = 0.0;  // that the best code needs, mean
  // Of a message that carries something; unset where none does.
  std::optional<double> encode_seconds;
  std::optional<double> decode_seconds;
};

// Which messages are made.
struct CodecMessages {
  std::uint64_t seed = 1;
  // How many. Unset: what takes a moment, and where they differ as many more as it takes to know the mean omega to 5%,
  // within a bound of the work.
  std::optional<std::uint64_t> repetitions = {};
};

// `factory` makes operators for vectors of the size of `v`, which is finite and not empty. `by_chance`: a message may
// carry nothing by chance. All but the speeds is the same for the same seed. Throws what Compressor::prepare throws.
CodecFigures measure_codec(const CompressorFactory& factory, bool by_chance, std::span<const float> v,
                           const CodecMessages& messages);

}  // namespace laconic
