// random_k: k coordinates of each vector, every subset equally likely (Stich et al. 2018; Koloskova et al. 2020, sec.
// 3). omega = k / d as they are; with `unbiased` the values are multiplied by d / k.
//
//   support := seed      u64; the indices follow from it, so that only values travel
//
// The indices of vector g are drawn from the stream ("random_k", g) of that seed: values below d_g one after the other,
// those drawn before left out, until there are k.
#include <algorithm>
#include <array>
#include <bit>

#include "base/error.h"
#include "compress/compressor.h"
#include "compress/sparse.h"
#include "kernels/vector_ops.h"

namespace laconic {
namespace {

using namespace compress;

// Sorts values below 2^bits. Three passes over 11 bits at most.
void radix_sort(std::vector<std::uint32_t>& values, unsigned bits) {
  constexpr unsigned kDigit = 11;
  std::vector<std::uint32_t> scratch(values.size());
  for (unsigned shift = 0; shift < bits; shift += kDigit) {
    std::array<std::uint32_t, (1U << kDigit) + 1> starts{};
    constexpr std::uint32_t kMask = (1U << kDigit) - 1;
    for (const std::uint32_t value : values) ++starts[((value >> shift) & kMask) + 1];
    for (std::size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
    for (const std::uint32_t value : values) scratch[starts[(value >> shift) & kMask]++] = value;
    values.swap(scratch);
  }
}

// The first `count` distinct values below `bound` that the stream gives, ascending: for sets that are sparse.
std::vector<std::uint32_t> draw_few(RandomStream& stream, std::size_t count, std::size_t bound) {
  std::vector<std::uint32_t> drawn;
  std::vector<std::uint32_t> fresh;
  while (drawn.size() < count) {
    fresh.clear();
    for (std::size_t missing = count - drawn.size(); missing > 0; --missing)
      fresh.push_back(static_cast<std::uint32_t>(stream.below(bound)));
    radix_sort(fresh, static_cast<unsigned>(std::bit_width(bound - 1)));
    const auto old = static_cast<std::ptrdiff_t>(drawn.size());
    drawn.insert(drawn.end(), fresh.begin(), fresh.end());
    std::inplace_merge(drawn.begin(), drawn.begin() + old, drawn.end());
    drawn.erase(std::unique(drawn.begin(), drawn.end()), drawn.end());
  }
  return drawn;
}

// `count` distinct values below `bound`, ascending, every subset equally likely: draws that came before are left out
// until there are enough, of the members or of the others, whichever are fewer. In time proportional to `count`.
std::vector<std::uint32_t> draw_subset(RandomStream& stream, std::size_t count, std::size_t bound) {
  constexpr std::size_t kWord = 64;
  if (count < bound / kWord) return draw_few(stream, count, bound);
  const bool draw_others = count > bound / 2;
  std::vector<std::uint64_t> bits((bound + kWord - 1) / kWord, 0);
  for (std::size_t missing = draw_others ? bound - count : count; missing > 0;) {
    const std::uint64_t value = stream.below(bound);
    const std::uint64_t bit = std::uint64_t{1} << value % kWord;
    if ((bits[value / kWord] & bit) != 0) continue;
    bits[value / kWord] |= bit;
    --missing;
  }
  std::vector<std::uint32_t> subset;
  subset.reserve(count);
  for (std::size_t i = 0; i < bits.size(); ++i) {
    std::uint64_t word = draw_others ? ~bits[i] : bits[i];
    if (draw_others && i + 1 == bits.size() && bound % kWord != 0) word &= (std::uint64_t{1} << bound % kWord) - 1;
    for (; word != 0; word &= word - 1)
      subset.push_back(static_cast<std::uint32_t>(i * kWord + static_cast<unsigned>(std::countr_zero(word))));
  }
  return subset;
}

class RandomK final : public SparseCompressor {
 public:
  RandomK(std::vector<std::size_t> groups, std::vector<std::size_t> kept, bool unbiased,
          std::unique_ptr<ValueFormat> format)
      : SparseCompressor(std::move(groups), std::move(format), Body::kDrawn),
        kept_(std::move(kept)),
        unbiased_(unbiased) {}

  bool unbiased() const override { return unbiased_; }

  std::optional<double> omega(std::span<const float> v) const override {
    // Per vector: k/d of its squares are kept, in expectation, whatever the values; a scaled vector has the second
    // moment d/k. What the format loses of the kept is, in expectation, what it loses of the whole (Jensen's inequality
    // for the scale of signs).
    double kept_squares = 0.0;
    double moment = 0.0;
    double squares = 0.0;
    std::size_t begin = 0;
    for (std::size_t g = 0; g < groups().size(); ++g) {
      const std::span<const float> x = v.subspan(begin, groups()[g]);
      const double mass = kernels::mass(x).squared;
      const double density = static_cast<double>(kept_[g]) / static_cast<double>(groups()[g]);
      squares += mass;
      if (unbiased_) {
        std::vector<float> scaled(x.begin(), x.end());
        kernels::scale(static_cast<float>(1.0 / density), scaled);
        const std::optional<double> of_format = format().second_moment(scaled, kept_[g]);
        if (!of_format) return std::nullopt;
        moment += mass / density * *of_format;
      } else if (mass > 0.0) {
        kept_squares += mass * density * format().subset_omega(x, kept_[g]);
      }
      begin += groups()[g];
    }
    if (squares == 0.0) return 1.0;
    return unbiased_ ? 2.0 - moment / squares : kept_squares / squares;
  }

 protected:
  void choose(std::span<const float> v, RandomStream& random, Selection& selection) override {
    if (!kernels::all_finite(v)) refuse_non_finite(v);
    seed_ = random();
    draw(seed_, selection.indices);
    selection.values.reserve(selection.indices.size());
    for (const std::uint32_t index : selection.indices) selection.values.push_back(v[index]);
    if (!unbiased_) return;
    std::size_t begin = 0;
    for (std::size_t g = 0; g < kept_.size(); ++g) {
      const double factor = static_cast<double>(groups()[g]) / static_cast<double>(kept_[g]);
      kernels::scale(static_cast<float>(factor), std::span(selection.values).subspan(begin, kept_[g]));
      begin += kept_[g];
    }
    if (!kernels::all_finite(selection.values))
      throw RunError("compression: random_k: a value times d/k is beyond float32; training has diverged");
  }

  void append_support(std::span<const std::uint32_t>, ByteWriter& out) const override { out.u64(seed_); }
  void read_support(ByteReader& in, std::vector<std::uint32_t>& indices) const override {
    const std::uint64_t seed = in.u64();
    indices.clear();
    draw(seed, indices);
  }
  double support_bits(std::span<const std::size_t>) const override { return 0.0; }

 private:
  void draw(std::uint64_t seed, std::vector<std::uint32_t>& indices) const {
    std::size_t begin = 0;
    for (std::size_t g = 0; g < groups().size(); ++g) {
      RandomStream stream(seed, "random_k", {g});
      for (const std::uint32_t index : draw_subset(stream, kept_[g], groups()[g]))
        indices.push_back(static_cast<std::uint32_t>(begin) + index);
      begin += groups()[g];
    }
  }

  std::vector<std::size_t> kept_;
  bool unbiased_;
  std::uint64_t seed_ = 0;  // of the selection made last
};

const std::vector<OptionSpec> kOptions = {ratio_option(),
                                          k_option(),
                                          scope_option(),
                                          unbiased_option("multiply the values by d/k, so that the expectation is the "
                                                          "vector"),
                                          values_option(),
                                          levels_option({"values", "qsgd"})};

CompressorFactory make(const Options& options, const Layout& layout) {
  const std::vector<std::size_t> groups = scope_groups(options, layout);
  const std::vector<std::size_t> kept = kept_of(options, groups);
  const bool unbiased = options.flag("unbiased");
  values_of(options, unbiased);
  return [=] { return std::make_unique<RandomK>(groups, kept, unbiased, values_of(options, unbiased)); };
}

}  // namespace

extern const CompressorRow kRandomK;
const CompressorRow kRandomK = {.name = "random_k",
                                .help = "k random coordinates; their indices follow from a seed of 8 bytes",
                                .source = "Stich et al. 2018; Koloskova et al. 2020, sec. 3",
                                .options = kOptions,
                                .make = make};

}  // namespace laconic
