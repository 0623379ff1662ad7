#include "training/data/splits.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace laconic {
namespace {

// Moves the marked entries of `each` elements to the front and drops the rest. An empty vector stays so.
template <typename Value>
void keep_entries(std::vector<Value>& values, const std::vector<bool>& keep, std::size_t each) {
  if (values.empty()) return;
  LACONIC_CHECK(values.size() == keep.size() * each, values.size() << " values for " << keep.size() << " samples");
  auto to = values.begin();
  auto from = values.begin();
  for (const bool kept : keep) {
    const auto next = from + static_cast<std::ptrdiff_t>(each);
    if (kept) to = to == from ? next : std::copy(from, next, to);
    from = next;
  }
  values.erase(to, values.end());
  values.shrink_to_fit();
}

template <typename Value>
void append(std::vector<Value>&& more, std::vector<Value>& values) {
  if (values.empty()) {
    values = std::move(more);
  } else {
    values.insert(values.end(), more.begin(), more.end());
  }
}

}  // namespace

std::vector<bool> draw_validation(const Dataset& dataset, double fraction, std::uint64_t seed) {
  const std::size_t total = dataset.train.count();
  std::vector<bool> marked(total, false);
  if (fraction == 0.0) return marked;
  if (!(fraction > 0.0 && fraction < 1.0)) {
    throw UsageError("data.validation: " + std::to_string(fraction) + " is not a fraction from 0 to below 1");
  }
  if (dataset.validation.count() > 0) {
    throw UsageError("data.validation: data set " + dataset.name +
                     " brings a validation split of its own; remove the fraction");
  }
  if (dataset.stream) {
    throw UsageError("data.validation: " + dataset.name +
                     " is a stream without end, of which every sample is new; remove the fraction");
  }
  const auto held = static_cast<std::size_t>(std::llround(fraction * static_cast<double>(total)));
  if (held == 0 || held == total) {
    throw UsageError("data.validation: a fraction of " + std::to_string(fraction) + " of " + std::to_string(total) +
                     " training samples leaves a split empty; choose another fraction, or 0 for no validation");
  }
  RandomStream stream(seed, "validation");
  for (const std::uint32_t sample :
       random_subset(stream, static_cast<std::uint32_t>(held), static_cast<std::uint32_t>(total))) {
    marked[sample] = true;
  }
  return marked;
}

void move_to_validation(Dataset& dataset, const std::vector<bool>& marked) {
  if (std::find(marked.begin(), marked.end(), true) == marked.end()) return;
  LACONIC_CHECK(dataset.validation.count() == 0, dataset.validation.count() << " samples are held out already");
  std::vector<bool> others = marked;
  others.flip();
  dataset.validation = dataset.train;
  keep_samples(dataset.validation, marked, dataset.shape.size());
  keep_samples(dataset.train, others, dataset.shape.size());
}

void hold_out_validation(Dataset& dataset, double fraction, std::uint64_t seed) {
  move_to_validation(dataset, draw_validation(dataset, fraction, seed));
}

void keep_samples(Samples& samples, const std::vector<bool>& keep, std::size_t sample_size) {
  LACONIC_CHECK(samples.drawn == 0 && samples.count() == keep.size(), samples.count()
                                                                          << " samples, " << keep.size() << " marks");
  keep_entries(samples.pixels, keep, sample_size);
  keep_entries(samples.values, keep, sample_size);
  keep_entries(samples.labels, keep, 1);
  keep_entries(samples.targets, keep, samples.targets_each);
  keep_entries(samples.users, keep, 1);
  keep_entries(samples.tokens, keep, samples.tokens_each);
}

Samples outline_without(const Samples& samples, const std::vector<bool>& marked) {
  Samples outline;
  outline.labels = samples.labels;
  outline.targets = samples.targets;
  outline.targets_each = samples.targets_each;
  outline.users = samples.users;
  std::vector<bool> others = marked;
  others.flip();
  keep_entries(outline.labels, others, 1);
  keep_entries(outline.targets, others, outline.targets_each);
  keep_entries(outline.users, others, 1);
  if (outline.count() == 0) outline.drawn = static_cast<std::size_t>(std::count(others.begin(), others.end(), true));
  return outline;
}

void append_samples(Samples&& more, Samples& samples) {
  LACONIC_CHECK(samples.count() == 0 || samples.tokens_each == more.tokens_each,
                samples.tokens_each << " tokens a sample and " << more.tokens_each);
  LACONIC_CHECK(samples.count() == 0 || samples.targets_each == more.targets_each,
                samples.targets_each << " targets a sample and " << more.targets_each);
  samples.tokens_each = more.tokens_each;
  samples.targets_each = more.targets_each;
  append(std::move(more.pixels), samples.pixels);
  append(std::move(more.values), samples.values);
  append(std::move(more.labels), samples.labels);
  append(std::move(more.targets), samples.targets);
  append(std::move(more.users), samples.users);
  append(std::move(more.tokens), samples.tokens);
}

}  // namespace laconic
