// How values travel: float32, fewer bits, or only signs. One file a format; each is an operator of its own on dense
// vectors, and what a sparsifier may send its values as.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/byte_stream.h"
#include "kernels/quantise.h"

namespace laconic::compress {

// Sizes of consecutive runs of values that have a scale of their own; their sum is the number of values.
using Groups = std::span<const std::size_t>;

// Calls visit(group, begin, end) for each part of a group that lies in the range of values it is asked for. Ranges are
// asked for in ascending order.
class GroupWalk {
 public:
  explicit GroupWalk(Groups groups) : groups_(groups) {}
  template <typename Visit>
  void visit(std::size_t begin, std::size_t end, const Visit& visit) {
    while (begin < end) {
      while (group_start_ + groups_[group_] <= begin) group_start_ += groups_[group_++];
      const std::size_t stop = std::min(end, group_start_ + groups_[group_]);
      visit(group_, begin, stop);
      begin = stop;
    }
  }

 private:
  Groups groups_;
  std::size_t group_ = 0;
  std::size_t group_start_ = 0;
};

// An object holds options and scratch, no state.
class ValueFormat {
 public:
  virtual ~ValueFormat() = default;

  // In the first byte of a message; below 16.
  virtual std::uint8_t id() const = 0;

  // Whole vectors. Where the size follows from the number of values and groups alone it is dense_size(), and
  // write_dense() fills that many bytes at memory speed; elsewhere dense_size() is unset and append() serves.
  // Both return whether all values are finite; if not, what they wrote is of no use.
  virtual std::optional<std::size_t> dense_size(std::size_t count, Groups groups) const = 0;
  virtual bool write_dense(std::span<const float> values, Groups groups, std::span<std::byte> out) const = 0;
  // Throws DecodeError unless `in` goes on with such a message for `count` values, all finite; reads it.
  virtual void check_dense(ByteReader& in, std::size_t count, Groups groups) = 0;
  // y += weight * values, straight from a message that check_dense() passed.
  virtual void add_dense(ByteReader& in, Groups groups, float weight, std::span<float> y) = 0;

  // Lists of values that a sparsifier chose: time and size go with their number.
  virtual bool append(std::span<const float> values, Groups groups, kernels::NoiseKey key, ByteWriter& out) = 0;
  // Throws DecodeError for bytes that are no such list, or hold a value that is not finite.
  virtual void read(ByteReader& in, Groups groups, std::span<float> values) = 0;

  // Whether the expectation of what is decoded is the value, but for the rounding of float32 and what a format says of
  // the ends of its range.
  virtual bool unbiased() const = 0;
  // A proven bound with E||Q(x) - x||^2 <= (1 - omega) ||x||^2 for these values.
  virtual double omega(std::span<const float> values, Groups groups) const = 0;
  // The same when `count` of the values, drawn evenly, are a vector: E over draws too, of the drawn part of x.
  virtual double subset_omega(std::span<const float> values, std::size_t count) const {
    static_cast<void>(count);
    const std::size_t whole = values.size();
    return omega(values, Groups(&whole, 1));
  }
  // For unbiased formats and such draws (or all values): a proven bound with E||Q(y)||^2 <= second_moment E||y||^2 for
  // the drawn y. Unset where none is known; that is where the format is biased on these values.
  virtual std::optional<double> second_moment(std::span<const float> values, std::size_t count) const {
    static_cast<void>(values);
    static_cast<void>(count);
    return std::nullopt;
  }
  // Bits that a code of the values by the zero-order entropy of their symbols (levels; exponents and what follows them
  // in full) would need.
  virtual double entropy_bits(std::span<const float> values, Groups groups, kernels::NoiseKey key) = 0;
};

// One row a format, in the order of their ids.
struct ValueFormatRow {
  std::string_view name;
  // `unbiased` as in the option of that name; where the format cannot be, the operator refuses the option.
  std::unique_ptr<ValueFormat> (*make)(std::uint32_t levels, bool unbiased);
};
std::span<const ValueFormatRow> value_formats();

// Defined in the files of the formats.
std::unique_ptr<ValueFormat> make_float32(std::uint32_t levels, bool unbiased);
std::unique_ptr<ValueFormat> make_float16(std::uint32_t levels, bool unbiased);
std::unique_ptr<ValueFormat> make_bfloat16(std::uint32_t levels, bool unbiased);
std::unique_ptr<ValueFormat> make_sign(std::uint32_t levels, bool unbiased);
std::unique_ptr<ValueFormat> make_qsgd(std::uint32_t levels, bool unbiased);
std::unique_ptr<ValueFormat> make_natural(std::uint32_t levels, bool unbiased);

}  // namespace laconic::compress
