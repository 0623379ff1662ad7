// Every row of the registry, with the variants of it that differ in what travels: what the tests of all rows run.
#pragma once

#include <map>
#include <ostream>
#include <string>
#include <vector>

#include "run.h"

namespace laconic::tests {

struct Row {
  std::string strategy;
  std::map<std::string, std::string> options;
  Collective collective;
  std::string between;     // of a strategy with groups
  std::string compressor;  // of one that may compress; empty: whole models

  // The name of a test of it: letters, digits and underscores.
  std::string name() const;
  // The value of an option; empty where the row does not give it.
  std::string option(const std::string& name) const;

  // Whether frames may be lost.
  bool goes_on() const;
  // Whether some frames are on their way when the run ends, and how many there are depends on time.
  bool waits_for_nobody() const;
  // Whether an alarm may be lost that another one makes up for.
  bool repeats_itself() const { return option("screen") == "late"; }
  // Whether the number of exchanges depends on the data, beside those of a synchronisation.
  bool is_screened() const;
  // Whether it waits for nobody until its last step, and then for an answer.
  bool settles_in_the_end() const { return strategy == "dma" && waits_for_nobody(); }
};

// `groups`: how many a strategy with groups has.
std::vector<Row> rows(int groups);

void PrintTo(const Row& row, std::ostream* out);

}  // namespace laconic::tests
