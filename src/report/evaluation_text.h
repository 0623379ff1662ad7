// What measuring a stored model gave, as JSON.
#pragma once

#include <span>
#include <string>

#include "protocol/learner.h"

namespace laconic {

struct SplitEvaluation {
  std::string split;  // "test" or "validation"
  Evaluation evaluation;
};

// {"model": file, "job": name, SPLIT: {"loss", "accuracy" or "r2" and "mae", "samples", "classification" where samples
// have classes}, ...}, with the last line's end. `classes`: what they are called, or empty; the matrix has all of them.
std::string evaluation_text(const std::string& model_file, const std::string& job,
                            std::span<const SplitEvaluation> splits, std::span<const std::string> classes);

}  // namespace laconic
