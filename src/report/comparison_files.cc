// Comparisons for programs: JSON and CSV.
#include <fmt/core.h>

#include <algorithm>

#include "report/comparison.h"
#include "report/json.h"

namespace laconic {
namespace {

Json to_json(const Settings& settings) {
  Json json = Json::object();
  for (const auto& [key, value] : settings) json[key] = value;
  return json;
}

Json to_json(const Spread& spread) {
  if (spread.count == 0) return nullptr;
  return {{"mean", spread.mean},
          {"deviation", spread.deviation ? Json(*spread.deviation) : Json()},
          {"minimum", spread.minimum},
          {"maximum", spread.maximum}};
}

Json to_json(const std::optional<double>& number) { return number ? Json(*number) : Json(); }

Json to_json(const ComparedGroup& group) {
  const std::string score = group.of_numbers ? "r2" : "accuracy";
  Json json = {{"name", group.name},
               {"settings", to_json(group.settings)},
               {"strategy", group.strategy},
               {"runs", group.runs.size()},
               {"unfinished", group.unfinished},
               {"rank", group.rank ? Json(*group.rank) : Json()},
               {"pareto", group.on_pareto_front}};
  if (group.has_other_data) json["other_data"] = true;
  if (group.has_other_clock) json["other_clock"] = true;
  if (group.has_other_version) json["other_version"] = true;
  json["validation_" + score] = to_json(group.validation);
  json["validation_loss"] = to_json(group.validation_loss);
  json[score] = to_json(group.test);
  json["loss"] = to_json(group.test_loss);
  json["wire_bytes"] = to_json(group.wire_bytes);
  json["payload_bytes"] = to_json(group.payload_bytes);
  json["steps"] = to_json(group.steps);
  json["syncs"] = to_json(group.syncs);
  json["time_s"] = to_json(group.seconds);
  return json;
}

Json to_json(const ComparedRun& run) {
  const SummaryFigures& figures = run.figures;
  return {{"group", run.group},
          {"settings", to_json(run.settings)},
          {"seed", run.seed.empty() ? Json() : Json(run.seed)},
          {"folder", run.folder},
          {"end", figures.end},
          {"validation_accuracy", to_json(figures.validation_accuracy)},
          {"validation_r2", to_json(figures.validation_r2)},
          {"validation_loss", to_json(figures.validation_loss)},
          {"accuracy", to_json(figures.accuracy)},
          {"r2", to_json(figures.r2)},
          {"loss", to_json(figures.loss)},
          {"wire_bytes", figures.wire_bytes},
          {"payload_bytes", figures.payload_bytes},
          {"steps", figures.steps},
          {"syncs", figures.syncs},
          {"time_s", figures.time.value}};
}

Json ranked_by(const Comparison& comparison) {
  switch (comparison.ranked_by) {
    case Comparison::RankedBy::kValidation:
      return "validation";
    case Comparison::RankedBy::kTest:
      return "test";
    case Comparison::RankedBy::kNothing:
      break;
  }
  return nullptr;
}

// A field of a CSV line (RFC 4180).
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char letter : text) quoted += letter == '"' ? "\"\"" : std::string(1, letter);
  return quoted + "\"";
}

std::string csv_field(const std::optional<double>& number) { return number ? to_json(number).dump() : ""; }

}  // namespace

std::string comparison_json(const std::string& job, const Comparison& comparison) {
  Json json = Json::object();
  if (!job.empty()) json["job"] = job;
  json["ranked_by"] = ranked_by(comparison);
  json["notes"] = comparison.notes;
  json["groups"] = Json::array();
  json["runs"] = Json::array();
  for (const ComparedGroup& group : comparison.groups) json["groups"].push_back(to_json(group));
  for (const ComparedRun& run : comparison.runs) json["runs"].push_back(to_json(run));
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

std::string comparison_csv(const Comparison& comparison) {
  std::vector<std::string> keys;
  for (const ComparedRun& run : comparison.runs) {
    for (const auto& [key, value] : run.settings) {
      if (std::find(keys.begin(), keys.end(), key) == keys.end()) keys.push_back(key);
    }
  }
  std::string text;
  for (const std::string& key : keys) text += csv_field(key) + ",";
  text +=
      "job.seed,folder,end,validation_accuracy,validation_r2,validation_loss,accuracy,r2,loss,wire_bytes,payload_bytes,"
      "steps,syncs,time_s\n";
  for (const ComparedRun& run : comparison.runs) {
    const SummaryFigures& figures = run.figures;
    for (const std::string& key : keys) {
      const auto is_it = [&](const auto& setting) { return setting.first == key; };
      const auto found = std::find_if(run.settings.begin(), run.settings.end(), is_it);
      if (found != run.settings.end()) text += csv_field(found->second);
      text += ',';
    }
    text +=
        fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(run.seed), csv_field(run.folder),
                    csv_field(figures.end), csv_field(figures.validation_accuracy), csv_field(figures.validation_r2),
                    csv_field(figures.validation_loss), csv_field(figures.accuracy), csv_field(figures.r2),
                    csv_field(figures.loss), figures.wire_bytes, figures.payload_bytes, figures.steps, figures.syncs,
                    csv_field(std::optional(figures.time.value)));
  }
  return text;
}

}  // namespace laconic
