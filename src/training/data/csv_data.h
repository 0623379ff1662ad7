// A data set in tables (formats/csv.h): one file of training samples, and one of test samples or a share of the first.
#pragma once

#include <span>
#include <string>

#include "training/data/dataset.h"

namespace laconic {

// The keys of [data], and DatasetRow::open. Classes are numbered by the training file: its labels themselves where all
// are whole numbers, which then are below kMostClasses, else by their order as bytes. Samples are vectors of features, 1 x 1 x
// features.
std::span<const OptionSpec> csv_options();
Dataset open_csv(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits);

}  // namespace laconic
