// Figures and tables of the parts of a summary. Internal to the report layer.
#pragma once

#include <optional>

#include "report/figures.h"
#include "report/json.h"

namespace laconic {

// Of an object; null where there is none.
const Json& member(const Json& object, const char* key);

// "confusion": the matrix, where the summary has one; of very many classes it has none.
std::optional<NamedFigure> confusion_figure(const Json& summary);

// " (of fda,seed=1; other runs differ)" where the runs of a group divide labels in different ways, as other seeds do:
// only the first one's are drawn. Else empty.
std::string whose_labels(const RunGroup& group);

}  // namespace laconic
