#include "report/score.h"

#include "report/format.h"

namespace laconic {

std::string_view score_name(bool of_numbers) { return of_numbers ? "R2" : "accuracy"; }

std::string score_text(double score, bool of_numbers) { return of_numbers ? significant(score, 4) : percent(score); }

std::string score_text(const Evaluation& evaluation) {
  return score_text(evaluation.score(), evaluation.regression.has_value());
}

std::string named_score(const Evaluation& evaluation) {
  return std::string(score_name(evaluation.regression.has_value())) + " " + score_text(evaluation);
}

}  // namespace laconic
