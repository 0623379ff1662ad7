#include "report/page.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"
#include "report/json.h"
#include "report/page_parts.h"

namespace laconic {
namespace {

Json parsed(const std::string& text, const char* file) {
  try {
    return Json::parse(text);
  } catch (const Json::exception&) {
    throw DecodeError(std::string(file) + ": is no JSON: it is cut, or was changed");
  }
}

// What the page computes with, whatever else there is.
void require(const Json& json, const char* key, bool (Json::*is)() const noexcept, const std::string& place) {
  const auto found = json.is_object() ? json.find(key) : json.end();
  if (!json.is_object() || found == json.end() || !((*found).*is)()) {
    throw DecodeError(place + ": '" + key + "' is missing or of another kind");
  }
}
constexpr auto kNumber = &Json::is_number;
constexpr auto kObject = &Json::is_object;

void check_labels(const Json& workers) {
  if (!workers.is_object()) throw DecodeError("workers.json: is no object");
  const auto labels = workers.find("labels");
  if (labels == workers.end()) return;
  const bool is_table = labels->is_array() && !labels->empty() &&
                        std::ranges::all_of(*labels, [](const Json& row) { return row.is_array(); });
  if (!is_table) throw DecodeError("workers.json: 'labels' is no table");
}

// The lines of metrics.jsonl as two lists.
void add_metrics(std::string_view metrics, Json& run) {
  run["measurements"] = Json::array();
  run["syncs"] = Json::array();
  for (std::size_t number = 1; !metrics.empty(); ++number) {
    const std::string_view text = metrics.substr(0, metrics.find('\n'));
    metrics.remove_prefix(std::min(metrics.size(), text.size() + 1));
    const std::string place = "metrics.jsonl:" + std::to_string(number);
    Json line = parsed(std::string(text), place.c_str());
    const auto type = line.is_object() ? line.find("type") : line.end();
    if (!line.is_object() || type == line.end() || (*type != "measurement" && *type != "sync"))
      throw DecodeError(place + ": no line of a run's metrics");
    const bool is_sync = *type == "sync";
    line.erase("type");
    run[is_sync ? "syncs" : "measurements"].push_back(std::move(line));
  }
}

// JSON that ends no script element, whatever its texts hold.
std::string embedded(const Json& json) {
  std::string text;
  for (const char letter : json.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (letter == '<') {
      text += "\\u003c";
    } else {
      text += letter;
    }
  }
  return text;
}

void fill(std::string& page, std::string_view place, std::string_view with) {
  const std::size_t at = page.find(place);
  LACONIC_CHECK(at != std::string::npos, "the page has no place for a part");
  page.replace(at, place.size(), with);
}

Json data_of(std::span<const PageRun> runs) {
  Json data = {{"runs", Json::array()}};
  for (const PageRun& run : runs) {
    Json json = {{"name", run.name}, {"job", run.job}, {"summary", parsed(run.summary, "summary.json")}};
    if (!run.workers.empty()) json["workers"] = parsed(run.workers, "workers.json");
    add_metrics(run.metrics, json);
    data["runs"].push_back(std::move(json));
  }
  return data;
}

// `connects`: what the page's policy lets it connect to.
std::string page_of(const Json& data, std::string_view connects) {
  std::string page(page_parts::kPage);
  // From the last place to the first: nothing that was put in is searched.
  fill(page, "@SCRIPT@", page_parts::kScript);
  fill(page, "@PLOT_SCRIPT@", page_parts::kPlotScript);
  fill(page, "@DATA@", embedded(data));
  fill(page, "@STYLE@", page_parts::kStyle);
  fill(page, "@PLOT_STYLE@", page_parts::kPlotStyle);
  fill(page, "@CONNECTS@", connects);
  return page;
}

}  // namespace

void check_page_run(const PageRun& run) {
  const Json data = data_of({&run, 1});
  const Json& parts = data["runs"][0];
  for (const char* key : {"steps", "wire_bytes"}) require(parts["summary"], key, kNumber, "summary.json");
  require(parts["summary"], "traffic", kObject, "summary.json");
  for (const char* list : {"measurements", "syncs"}) {
    for (std::size_t i = 0; i < parts[list].size(); ++i) {
      const std::string place = "metrics.jsonl: " + std::to_string(i + 1) + ". of the " + list;
      require(parts[list][i], "step", kNumber, place);
      if (list == std::string_view("syncs")) continue;
      for (const char* key : {"test", "traffic"}) require(parts[list][i], key, kObject, place);
    }
  }
  if (parts.contains("workers")) check_labels(parts["workers"]);
}

std::string report_page(std::span<const PageRun> runs) {
  LACONIC_CHECK(!runs.empty(), "a page of no run");
  return page_of(data_of(runs), "'none'");
}

std::string live_page(const PageRun& run, const PageFeed& feed) {
  Json data = data_of({&run, 1});
  data["live"] = {{"session", feed.session},
                  {"lines", feed.lines},
                  {"step", feed.step},
                  {"steps", feed.steps},
                  {"has_ended", feed.has_ended}};
  return page_of(data, "'self'");
}

}  // namespace laconic
