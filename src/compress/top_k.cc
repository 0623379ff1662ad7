// top_k: the k largest magnitudes of each vector, exactly (Alistarh et al. 2018; Koloskova et al. 2020, sec. 3). Of
// equal magnitudes the lower index goes first. omega >= k / d, biased.
//
//   ratio, k -> kept      values -> how they travel
//
// A ratio may change over the run, so that messages are long while models learn fast.
//
// Selection is one pass over the vector and work that goes with k. A sample gives a magnitude that the k-th largest is
// hardly below; what is at or above it is collected in the pass; the k-th largest is then found among the collected. A
// sample that misled, in either direction, costs further passes and never the result. An infinity or NaN is above every
// other magnitude and so is always found among the collected.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "compress/compressor.h"
#include "compress/index_set.h"
#include "compress/sparse.h"
#include "kernels/select.h"
#include "kernels/vector_ops.h"

namespace laconic {
namespace {

using namespace compress;

constexpr std::size_t kSampleRun = 16;  // consecutive elements: one cache line
constexpr std::size_t kSmall = 8192;    // vectors that are not worth a sample

// A magnitude that k of the elements of `x` probably reach, a little below the k-th largest.
std::uint32_t probable_bound(std::span<const float> x, std::size_t k) {
  const std::size_t runs = std::clamp<std::size_t>(x.size() / 1024, 256, 4096);
  const std::size_t stride = x.size() / runs;
  std::vector<float> sample(runs * kSampleRun);
  for (std::size_t run = 0; run < runs; ++run) {
    std::copy_n(x.begin() + static_cast<std::ptrdiff_t>(run * stride), kSampleRun,
                sample.begin() + static_cast<std::ptrdiff_t>(run * kSampleRun));
  }
  const double expected = static_cast<double>(k) / static_cast<double>(x.size()) * static_cast<double>(sample.size());
  // Neighbours are alike in real models, so the spread is taken larger than that of independent draws.
  const auto rank = static_cast<std::size_t>(expected + 6.0 * std::sqrt(expected) + 8.0);
  if (rank >= sample.size()) return 0;
  return kernels::kth_magnitude(sample, rank).threshold;
}

class TopK final : public SparseCompressor {
 public:
  TopK(std::vector<std::size_t> groups, KeptSchedule schedule, std::unique_ptr<ValueFormat> format)
      : SparseCompressor(std::move(groups), std::move(format)),
        schedule_(std::move(schedule)),
        kept_(schedule_.at(0)) {}

  void begin_step(std::uint64_t step) override { kept_ = schedule_.at(step); }
  std::uint64_t changes_until() const override { return schedule_.changes_until(); }

  bool unbiased() const override { return false; }

  std::optional<double> omega(std::span<const float> v) const override {
    Selection selection;
    select(v, selection);
    // What the format loses is lost of what is kept: ||C(v) - v||^2 = ||v||^2 - omega_format ||kept||^2 in expectation.
    // k/d of the squares are kept at least; where the format makes matters worse, it does so with all that is kept.
    const double of_format = format().omega(selection.values, kept_);
    double kept_squares = of_format < 0.0 ? kernels::squared_norm(selection.values) : 0.0;
    double squares = 0.0;
    std::size_t begin = 0;
    for (std::size_t g = 0; g < groups().size(); ++g) {
      const double mass = kernels::mass(v.subspan(begin, groups()[g])).squared;
      squares += mass;
      if (of_format >= 0.0) kept_squares += mass * static_cast<double>(kept_[g]) / static_cast<double>(groups()[g]);
      begin += groups()[g];
    }
    if (squares == 0.0) return 1.0;
    return kept_squares / squares * of_format;
  }

 protected:
  void choose(std::span<const float> v, RandomStream&, Selection& selection) override { select(v, selection); }

  void check_counts(ByteReader& in, std::span<const std::size_t> counts) const override {
    for (std::size_t g = 0; g < counts.size(); ++g) {
      const auto [fewest, most] = schedule_.range(g);
      if (counts[g] >= fewest && counts[g] <= most) continue;
      in.fail(std::to_string(counts[g]) + " values of vector " + std::to_string(g) + " instead of " +
              std::to_string(fewest) + (most > fewest ? " to " + std::to_string(most) : std::string()) +
              "; all nodes need the same operator and options");
    }
  }

  double support_bits(std::span<const std::size_t> counts) const override {
    double bits = 0.0;
    for (std::size_t g = 0; g < counts.size(); ++g) bits += set_entropy_bits(groups()[g], counts[g]);
    return bits;
  }

 private:
  void select(std::span<const float> v, Selection& selection) const {
    std::size_t begin = 0;
    for (std::size_t g = 0; g < groups().size(); ++g) {
      select_group(v.subspan(begin, groups()[g]), kept_[g], static_cast<std::uint32_t>(begin), selection);
      begin += groups()[g];
    }
  }

  // Appends the k largest of `x`, whose first index is `first`.
  void select_group(std::span<const float> x, std::size_t k, std::uint32_t first, Selection& selection) const {
    const std::size_t capacity = std::min(x.size(), 2 * k + 4096);
    if (indices_.size() < capacity) {
      indices_.resize(capacity);
      values_.resize(capacity);
    }
    const std::span<std::uint32_t> indices = indices_;
    const std::span<float> values = values_;
    const auto collect = [&](std::uint32_t bound) {
      return kernels::collect_at_least(x, bound, first, indices.first(capacity), values);
    };
    const auto keep = [&](std::size_t collected, const kernels::KthMagnitude& kth) {
      return kernels::keep_above(kth.threshold, k - kth.above, indices.first(collected), values.first(collected));
    };
    std::size_t collected = x.size() <= kSmall ? 0 : collect(probable_bound(x, k));
    if (collected >= k && collected <= capacity) {
      collected = keep(collected, kernels::kth_magnitude(values.first(collected), k));
    } else {
      const kernels::KthMagnitude kth = kernels::kth_magnitude(x, k);
      collected = collect(kth.threshold);
      // Where ties are too many for the room, one after another.
      collected =
          collected <= capacity ? keep(collected, kth) : collect_exactly(x, kth, k - kth.above, first, indices, values);
    }
    LACONIC_CHECK(collected == k, collected << " of " << k << " largest");
    selection.indices.insert(selection.indices.end(), indices.begin(),
                             indices.begin() + static_cast<std::ptrdiff_t>(k));
    selection.values.insert(selection.values.end(), values.begin(), values.begin() + static_cast<std::ptrdiff_t>(k));
  }

  static std::size_t collect_exactly(std::span<const float> x, const kernels::KthMagnitude& kth, std::size_t ties,
                                     std::uint32_t first, std::span<std::uint32_t> indices, std::span<float> values) {
    std::size_t count = 0;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const std::uint32_t magnitude = kernels::magnitude_bits(x[j]);
      if (magnitude < kth.threshold || (magnitude == kth.threshold && ties == 0)) continue;
      if (magnitude == kth.threshold) --ties;
      indices[count] = first + static_cast<std::uint32_t>(j);
      values[count++] = x[j];
    }
    return count;
  }

  KeptSchedule schedule_;
  std::vector<std::size_t> kept_;               // of the step under way
  mutable std::vector<std::uint32_t> indices_;  // scratch: what was collected
  mutable std::vector<float> values_;
};

const std::vector<OptionSpec> kOptions = {scheduled_ratio_option(), k_option(), scope_option(), values_option(),
                                          levels_option({"values", "qsgd"})};

CompressorFactory make(const Options& options, const Layout& layout) {
  const std::vector<std::size_t> groups = scope_groups(options, layout);
  const KeptSchedule schedule(options, groups);
  values_of(options, false);
  return [=] { return std::make_unique<TopK>(groups, schedule, values_of(options, false)); };
}

}  // namespace

extern const CompressorRow kTopK;
const CompressorRow kTopK = {.name = "top_k",
                             .help = "the k largest magnitudes, exactly",
                             .source = "Alistarh et al. 2018; Koloskova et al. 2020, sec. 3",
                             .options = kOptions,
                             .make = make};

}  // namespace laconic
