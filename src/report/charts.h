// The charts of a report as numbers, for all that draw them: the page, and the files of `laconic report --svg`.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "report/page.h"

namespace laconic {

// What a chart can stand against, in this order everywhere.
enum class ChartAxis { kSteps, kEpochs, kBytes, kTime };
inline constexpr std::size_t kChartAxes = 4;

// How a number is written: 12,345; 0.0123; 87.1%, of the fraction 0.871; 1.2 MB; 3.4 s.
enum class ChartUnit { kCount, kNumber, kFraction, kBytes, kSeconds };

struct AxisWords {
  const char* key;    // "step", of the page's control
  const char* label;  // "steps"
  ChartUnit unit;
};
AxisWords words_of(ChartAxis axis);
// The unit as an axis' title has it: "%", "bytes", "s"; empty for plain numbers.
const char* unit_text(ChartUnit unit);

// Where the points of lines stand: for each axis an element a point, steps ascending. Of several runs a point is of one
// step, and epochs, bytes and time are the means over these runs. Empty for an axis along which nothing is known
// (synchronisations: bytes and time); the numbers are finite.
using ChartPositions = std::array<std::vector<double>, kChartAxes>;

struct ChartLine {
  enum class Kind { kLine, kStairs, kMarks };  // kStairs: a value holds up to the next point
  std::string name;                            // in the legend; no two lines of a chart have the same
  std::size_t runs = 1;                        // whose mean it is
  std::size_t positions = 0;                   // index in ChartSet::positions
  std::size_t style = 0;                       // of colour and dash: a group of runs has one in all charts
  Kind kind = Kind::kLine;
  // An element for each point, NaN where nothing was measured. The band from low to high is that of the lowest and the
  // highest of the runs; both are empty where there is none (one run).
  std::vector<double> mean = {};
  std::vector<double> low = {};
  std::vector<double> high = {};
};

struct Chart {
  std::string key;    // of its files: "accuracy", "validation_accuracy"; letters, digits and '_', no two alike
  std::string title;  // "Test accuracy"
  std::string label;  // of the y axis, without the unit: "accuracy"
  std::string note;   // a sentence or two: what is drawn
  ChartUnit unit = ChartUnit::kNumber;
  bool logarithmic = false;           // y, where all numbers are above 0
  bool steps_alone = false;           // stands against steps or epochs only
  std::vector<ChartLine> lines = {};  // of which none is empty
};

struct ChartSet {
  std::string title;      // "fda", "Comparison of 3 groups of runs"
  std::string band_text;  // what a band is, in words for a legend; empty where no line has one
  std::vector<ChartPositions> positions;
  std::vector<Chart> charts;  // in the page's order; none without a line
};

// Runs that differ in their seed alone, at least one.
struct RunGroup {
  std::string name;   // no two groups of a comparison have the same
  std::string marks;  // "†": footnotes that the comparison has for it; may be empty
  std::vector<PageRun> runs;
};

// Of one run: the measured splits and the workers' own models side by side, and what the strategy watches with its
// threshold and synchronisations. Of several runs: a line for each group. Runs that did not come to their end count
// only in a group where none did. A point is there for each step that all the runs of the group have measured.
//
// The texts must be ones that check_page_run takes; throws DecodeError as it does.
ChartSet charts_of(const PageRun& run);
ChartSet charts_of(std::span<const RunGroup> groups);

}  // namespace laconic
