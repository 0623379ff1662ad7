// random_gossip: the whole vector with probability p, else nothing (Koloskova et al. 2020, sec. 3). omega = p as it is;
// with `unbiased` the values are multiplied by 1 / p.
//
//   body := values | (nothing: the message is its first byte)
#include "base/error.h"
#include "compress/compressor.h"
#include "compress/dense.h"
#include "kernels/vector_ops.h"

namespace laconic {
namespace {

using namespace compress;

class RandomGossip final : public Compressor {
 public:
  RandomGossip(std::vector<std::size_t> groups, double probability, bool unbiased, std::unique_ptr<ValueFormat> format)
      : dense_(std::move(groups), std::move(format)), probability_(probability), unbiased_(unbiased) {}

  std::size_t prepare(std::span<const float> v, RandomStream& random) override {
    sent_ = random.uniform() < probability_;
    if (!sent_ || unbiased_) {
      if (!kernels::all_finite(v)) refuse_non_finite(v);
    }
    if (!sent_) return 1;
    if (!unbiased_) return dense_.prepare(v, random);
    scaled_ = scaled(v);
    if (!kernels::all_finite(scaled_))
      throw RunError(
          "compression: random_gossip: a value times 1/probability is beyond float32; training has diverged");
    return dense_.prepare(scaled_, random);
  }

  void write(std::span<std::byte> out) override {
    if (sent_) {
      dense_.write(out);
      return;
    }
    LACONIC_CHECK(out.size() == 1, out.size() << " bytes for a message of 1");
    out[0] = std::byte{form_byte(Body::kNothing, dense_.format())};
  }

  void decode_add(std::span<const std::byte> message, float weight, std::span<float> y) override {
    const std::byte nothing{form_byte(Body::kNothing, dense_.format())};
    if (message.size() == 1 && message[0] == nothing) return;
    dense_.decode_add(message, weight, y);
  }

  bool unbiased() const override { return unbiased_; }
  std::optional<double> omega(std::span<const float> v) const override {
    if (unbiased_) {
      const std::optional<double> moment = dense_.second_moment(scaled(v));
      return moment ? std::optional(2.0 - *moment / probability_) : std::nullopt;
    }
    const std::optional<double> of_values = dense_.omega(v);
    return of_values ? std::optional(probability_ * *of_values) : std::nullopt;
  }
  Information information() override { return sent_ ? dense_.information() : Information{}; }

 private:
  std::vector<float> scaled(std::span<const float> v) const {
    std::vector<float> values(v.begin(), v.end());
    kernels::scale(static_cast<float>(1.0 / probability_), values);
    return values;
  }

  DenseCompressor dense_;
  double probability_;
  bool unbiased_;
  bool sent_ = false;  // of the message prepared last
  std::vector<float> scaled_;
};

const std::vector<OptionSpec> kOptions = {{.name = "probability",
                                           .type = OptionType::kNumber,
                                           .default_value = "0.1",
                                           .minimum = 1e-9,
                                           .maximum = 1,
                                           .help = "probability of sending the vector"},
                                          scope_option(),
                                          unbiased_option("multiply the values by 1/probability"),
                                          values_option(),
                                          levels_option({"values", "qsgd"})};

CompressorFactory make(const Options& options, const Layout& layout) {
  const double probability = options.number("probability");
  const std::vector<std::size_t> groups = scope_groups(options, layout);
  const bool unbiased = options.flag("unbiased");
  values_of(options, unbiased);
  return [=] { return std::make_unique<RandomGossip>(groups, probability, unbiased, values_of(options, unbiased)); };
}

}  // namespace

extern const CompressorRow kRandomGossip;
const CompressorRow kRandomGossip = {.name = "random_gossip",
                                     .help = "the whole vector with a probability, else one byte",
                                     .source = "Koloskova et al. 2020, sec. 3",
                                     .options = kOptions,
                                     .skips_by_chance = true,
                                     .make = make};

}  // namespace laconic
