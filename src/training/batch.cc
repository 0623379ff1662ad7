#include "training/batch.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "training/data/augmentation.h"

namespace laconic {
namespace {

Batch text_batch(const Samples& samples, std::span<const std::uint32_t> chosen) {
  const auto count = static_cast<std::int64_t>(chosen.size());
  const auto length = static_cast<std::int64_t>(samples.tokens_each) - 1;
  Batch batch{.inputs = at::empty({count, length}, at::kLong), .targets = at::empty({count * length}, at::kLong)};
  auto* inputs = batch.inputs.data_ptr<std::int64_t>();
  auto* targets = batch.targets.data_ptr<std::int64_t>();
  for (const std::uint32_t sample : chosen) {
    const std::uint32_t* tokens = samples.tokens.data() + std::size_t{sample} * samples.tokens_each;
    for (std::int64_t i = 0; i < length; ++i) {
      *inputs++ = tokens[i];
      *targets++ = tokens[i + 1];
    }
  }
  return batch;
}

at::Tensor targets_of(const Samples& samples, std::span<const std::uint32_t> chosen, const Concept& present) {
  const auto count = static_cast<std::int64_t>(chosen.size());
  if (samples.targets_each > 0) {
    at::Tensor targets = at::empty({count, static_cast<std::int64_t>(samples.targets_each)});
    float* to = targets.data_ptr<float>();
    for (const std::uint32_t sample : chosen) {
      to = std::copy_n(samples.targets.data() + std::size_t{sample} * samples.targets_each, samples.targets_each, to);
    }
    return targets;
  }
  at::Tensor targets = at::empty({count}, at::kLong);
  auto* to = targets.data_ptr<std::int64_t>();
  for (const std::uint32_t sample : chosen) {
    const std::uint16_t label = samples.labels[sample];
    *to++ = present.labels.empty() ? label : present.labels[label];
  }
  return targets;
}

}  // namespace

Batch make_batch(const Dataset& data, const Samples& samples, std::span<const std::uint32_t> chosen,
                 RandomStream* augmentation, const Concept& present) {
  if (samples.tokens_each > 0) return text_batch(samples, chosen);
  const ImageShape& shape = data.shape;
  const auto count = static_cast<std::int64_t>(chosen.size());
  Batch batch{.inputs = at::empty({count, shape.channels, shape.height, shape.width}),
              .targets = targets_of(samples, chosen, present)};
  const std::size_t size = shape.size();
  const std::size_t area = size / static_cast<std::size_t>(shape.channels);
  LACONIC_CHECK(data.normalisation.empty() || data.normalisation.size() * area == size, data.normalisation.size()
                                                                                            << " channels normalised");
  std::vector<std::uint8_t> turned(size);
  std::vector<std::uint8_t> augmented(size);
  float* pixels = batch.inputs.data_ptr<float>();
  for (const std::uint32_t sample : chosen) {
    if (!samples.values.empty()) {
      pixels = std::copy_n(samples.values.data() + std::size_t{sample} * size, size, pixels);
      continue;
    }
    const std::uint8_t* from = samples.pixels.data() + std::size_t{sample} * size;
    if (present.quarter_turns != 0) {
      rotate_image(from, shape, present.quarter_turns, turned.data());
      from = turned.data();
    }
    if (data.augmentation != Augmentation::kNone && augmentation != nullptr) {
      augment_image(data.augmentation, from, shape, *augmentation, augmented.data());
      from = augmented.data();
    }
    for (std::size_t i = 0; i < size; ++i) pixels[i] = static_cast<float>(from[i]) / 255.0F;
    for (std::size_t channel = 0; channel < data.normalisation.size(); ++channel) {
      const ChannelScale& scale = data.normalisation[channel];
      for (std::size_t i = channel * area; i < (channel + 1) * area; ++i) {
        pixels[i] = (pixels[i] - scale.mean) / scale.deviation;
      }
    }
    pixels += size;
  }
  return batch;
}

}  // namespace laconic
