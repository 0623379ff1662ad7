#include "compress/message.h"

#include <cmath>
#include <string>

#include "base/error.h"

namespace laconic::compress {

std::uint8_t form_byte(Body body, const ValueFormat& format) {
  return static_cast<std::uint8_t>(static_cast<unsigned>(body) | unsigned{format.id()} << 4);
}

void expect_form(ByteReader& in, Body body, const ValueFormat& format) {
  const std::uint8_t form = in.u8();
  if (form != form_byte(body, format))
    in.fail("form " + std::to_string(form) + " instead of " + std::to_string(form_byte(body, format)) +
            ": another operator's message; all nodes need the same operator and options");
}

OptionSpec scope_option() {
  return {.name = "scope",
          .type = OptionType::kChoice,
          .default_value = "tensor",
          .choices = {"tensor", "model"},
          .help = "what is compressed as one vector: each tensor, or the whole model"};
}

OptionSpec unbiased_option(std::string_view help) {
  return {.name = "unbiased", .type = OptionType::kFlag, .default_value = "false", .help = help};
}

OptionSpec levels_option(OptionSpec::Condition only_with) {
  return {.name = "levels",
          .type = OptionType::kInteger,
          .default_value = "15",
          .minimum = 1,
          .maximum = 32767,
          .only_with = only_with,
          .help = "quantisation levels of a magnitude above 0; b bits in the papers are 2^b - 1 levels"};
}

OptionSpec values_option() {
  OptionSpec spec = {
      .name = "values", .type = OptionType::kChoice, .default_value = "float32", .help = "format of the chosen values"};
  for (const ValueFormatRow& row : value_formats()) spec.choices.push_back(row.name);
  return spec;
}

std::vector<std::size_t> scope_groups(const Options& options, const Layout& layout) {
  std::vector<std::size_t> groups;
  if (options.text("scope") == "model") {
    if (layout.size > 0) groups.push_back(layout.size);
    return groups;
  }
  for (const TensorLayout& tensor : layout.tensors) {
    if (tensor.size > 0) groups.push_back(tensor.size);
  }
  return groups;
}

std::unique_ptr<ValueFormat> values_of(const Options& options, bool unbiased) {
  const std::string& name = options.text("values");
  const auto levels = static_cast<std::uint32_t>(options.integer("levels"));
  for (const ValueFormatRow& row : value_formats()) {
    if (row.name != name) continue;
    std::unique_ptr<ValueFormat> format = row.make(levels, unbiased);
    if (unbiased && !format->unbiased()) {
      throw UsageError(options.place("values") + ": " + name +
                       " is biased; with unbiased = true values are float32, qsgd or natural");
    }
    return format;
  }
  LACONIC_CHECK(false, "value format " << name);
  return nullptr;
}

kernels::NoiseKey draw_key(RandomStream& random) {
  const std::uint64_t bits = random();
  return {.first = static_cast<std::uint32_t>(bits), .second = static_cast<std::uint32_t>(bits >> 32)};
}

void refuse_non_finite(std::span<const float> v) {
  for (std::size_t j = 0; j < v.size(); ++j) {
    if (!std::isfinite(v[j])) {
      throw RunError("compression: element " + std::to_string(j) + " of " + std::to_string(v.size()) + " is " +
                     (std::isnan(v[j]) ? "not a number" : "infinite") +
                     ": training has diverged; a lower learning rate is the usual remedy");
    }
  }
  throw RunError("compression: a vector of " + std::to_string(v.size()) +
                 " elements is beyond the range of its format: training has diverged");
}

}  // namespace laconic::compress
