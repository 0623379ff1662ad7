// My model: a small convolutional network (Author YEAR).
#pragma once

#include <memory>
#include <span>

#include "training/models/models.h"

namespace laconic {

// Keys of [model] beside `name`, and ModelRow::make. Takes images of any size; refuses numbers to be predicted.
std::span<const OptionSpec> my_model_options();
std::shared_ptr<const Network> make_my_model(const Options& options, const ImageShape& shape,
                                             const Prediction& prediction);

}  // namespace laconic
