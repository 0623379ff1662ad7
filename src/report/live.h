// What a page shows of a run that goes on: the lines of its metrics so far, and how far it is.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "report/page.h"

namespace laconic {

// Told by the run and asked by whoever shows it, on another thread: neither waits for the other longer than some
// thousand lines take to be copied.
class LiveRun {
 public:
  // `start` has the summary of a run that has not begun, and no metrics. Two runs that are watched at the same place
  // have different names for `session`; letters, digits and hyphens.
  LiveRun(PageRun start, std::uint64_t steps, std::string session);

  void step(Step step) { step_.store(step.value, std::memory_order_relaxed); }
  // A line of metrics.jsonl, without its end.
  void add_metric(std::string line);
  // In the place of all lines so far: those that a run which goes on begins with.
  void set_metrics(std::string_view lines);
  // What it came to (summary_text): no line comes after it.
  void end(std::string summary);

  // The page of what there is.
  std::string page() const;

  // What there is from line `from` on, as JSON in one line:
  //   {"session", "from", "step", "steps", "lines": [...], "summary": {...}}
  // "from" is 0 where there are fewer lines than that, and then "lines" begins at the first. At most kMostLines at a
  // time; "summary" comes with the last of a run that has ended.
  struct News {
    std::string text;
    std::uint64_t next = 0;  // the line behind them
    bool is_all = true;      // no line is left
  };
  News news(std::uint64_t from) const;
  static constexpr std::size_t kMostLines = 2000;

 private:
  // As many lines from `from` on, with a separator behind each.
  struct Part {
    std::string text;
    std::uint64_t from = 0;
    std::uint64_t next = 0;
    bool is_all = true;
    std::string summary;  // of a run that has ended, with the last line
  };
  Part part(std::uint64_t from, char separator) const;

  const PageRun start_;
  const std::uint64_t steps_;
  const std::string session_;
  std::atomic<std::uint64_t> step_ = 0;
  mutable std::mutex mutex_;
  std::vector<std::string> lines_;
  std::string summary_;  // empty: it goes on
};

}  // namespace laconic
