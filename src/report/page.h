// report.html: a run, or several side by side, as one page that needs nothing else: no network, no file beside it.
//
// The page's parts lie in page/, and the drawing is uPlot's (third_party/uplot); the build puts them into the program.
#pragma once

#include <span>
#include <string>

namespace laconic {

// The texts of a run's results.
struct PageRun {
  std::string name;     // as the page calls it
  std::string job;      // job.resolved.toml
  std::string metrics;  // metrics.jsonl
  std::string summary;  // summary.json
  std::string workers;  // workers.json; empty: there is none
};

// At least one run. Throws DecodeError for texts that are not what they should be, with the file's name.
std::string report_page(std::span<const PageRun> runs);

}  // namespace laconic
