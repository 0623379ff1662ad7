// The numbers of a figure as CSV (RFC 4180: fields in quotes where they need them; lines end with "\n").
//
//   LineChart  x title, name of each line (with a band: name, "name lowest", "name highest"); a row for each x of any line
//   BarChart   name, value title; a row for each bar
//   HeatMap    row title, columns' names; a row for each row
//   Graph      round, from, to; a row for each link
//
// A number is the shortest text that reads back as the same double; one that is not finite, or not there, is empty.
#pragma once

#include <string>

#include "charts/figure.h"

namespace laconic::charts {

std::string csv_text(const Figure& figure);
std::string csv_text(const Table& table);

}  // namespace laconic::charts
