// What was done to the data of a model, so that others can do the same: preprocess.json.
#pragma once

#include <string>

#include "training/data/dataset.h"

namespace laconic {

// One JSON object, with its last line's end; what a data set lacks is left out.
//
//   {"dataset": name,
//    "inputs":  {"kind": "numbers" | "bytes" | "tokens", "shape": [channels, height, width],
//                "names": [a column each], "mean": [...], "deviation": [...]},
//    "targets": {"kind": "classes" | "numbers" | "next token", "count": N, "names": [...], "mean": [...],
//                "deviation": [...]},
//    "test_rows": [...], "validation_rows": [...]}
//
// A model sees (value - mean) / deviation of each number, and of each byte (value / 255 - mean) / deviation with one
// mean and deviation a channel; without them value, or value / 255. It predicts (target - mean) / deviation of each
// number. Names of targets are those of the classes, in the order of their numbers, of the columns, or of the tokens
// (a byte that is no character by itself as "<0xE9>"). Rows are samples of the training file, from 0; test_rows is there
// where a share of that file is the test split, validation_rows where samples of it were held out.
std::string preprocess_text(const Dataset& dataset);

}  // namespace laconic
