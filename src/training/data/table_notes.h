// What the owner of a table should know of how it was taken, a line each, where it can be otherwise than was meant.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "training/data/dataset.h"
#include "training/formats/csv.h"

namespace laconic {

// Of the columns: one that numbers the lines, in any order; numbers that become others as floats, which `normalised`
// ones mostly don't.
std::vector<std::string> notes_of_columns(const CsvTable& table, bool normalised);

// Of the labels: names that differ in case or blanks alone, and the same of numbers ("1", "01"); and of `classes` whole
// numbers those below the largest that no sample has.
std::vector<std::string> notes_of_labels(const CsvTable& table, std::uint32_t classes);

// Of labels that are numbers alone: of `classes` those that no sample has; empty where all have some.
std::string note_of_classes(const std::vector<std::uint16_t>& labels, std::uint32_t classes);

// Of numbers to be predicted: those that differ by less than floats near them can tell; empty where all is well.
std::string note_of_targets(const Samples& samples);

}  // namespace laconic
