// A data set as LEAF (Caldas et al. 2018) makes them: DIR/train/*.json and DIR/test/*.json, in the form of leaf_json.h, of
// images or vectors of numbers whose users are known: FEMNIST, Synthetic.
//
// Files are read in the order of their names, users and samples in that of the files. A user of several files is one.
#pragma once

#include <span>
#include <vector>

#include "training/data/dataset.h"

namespace laconic {

// "shape": what the numbers of a sample are. "classes": of labels that are numbers.
std::span<const OptionSpec> leaf_options();

// As DatasetRow::open and read_images. Throw UsageError with the folder or file and the reason for folders without a
// file, samples of several sizes or another one than the shape's, a label of test/ that train/ has not, and what
// read_leaf_json refuses.
Dataset open_leaf(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits);
void read_leaf_inputs(const DatasetRow& row, const std::string& directory, const Options& options,
                      const std::vector<bool>& keep, Dataset& dataset);

}  // namespace laconic
