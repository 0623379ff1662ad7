// threshold: every coordinate whose magnitude is at least `threshold` (Dutta et al. 2020, hard threshold). How many
// that are depends on the data: the absolute error is bounded, ||C(v) - v||^2 <= (d - k) threshold^2, and omega is not.
// Biased.
#include <algorithm>
#include <cmath>
#include <limits>

#include "compress/compressor.h"
#include "compress/sparse.h"
#include "kernels/select.h"

namespace laconic {
namespace {

using namespace compress;

class Threshold final : public SparseCompressor {
 public:
  Threshold(std::vector<std::size_t> groups, float threshold, std::unique_ptr<ValueFormat> format)
      : SparseCompressor(std::move(groups), std::move(format)), bits_(kernels::magnitude_bits(threshold)) {}

  bool unbiased() const override { return false; }
  std::optional<double> omega(std::span<const float>) const override { return std::nullopt; }

 protected:
  void choose(std::span<const float> v, RandomStream&, Selection& selection) override {
    std::size_t capacity = std::min(v.size(), std::max<std::size_t>(capacity_, 1024));
    while (true) {
      selection.indices.resize(capacity);
      selection.values.resize(capacity);
      const std::size_t count = kernels::collect_at_least(v, bits_, 0, selection.indices, selection.values);
      if (count > capacity) {
        capacity = std::min(v.size(), 4 * capacity);
        continue;
      }
      capacity_ = 2 * count;
      selection.indices.resize(count);
      selection.values.resize(count);
      break;
    }
  }

 private:
  std::uint32_t bits_;
  std::size_t capacity_ = 0;  // a guess from the vector before; decides nothing but memory
};

constexpr std::string_view kBound = "threshold";

const std::vector<OptionSpec> kOptions = {{.name = kBound,
                                           .type = OptionType::kNumber,
                                           .required = true,
                                           .minimum = 0,
                                           .maximum = std::numeric_limits<float>::max(),
                                           .help = "the smallest magnitude that is sent"},
                                          scope_option(),
                                          values_option(),
                                          levels_option({"values", "qsgd"})};

CompressorFactory make(const Options& options, const Layout& layout) {
  const std::vector<std::size_t> groups = scope_groups(options, layout);
  values_of(options, false);
  return [=] {
    return std::make_unique<Threshold>(groups, static_cast<float>(options.number(kBound)), values_of(options, false));
  };
}

}  // namespace

extern const CompressorRow kThreshold;
const CompressorRow kThreshold = {.name = "threshold",
                                  .help = "every magnitude at or above a threshold",
                                  .source = "Dutta et al. 2020",
                                  .options = kOptions,
                                  .depends_on_scale = true,
                                  .magnitude_option = kBound,
                                  .make = make};

}  // namespace laconic
