// Moving samples: what is held out of training, and what of the training split is kept. A choice of training samples is
// a mark for each, in the order of the files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "training/data/dataset.h"

namespace laconic {

// Draws a random `fraction` in [0, 1) of the training samples (rounded to the nearest count); the draw depends on their
// number and `seed` only. All unmarked for 0. Throws UsageError when it leaves either split without a sample, the data
// set has a validation split already, or is a stream.
std::vector<bool> draw_validation(const Dataset& dataset, double fraction, std::uint64_t seed);

// Moves the marked training samples to the validation split, which was empty, the order kept. Without a mark it changes
// nothing.
void move_to_validation(Dataset& dataset, const std::vector<bool>& marked);

// Both.
void hold_out_validation(Dataset& dataset, double fraction, std::uint64_t seed);

// Drops the samples without a mark and their memory, the order kept. `sample_size`: pixels or values of a
// sample; images may be without their pixels yet.
void keep_samples(Samples& samples, const std::vector<bool>& keep, std::size_t sample_size);

// The samples without a mark, without their pixels, values and tokens: count, labels and users, which are what a
// partition needs.
Samples outline_without(const Samples& samples, const std::vector<bool>& marked);

// Appends samples of the same kind.
void append_samples(Samples&& more, Samples& samples);

}  // namespace laconic
