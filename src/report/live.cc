#include "report/live.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

namespace laconic {

LiveRun::LiveRun(PageRun start, std::uint64_t steps, std::string session)
    : start_(std::move(start)), steps_(steps), session_(std::move(session)) {}

void LiveRun::add_metric(std::string line) {
  const std::lock_guard lock(mutex_);
  lines_.push_back(std::move(line));
}

void LiveRun::set_metrics(std::string_view lines) {
  std::vector<std::string> all;
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find('\n'));
    all.emplace_back(line);
    lines.remove_prefix(std::min(lines.size(), line.size() + 1));
  }
  const std::lock_guard lock(mutex_);
  lines_ = std::move(all);
}

void LiveRun::end(std::string summary) {
  // The summary is indented JSON, in which a line break stands between parts alone.
  std::ranges::replace(summary, '\n', ' ');
  const std::lock_guard lock(mutex_);
  summary_ = std::move(summary);
}

LiveRun::Part LiveRun::part(std::uint64_t from, char separator) const {
  const std::lock_guard lock(mutex_);
  Part part = {.text = {}, .from = from <= lines_.size() ? from : 0, .next = 0, .is_all = true, .summary = {}};
  part.next = std::min<std::uint64_t>(lines_.size(), part.from + kMostLines);
  for (std::uint64_t line = part.from; line < part.next; ++line) {
    part.text += lines_[line];
    part.text += separator;
  }
  part.is_all = part.next == lines_.size();
  if (part.is_all) part.summary = summary_;
  return part;
}

std::string LiveRun::page() const {
  PageRun run = start_;
  Part part;
  do {
    part = this->part(part.next, '\n');
    if (part.from == 0) run.metrics.clear();
    run.metrics += part.text;
  } while (!part.is_all);
  if (!part.summary.empty()) run.summary = part.summary;
  return live_page(run, {.session = session_,
                         .lines = part.next,
                         .step = step_.load(std::memory_order_relaxed),
                         .steps = steps_,
                         .has_ended = !part.summary.empty()});
}

LiveRun::News LiveRun::news(std::uint64_t from) const {
  Part part = this->part(from, ',');
  if (!part.text.empty()) part.text.pop_back();
  std::string text = fmt::format(R"({{"session": "{}", "from": {}, "step": {}, "steps": {}, "lines": [{}])", session_,
                                 part.from, step_.load(std::memory_order_relaxed), steps_, part.text);
  if (!part.summary.empty()) text += ", \"summary\": " + part.summary;
  return {.text = text + "}", .next = part.next, .is_all = part.is_all};
}

}  // namespace laconic
