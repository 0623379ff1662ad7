// What operators that send some of the values share.
//
//   body := support values
#pragma once

#include <memory>
#include <vector>

#include "compress/compressor.h"
#include "compress/message.h"

namespace laconic::compress {

// The chosen coordinates, ascending, and their values.
struct Selection {
  std::vector<std::uint32_t> indices;
  std::vector<float> values;
};

class SparseCompressor : public Compressor {
 public:
  // `groups`: the vectors that are chosen from; the values of each have scales of their own.
  SparseCompressor(std::vector<std::size_t> groups, std::unique_ptr<ValueFormat> format, Body body = Body::kSet);

  std::size_t prepare(std::span<const float> v, RandomStream& random) final;
  void write(std::span<std::byte> out) final;
  void decode_add(std::span<const std::byte> message, float weight, std::span<float> y) final;
  Information information() final;

 protected:
  // Fills `selection` (empty) with what is sent of `v`: with it every infinity and NaN, or refuses `v` itself.
  virtual void choose(std::span<const float> v, RandomStream& random, Selection& selection) = 0;
  // The support as a set of indices. Operators whose receivers know it otherwise replace both.
  virtual void append_support(std::span<const std::uint32_t> indices, ByteWriter& out) const;
  virtual void read_support(ByteReader& in, std::vector<std::uint32_t>& indices) const;
  // Throws DecodeError when a message cannot have that many values of each group.
  virtual void check_counts(ByteReader& in, std::span<const std::size_t> counts) const;
  // Bits of the best code of the support.
  virtual double support_bits(std::span<const std::size_t> counts) const;

  Groups groups() const { return groups_; }
  std::size_t size() const { return size_; }
  const ValueFormat& format() const { return *format_; }
  // How many of the ascending indices lie in each group.
  std::vector<std::size_t> counts(std::span<const std::uint32_t> indices) const;

 private:
  std::vector<std::size_t> groups_;
  std::unique_ptr<ValueFormat> format_;
  Body body_;
  std::size_t size_ = 0;  // d
  Selection selection_;
  kernels::NoiseKey key_;
  ByteWriter message_;
  std::vector<std::uint32_t> read_indices_;
  std::vector<float> read_values_;
};

// How many coordinates an operator sends of each group: `k`, or `ratio` of them rounded down; at least 1, at most all.
OptionSpec ratio_option();
OptionSpec k_option();
std::vector<std::size_t> kept_of(const Options& options, Groups groups);

// The same where the ratio may be a schedule.
OptionSpec scheduled_ratio_option();
class KeptSchedule {
 public:
  // Throws UsageError as kept_of() does.
  KeptSchedule(const Options& options, Groups groups);

  // Of each group at a step, counted from 0.
  std::vector<std::size_t> at(std::uint64_t step) const;
  std::uint64_t changes_until() const { return ratio_ ? ratio_->steps() : 0; }
  // The fewest and the most of a group in a run.
  struct Range {
    std::size_t fewest = 0;
    std::size_t most = 0;
  };
  Range range(std::size_t group) const;

 private:
  std::vector<std::size_t> groups_;
  std::vector<std::size_t> last_;  // where nothing changes: always
  std::optional<NumberSchedule> ratio_;
};

}  // namespace laconic::compress
