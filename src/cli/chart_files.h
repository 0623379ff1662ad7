// The charts of a report as files in a folder: NAME.svg, NAME.png or NAME.pdf, and NAME.csv with the numbers;
// of tables NAME.csv alone.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "charts/draw.h"
#include "report/figures.h"

namespace laconic {

struct ChartFolder {
  charts::Format format = charts::Format::kSvg;
  std::string path;  // empty: not given
};

// `folders` with a path for each: "charts" beside the page where none is given.
std::vector<ChartFolder> chart_folders(std::span<const ChartFolder> folders, const std::string& page);

// Makes the folders that are not there. Throws UsageError where one cannot be, such as a path that is a file.
void make_chart_folders(std::span<const ChartFolder> folders);

struct ChartFiles {
  std::vector<NamedFigure> figures = {};
  std::vector<NamedTable> tables = {};
};

// Writes all files into each of the folders, over files of these names; other files stay. Returns a line for each
// folder: how many charts, and what. Throws RunError where a file cannot be written.
std::vector<std::string> write_charts(const ChartFiles& files, std::span<const ChartFolder> folders);

// The axis of --against: "steps", "epochs", "bytes", "time". Throws UsageError for another word.
ChartAxis parse_chart_axis(const std::string& word);

}  // namespace laconic
