#include "compress/sparse.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "base/error.h"
#include "compress/index_set.h"
#include "kernels/select.h"

namespace laconic::compress {

SparseCompressor::SparseCompressor(std::vector<std::size_t> groups, std::unique_ptr<ValueFormat> format, Body body)
    : groups_(std::move(groups)),
      format_(std::move(format)),
      body_(body),
      size_(std::accumulate(groups_.begin(), groups_.end(), std::size_t{0})) {}

std::vector<std::size_t> SparseCompressor::counts(std::span<const std::uint32_t> indices) const {
  if (groups_.size() == 1) return {indices.size()};
  std::vector<std::size_t> counts;
  std::size_t end = 0;
  auto from = indices.begin();
  for (const std::size_t group : groups_) {
    end += group;
    const auto to = std::lower_bound(from, indices.end(), end);
    counts.push_back(static_cast<std::size_t>(to - from));
    from = to;
  }
  return counts;
}

void SparseCompressor::append_support(std::span<const std::uint32_t> indices, ByteWriter& out) const {
  append_set(indices, size_, out);
}

void SparseCompressor::read_support(ByteReader& in, std::vector<std::uint32_t>& indices) const {
  read_set(in, size_, indices);
}

void SparseCompressor::check_counts(ByteReader&, std::span<const std::size_t>) const {}

double SparseCompressor::support_bits(std::span<const std::size_t> counts) const {
  return set_entropy_bits(size_, std::accumulate(counts.begin(), counts.end(), std::size_t{0}));
}

std::size_t SparseCompressor::prepare(std::span<const float> v, RandomStream& random) {
  LACONIC_CHECK(v.size() == size_, v.size() << " elements for " << size_);
  selection_.indices.clear();
  selection_.values.clear();
  key_ = draw_key(random);
  choose(v, random, selection_);
  message_.clear();
  message_.u8(form_byte(body_, *format_));
  append_support(selection_.indices, message_);
  if (!format_->append(selection_.values, counts(selection_.indices), key_, message_)) refuse_non_finite(v);
  return message_.size();
}

void SparseCompressor::write(std::span<std::byte> out) {
  LACONIC_CHECK(out.size() == message_.size(), out.size() << " bytes for a message of " << message_.size());
  std::memcpy(out.data(), message_.bytes().data(), out.size());
}

void SparseCompressor::decode_add(std::span<const std::byte> message, float weight, std::span<float> y) {
  LACONIC_CHECK(y.size() == size_, y.size() << " elements for " << size_);
  ByteReader in(message, "compressed vector");
  expect_form(in, body_, *format_);
  read_support(in, read_indices_);
  read_values_.resize(read_indices_.size());
  const std::vector<std::size_t> in_groups = counts(read_indices_);
  check_counts(in, in_groups);
  format_->read(in, in_groups, read_values_);
  in.expect_end();
  kernels::scatter_add(read_indices_, read_values_, weight, y);
}

Compressor::Information SparseCompressor::information() {
  const std::vector<std::size_t> in_groups = counts(selection_.indices);
  return {selection_.indices.size(),
          support_bits(in_groups) + format_->entropy_bits(selection_.values, in_groups, key_)};
}

namespace {

std::size_t kept_by(double ratio, std::size_t group) {
  const auto kept = static_cast<std::size_t>(std::floor(ratio * static_cast<double>(group)));
  return std::clamp<std::size_t>(kept, 1, group);
}

}  // namespace

OptionSpec ratio_option() {
  return {.name = "ratio",
          .type = OptionType::kNumber,
          .default_value = "0.01",
          .minimum = 0,
          .maximum = 1,
          .help = "fraction of the coordinates that is sent, rounded down, at least one"};
}

OptionSpec k_option() {
  return {.name = "k",
          .type = OptionType::kInteger,
          .default_value = "0",
          .minimum = 0,
          .maximum = 4294967295.0,
          .help = "number of coordinates that is sent, instead of ratio; 0: by ratio"};
}

std::vector<std::size_t> kept_of(const Options& options, Groups groups) {
  const std::uint64_t k = options.integer("k");
  if (k > 0 && options.given("ratio")) {
    throw UsageError(options.place("k") + ": k and ratio are both given; leave one of them out");
  }
  const double ratio = options.number("ratio");
  if (k == 0 && ratio == 0.0)
    throw UsageError(options.place("ratio") + ": with 0 nothing is sent; give a number in (0, 1]");
  std::vector<std::size_t> kept;
  for (const std::size_t group : groups)
    kept.push_back(k > 0 ? std::min<std::size_t>(k, group) : kept_by(ratio, group));
  return kept;
}

OptionSpec scheduled_ratio_option() {
  OptionSpec option = ratio_option();
  option.scheduled = true;
  return option;
}

KeptSchedule::KeptSchedule(const Options& options, Groups groups)
    : groups_(groups.begin(), groups.end()), last_(kept_of(options, groups)) {
  const NumberSchedule* const ratio = options.schedule("ratio");
  if (ratio == nullptr || options.integer("k") > 0) return;
  if (ratio->first == 0.0) {
    throw UsageError(options.place("ratio") + ": with 0 nothing is sent; give numbers in (0, 1]");
  }
  ratio_ = *ratio;
}

std::vector<std::size_t> KeptSchedule::at(std::uint64_t step) const {
  if (!ratio_) return last_;
  const double ratio = ratio_->at(step);
  std::vector<std::size_t> kept;
  for (const std::size_t group : groups_) kept.push_back(kept_by(ratio, group));
  return kept;
}

KeptSchedule::Range KeptSchedule::range(std::size_t group) const {
  const std::size_t last = last_[group];
  const std::size_t first = ratio_ ? kept_by(ratio_->first, groups_[group]) : last;
  return {std::min(first, last), std::max(first, last)};
}

}  // namespace laconic::compress
