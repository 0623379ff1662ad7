// What a data set was taken as, in words.
#pragma once

#include <cstdint>
#include <string>

#include "training/data/dataset.h"

namespace laconic {

// "images of 1x28x28 in 10 classes", "text of 65 different tokens".
std::string kind_text(const Dataset& dataset);

// What was read, and below it a line for each of the notes, for whoever owns the files: "vectors of 2 numbers in 3
// classes ('maybe', 'no', 'yes'); 144 training samples, 36 test samples". `training`: samples of all workers.
std::string description(const Dataset& dataset, std::uint64_t training);

}  // namespace laconic
