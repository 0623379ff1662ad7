// report.html: a run as one page that needs nothing else: no network, no file beside it. Several side by side are in
// report/comparison_page.h.
//
// The same page of a run that goes on is served (live_page): it then asks where it came from for what is new.
//
// The page's parts lie in page/, and the drawing is uPlot's (third_party/uplot); the build puts them into the program.
#pragma once

#include <cstdint>
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

// Throws DecodeError, which begins with the file's name, for texts that are not what a page shows.
void check_page_run(const PageRun& run);
// Throws DecodeError for texts that are not what they should be, with the file's name.
std::string report_page(const PageRun& run);

// How a run stands whose page is served.
struct PageFeed {
  std::string session;      // of the process that serves it; the page keeps to one
  std::uint64_t lines = 0;  // of the metrics that the page has
  std::uint64_t step = 0;
  std::uint64_t steps = 0;  // planned
  bool has_ended = false;   // nothing will come
};

// The page of a run that goes on. Its news are at "/events?from=N", N lines of metrics that it has: server-sent events,
// of which each is what LiveRun::news gives.
std::string live_page(const PageRun& run, const PageFeed& feed);

}  // namespace laconic
