#include "cli/chart_files.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "base/error.h"
#include "charts/csv.h"
#include "job/results.h"

namespace laconic {

namespace fs = std::filesystem;

namespace {

// Whether a path has the ending of a chart's file.
bool names_chart(const std::string& path) {
  std::string ending = fs::path(path).extension().string();
  std::ranges::transform(ending, ending.begin(), [](unsigned char letter) { return std::tolower(letter); });
  return ending == ".svg" || ending == ".png" || ending == ".pdf";
}

}  // namespace

std::vector<ChartFolder> chart_folders(std::span<const ChartFolder> folders, const std::string& page) {
  std::vector<ChartFolder> all(folders.begin(), folders.end());
  for (ChartFolder& folder : all) {
    if (folder.path.empty()) folder.path = (fs::path(page).parent_path() / kChartsFolder).string();
  }
  return all;
}

void make_chart_folders(std::span<const ChartFolder> folders) {
  for (const ChartFolder& folder : folders) {
    std::error_code error;
    std::error_code ignored;
    if (names_chart(folder.path) && !fs::is_directory(folder.path, ignored)) {
      throw UsageError(folder.path + ": --" + std::string(charts::to_text(folder.format)) +
                       " takes a folder, as there are several charts; give one, such as charts");
    }
    fs::create_directories(folder.path, error);
    if (fs::is_directory(folder.path, ignored)) continue;
    const std::string option = "--" + std::string(charts::to_text(folder.format));
    if (fs::exists(folder.path, ignored)) throw UsageError(folder.path + ": is a file; give a folder after " + option);
    throw UsageError(folder.path + ": the folder cannot be made (" + error.message() + "); give another one after " +
                     option);
  }
}

std::vector<std::string> write_charts(const ChartFiles& files, std::span<const ChartFolder> folders) {
  std::vector<std::string> lines;
  if (!folders.empty() && files.figures.empty()) {
    throw UsageError("no chart to draw: nothing was measured; see [evaluation] every, or give other runs");
  }
  for (const ChartFolder& folder : folders) {
    const std::size_t count = files.figures.size();
    const std::string ending(charts::to_text(folder.format));
    for (const NamedFigure& figure : files.figures) {
      const std::string stem = (fs::path(folder.path) / figure.name).string();
      write_result(stem + "." + ending, charts::drawn(figure.figure, folder.format));
      write_result(stem + ".csv", charts::csv_text(figure.figure));
    }
    for (const NamedTable& table : files.tables) {
      write_result((fs::path(folder.path) / (table.name + ".csv")).string(), table.csv);
    }
    std::string kind = ending;
    std::ranges::transform(kind, kind.begin(), [](unsigned char letter) { return std::toupper(letter); });
    lines.push_back(folder.path + ": " + std::to_string(count) + (count == 1 ? " chart" : " charts") + " as " + kind +
                    ", numbers as CSV");
  }
  return lines;
}

ChartAxis parse_chart_axis(const std::string& word) {
  std::string known;
  for (std::size_t i = 0; i < kChartAxes; ++i) {
    const auto axis = static_cast<ChartAxis>(i);
    if (word == words_of(axis).label) return axis;
    known += (known.empty() ? "" : ", ") + std::string(words_of(axis).label);
  }
  throw UsageError("--against: '" + word + "' is no axis; give one of " + known);
}

}  // namespace laconic
