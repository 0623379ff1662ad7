// What the tests of training share: a small data set, and what the tests of readers share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/random.h"
#include "training/data/dataset.h"
#include "training/formats/test_support.h"

namespace laconic {

// Random pixels; labels that the mean brightness of a stripe gives away, so that a model can learn them.
inline Samples random_samples(std::size_t count, const ImageShape& shape, std::uint32_t classes, std::uint64_t seed) {
  RandomStream stream(seed, "test samples");
  Samples samples;
  samples.pixels.resize(count * shape.size());
  samples.labels.resize(count);
  for (std::size_t i = 0; i < count; ++i) {
    samples.labels[i] = static_cast<std::uint8_t>(stream.below(classes));
    for (std::size_t j = 0; j < shape.size(); ++j) {
      const bool lit = j % classes == samples.labels[i];
      samples.pixels[i * shape.size() + j] = static_cast<std::uint8_t>(stream.below(128) + (lit ? 127 : 0));
    }
  }
  return samples;
}

inline Dataset random_dataset(std::size_t train, std::size_t test, const ImageShape& shape, std::uint32_t classes) {
  Dataset data;
  data.name = "random";
  data.shape = shape;
  data.classes = classes;
  data.train = random_samples(train, shape, classes, 1);
  data.test = random_samples(test, shape, classes, 2);
  return data;
}

}  // namespace laconic
