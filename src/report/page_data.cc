#include "report/page_data.h"

#include <algorithm>
#include <string_view>

#include "base/error.h"

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

}  // namespace

Json page_data(const PageRun& run) {
  Json json = {{"name", run.name}, {"job", run.job}, {"summary", parsed(run.summary, "summary.json")}};
  if (!run.workers.empty()) json["workers"] = parsed(run.workers, "workers.json");
  add_metrics(run.metrics, json);
  return json;
}

void check_page_run(const PageRun& run) {
  const Json parts = page_data(run);
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

}  // namespace laconic
