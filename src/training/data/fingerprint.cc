#include "training/data/fingerprint.h"

#include <fmt/core.h>

#include <algorithm>
#include <bit>

namespace laconic {
namespace {

void add_kind(const Dataset& dataset, Fingerprint& fingerprint) {
  fingerprint.add(static_cast<std::uint64_t>(dataset.input));
  for (const std::int64_t size : {dataset.shape.channels, dataset.shape.height, dataset.shape.width}) {
    fingerprint.add(static_cast<std::uint64_t>(size));
  }
  fingerprint.add(dataset.classes);
  fingerprint.add(dataset.numbers);
  fingerprint.add(dataset.vocabulary);
  fingerprint.add(dataset.train.values.empty() ? 0 : 1);
}

template <typename Values>
void add_all(const Values& values, Fingerprint& fingerprint) {
  fingerprint.add(values.size());
  for (const auto value : values) fingerprint.add(std::uint64_t{value});
}

// Samples take gigabytes, of which some tell enough.
constexpr std::size_t kMostPixels = 1 << 20;

}  // namespace

std::uint64_t fingerprint_of_kind(const Dataset& dataset) {
  Fingerprint fingerprint;
  add_kind(dataset, fingerprint);
  return fingerprint.value();
}

std::uint64_t fingerprint_of_names(std::span<const std::string> names) {
  if (names.empty()) return 0;
  Fingerprint fingerprint;
  for (const std::string& name : names) fingerprint.add(name);
  return fingerprint.value();
}

std::uint64_t fingerprint_of_training(const Dataset& dataset) {
  Fingerprint fingerprint;
  add_kind(dataset, fingerprint);
  fingerprint.add(dataset.train.count());
  add_all(dataset.train.labels, fingerprint);
  for (const float target : dataset.train.targets) fingerprint.add(std::bit_cast<std::uint32_t>(target));
  add_all(dataset.train.users, fingerprint);
  add_all(dataset.train.tokens, fingerprint);
  return fingerprint.value();
}

std::uint64_t fingerprint_of_test(const Dataset& dataset) {
  Fingerprint fingerprint;
  add_kind(dataset, fingerprint);
  const Samples& test = dataset.test;
  fingerprint.add(test.count());
  add_all(test.labels, fingerprint);
  add_all(test.tokens, fingerprint);
  const auto pixels = std::span(test.pixels).first(std::min(test.pixels.size(), kMostPixels));
  fingerprint.add(std::string_view(reinterpret_cast<const char*>(pixels.data()), pixels.size()));
  // Numbers are scaled by what the training samples are, so it is their rows and names that tell.
  add_all(dataset.test_rows, fingerprint);
  for (const auto* names : {&dataset.feature_names, &dataset.target_names}) {
    fingerprint.add(fingerprint_of_names(*names));
  }
  return fingerprint.value();
}

}  // namespace laconic
