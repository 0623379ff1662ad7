// A data set of arrays that NumPy wrote: inputs and labels of each split, in NPY files or in NPZ archives.
//
//   inputs   N x F: vectors; N x H x W: images of one channel; N x C x H x W, or N x H x W x C with
//            layout = "channels-last": images. Bytes (uint8) are pixels, of which a model sees value / 255; it sees all
//            other numbers as they are.
//   labels   N or N x 1: integers from 0 to 65535; with targets = "numbers" N or N x T, numbers of any type to be predicted
//   users    N or N x 1: text or integers, of the training split alone; perhaps none
#pragma once

#include <span>
#include <string>
#include <vector>

#include "training/data/dataset.h"

namespace laconic {

// The keys of [data].
std::span<const OptionSpec> numpy_options();

// As DatasetRow::open and read_images. Throw UsageError with the file, the array and the reason for files and arrays
// that are not there, what read_npy_* refuse, shapes other than the above, numbers of inputs and labels that differ,
// labels that are not below the number of classes, and inputs of the test split that differ from those of training in
// shape, or in being bytes.
Dataset open_numpy(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits);
void read_numpy_inputs(const DatasetRow& row, const std::string& directory, const Options& options,
                       const std::vector<bool>& keep, Dataset& dataset);

}  // namespace laconic
