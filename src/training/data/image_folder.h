// A data set of image files in folders, each folder a class:
//
//   DIR/train/CLASS/*.png, *.jpg, *.jpeg, *.webp, *.bmp     DIR/test/CLASS/*
//
// Classes are numbered by their names in the order of bytes, those of train/ or the ones that the job lists; images
// come class after class, by their files' names in the same order. All have one size, or are brought to one.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "training/data/dataset.h"

namespace laconic {

// "colours": rgb or grey. "size", "fit": what all are resized to, and how (resize.h). "classes": names behind commas, in the order of their numbers; empty: the folders of train/.
std::span<const OptionSpec> image_folder_options();

// As DatasetRow::open and read_images. Throw UsageError with the file or folder and the reason for folders that are not
// there or hold no image, more classes than kMostClasses, a class of test/ that train/ has not, an image of
// another size than the first, and what read_image refuses.
Dataset open_image_folder(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits);
void read_folder_images(const DatasetRow& row, const std::string& directory, const Options& options,
                        const std::vector<bool>& keep, Dataset& dataset);

}  // namespace laconic
