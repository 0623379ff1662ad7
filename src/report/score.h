// The figure that a model is judged by: the accuracy of classes, the R2 of numbers.
#pragma once

#include <string>
#include <string_view>

#include "protocol/learner.h"

namespace laconic {

// "accuracy" or "R2".
std::string_view score_name(bool of_numbers);
// "87.12%" or "0.831".
std::string score_text(double score, bool of_numbers);
std::string score_text(const Evaluation& evaluation);
// "accuracy 87.12%" or "R2 0.831".
std::string named_score(const Evaluation& evaluation);

}  // namespace laconic
