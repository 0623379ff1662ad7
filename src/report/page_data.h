// The texts of a run's results as one JSON object. Internal to the report layer.
#pragma once

#include "report/json.h"
#include "report/page.h"

namespace laconic {

// {"name", "job", "summary": {...}, "workers": {...} (where there is one),
//  "measurements": [...], "syncs": [...]}           the lines of metrics.jsonl, without "type"
//
// Throws DecodeError, which begins with the file's name, for texts that are no JSON.
Json page_data(const PageRun& run);

}  // namespace laconic
