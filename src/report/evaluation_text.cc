#include "report/evaluation_text.h"

#include "report/json.h"

namespace laconic {

std::string evaluation_text(const std::string& model_file, const std::string& job,
                            std::span<const SplitEvaluation> splits, std::span<const std::string> classes) {
  Json json = {{"model", model_file}, {"job", job}};
  for (const SplitEvaluation& one : splits) {
    Json figures = to_json(one.evaluation);
    if (one.evaluation.confusion) {
      figures["classification"] = classification_json(one.evaluation, one.split, classes, kMostConfusedClasses);
    }
    json[one.split] = std::move(figures);
  }
  return indented(json) + "\n";
}

}  // namespace laconic
