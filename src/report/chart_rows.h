// What charts take out of a run's measurements. Internal to the report layer.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "report/charts.h"
#include "report/json.h"

namespace laconic {

// The number at a path of keys ("test", "accuracy"), or NaN.
double number_at(const Json& row, std::initializer_list<const char*> path);
// Where a row stands along an axis, or NaN.
double place_along(const Json& row, ChartAxis axis);

// The names of what a strategy watches, but its threshold, in the order in which they first appear.
void add_watched_names(const Json& rows, std::vector<std::string>& names);
// A chart of such a thing without its lines.
Chart watched_chart(const std::string& name);
// Of the models' distance from their average, without its lines.
Chart consensus_chart();
constexpr const char* kVarianceEstimate = "variance_estimate";

// `text` with all but letters, digits and '_' replaced by '_', for a chart's key.
std::string key_text(const std::string& text);

// Adds the chart unless it has no line with a number in it; lines that have none are left out.
void add_chart(Chart chart, ChartSet& set);

inline constexpr const char* kOfMeasuredModel =
    "of the model that is measured: the average, or over MPI the one that worker 0 last synchronised.";

}  // namespace laconic
