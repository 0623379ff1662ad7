// What the messages of all operators share: the first byte, scopes and groups, the options of values, and the refusal
// of vectors that are not finite.
//
//   message := form body
//   form    := u8        low 4 bits: Body, high 4 bits: id of the value format
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/byte_stream.h"
#include "base/layout.h"
#include "base/options.h"
#include "base/random.h"
#include "compress/value_format.h"

namespace laconic::compress {

enum class Body : std::uint8_t {
  kDense,    // all values
  kSet,      // a set of indices, then their values
  kDrawn,    // the seed that the indices were drawn from, then their values
  kNothing,  // nothing was sent
  kLowRank,  // two factors of every matrix
};

std::uint8_t form_byte(Body body, const ValueFormat& format);
// Reads the first byte. Throws DecodeError unless it is that of `body`.
void expect_form(ByteReader& in, Body body, const ValueFormat& format);

// Options that operators share. scope = "tensor": each tensor of the layout is a vector of its own; "model": all of
// them together are one.
OptionSpec scope_option();
OptionSpec unbiased_option(std::string_view help);
OptionSpec levels_option(OptionSpec::Condition only_with);
// `values` and `levels`: the format of the values that a sparsifier chose.
OptionSpec values_option();

// The sizes of the vectors; none is 0.
std::vector<std::size_t> scope_groups(const Options& options, const Layout& layout);

// The value format that the options `values` and `levels` of a sparsifier ask for. With `unbiased` throws UsageError
// for a format that cannot be.
std::unique_ptr<ValueFormat> values_of(const Options& options, bool unbiased);

kernels::NoiseKey draw_key(RandomStream& random);

// Throws RunError that names the first element of `v` that is infinite or NaN, or says that it is beyond a format's
// range.
[[noreturn]] void refuse_non_finite(std::span<const float> v);

}  // namespace laconic::compress
