// Every row of the registry, with the variants that it declares: what the tests of all rows run.
#pragma once

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "run.h"

namespace laconic::tests {

struct Row {
  std::string strategy;
  Variant variant;
  std::map<std::string, std::string> options;  // the variant's
  Demands demands;                             // as it sets them
  Collective collective;
  std::string between;     // of a strategy with groups
  std::string compressor;  // of one that may compress; empty: whole models

  // The name of a test of it: letters, digits and underscores.
  std::string name() const;
};

// For jobs of so many workers, those of a strategy for one worker aside: groups are those that they make equally.
std::vector<Row> rows(int workers);

void PrintTo(const Row& row, std::ostream* out);

}  // namespace laconic::tests
