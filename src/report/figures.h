// The charts of a report as figures for files. Their numbers are those that the page draws.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "charts/figure.h"
#include "report/charts.h"
#include "report/comparison.h"

namespace laconic {

struct NamedFigure {
  std::string name;  // of its files, without their ending: letters, digits and '_', at most 100, no two alike
  charts::Figure figure;
};

// A table of a report that is not drawn.
struct NamedTable {
  std::string name;  // of its file, as a figure's
  std::string csv;   // its text
};

// How charts of lines stand.
struct FigureAxes {
  ChartAxis against = ChartAxis::kSteps;  // for charts that stand against steps or epochs alone, else steps
  bool logarithmic = false;               // both axes, where their numbers are above 0
};

// The charts of lines. A line of a run is drawn from point to point over what was not measured; of several points at one
// place it has the last, as where no bytes were sent between two measurements. Names end with "_against_bytes" where
// they do not stand against steps.
std::vector<NamedFigure> figures_of(const ChartSet& charts, const FigureAxes& axes);

// What a report shows beside lines: of one run its bytes by kind and by worker, its confusion matrix, the labels that
// each worker holds and the graph; of several the bytes of each group, and labels and graphs, once where groups have them alike. `groups` are
// those of `comparison`, in its order. What a run does not have is left out, as is what the page does not draw of many
// groups. The texts must be ones that check_page_run takes; throws DecodeError as it does.
std::vector<NamedFigure> pictures_of(const PageRun& run);
std::vector<NamedFigure> pictures_of(const Comparison& comparison, std::span<const RunGroup> groups);

// All figures of a report. Charts of one run against steps have a mark where its data changed.
std::vector<NamedFigure> figures_of(const PageRun& run, const FigureAxes& axes);
std::vector<NamedFigure> figures_of(const Comparison& comparison, std::span<const RunGroup> groups,
                                    const FigureAxes& axes);

// What a run's report has as tables: its classes, which of them are mistaken most often (where there is no confusion
// matrix), and the workers' own models.
std::vector<NamedTable> tables_of(const PageRun& run);

}  // namespace laconic
