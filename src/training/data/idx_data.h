// Data sets in IDX files: grey images of bytes, their labels and, where it is known, who made them. What the files are
// called a row says, as MNIST's does, or the job.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "training/data/dataset.h"

namespace laconic {

// The keys of [data] of a row that names no files: those of the files, and classes.
std::span<const OptionSpec> idx_options();

// As DatasetRow::open and read_images. Throw UsageError with the file, the reason and the remedy for what read_idx_*
// refuse, numbers of images, labels and users that differ, labels that are not below the number of classes, and images
// of the two splits that differ in size.
Dataset open_idx(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits);
void read_idx_images(const DatasetRow& row, const std::string& directory, const Options& options,
                     const std::vector<bool>& keep, Dataset& dataset);

}  // namespace laconic
