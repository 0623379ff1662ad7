#include "report/sweep.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "report/format.h"
#include "report/json.h"
#include "report/score.h"

namespace laconic {
namespace {

template <typename Figure>
Spread spread_over(std::span<const SweepRun* const> runs, Figure figure) {
  std::vector<double> figures;
  for (const SweepRun* run : runs) {
    if (const std::optional<double> value = figure(run->figures)) figures.push_back(*value);
  }
  return spread_of(figures);
}

SweepGroup group_of(std::span<const SweepRun* const> runs) {
  SweepGroup group;
  group.settings = runs.front()->settings;
  group.runs = runs.size();
  std::vector<const SweepRun*> finished;
  for (const SweepRun* run : runs) {
    if (run->figures.finished) finished.push_back(run);
  }
  group.unfinished = runs.size() - finished.size();
  using Figures = const SummaryFigures&;
  group.accuracy = spread_over(finished, [](Figures run) { return run.r2 ? run.r2 : run.accuracy; });
  group.of_numbers =
      std::any_of(finished.begin(), finished.end(), [](const SweepRun* run) { return run->figures.r2.has_value(); });
  group.loss = spread_over(finished, [](Figures run) { return run.loss; });
  const auto of = [&](auto figure) {
    return spread_over(finished, [&](Figures run) { return std::optional(static_cast<double>(figure(run))); });
  };
  group.wire_bytes = of([](Figures run) { return run.wire_bytes; });
  group.steps = of([](Figures run) { return run.steps; });
  group.syncs = of([](Figures run) { return run.syncs; });
  group.seconds = of([](Figures run) { return run.time.value; });
  return group;
}

bool is_comparable(const SweepGroup& group) { return group.unfinished == 0 && group.accuracy.count == group.runs; }

bool beats(const SweepGroup& a, const SweepGroup& b) {
  const bool no_worse = a.accuracy.mean >= b.accuracy.mean && a.wire_bytes.mean <= b.wire_bytes.mean;
  return no_worse && (a.accuracy.mean > b.accuracy.mean || a.wire_bytes.mean < b.wire_bytes.mean);
}

std::string score_cell(const SweepGroup& group) {
  const Spread& score = group.accuracy;
  if (score.count == 0) return "";
  std::string text = score_text(score.mean, group.of_numbers);
  if (score.deviation) text += " ±" + significant((group.of_numbers ? 1.0 : 100.0) * *score.deviation, 2);
  return text;
}

std::string mean_cell(const Spread& spread) {
  if (spread.count == 0) return "";
  const bool is_whole = spread.mean == std::floor(spread.mean) && spread.mean < 1e15;
  return is_whole ? grouped(static_cast<std::uint64_t>(spread.mean)) : significant(spread.mean, 4);
}

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

// A field of a CSV line (RFC 4180).
std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char letter : text) quoted += letter == '"' ? "\"\"" : std::string(1, letter);
  return quoted + "\"";
}

std::string csv_field(const std::optional<double>& number) { return number ? to_json(number).dump() : ""; }

}  // namespace

Spread spread_of(std::span<const double> figures) {
  Spread spread;
  spread.count = figures.size();
  if (figures.empty()) return spread;
  spread.minimum = *std::min_element(figures.begin(), figures.end());
  spread.maximum = *std::max_element(figures.begin(), figures.end());
  const auto count = static_cast<double>(figures.size());
  double sum = 0.0;
  for (const double figure : figures) sum += figure;
  spread.mean = sum / count;
  if (figures.size() < 2) return spread;
  double squares = 0.0;
  for (const double figure : figures) squares += (figure - spread.mean) * (figure - spread.mean);
  spread.deviation = std::sqrt(squares / (count - 1.0));
  return spread;
}

std::vector<SweepGroup> sweep_groups(std::span<const SweepRun> runs) {
  std::vector<std::vector<const SweepRun*>> alike;
  for (const SweepRun& run : runs) {
    const auto found =
        std::find_if(alike.begin(), alike.end(), [&](const auto& group) { return group[0]->settings == run.settings; });
    if (found == alike.end()) {
      alike.push_back({&run});
    } else {
      found->push_back(&run);
    }
  }
  std::vector<SweepGroup> groups;
  for (const auto& group : alike) groups.push_back(group_of(group));
  for (SweepGroup& group : groups) {
    group.on_pareto_front =
        is_comparable(group) && std::none_of(groups.begin(), groups.end(), [&](const SweepGroup& other) {
          return is_comparable(other) && beats(other, group);
        });
  }
  return groups;
}

std::string sweep_text(std::span<const SweepGroup> groups, std::size_t width) {
  const bool any_unfinished =
      std::any_of(groups.begin(), groups.end(), [](const SweepGroup& group) { return group.unfinished > 0; });
  double most = 0.0;
  for (const SweepGroup& group : groups) most = std::max(most, group.wire_bytes.mean);
  std::vector<Table::Column> columns;
  for (const auto& [key, value] : groups.front().settings) columns.push_back({key, Table::Align::kLeft});
  columns.push_back({"runs"});
  if (any_unfinished) columns.push_back({"failed"});
  const bool of_numbers =
      std::any_of(groups.begin(), groups.end(), [](const SweepGroup& group) { return group.of_numbers; });
  columns.insert(columns.end(), {{std::string(score_name(of_numbers))},
                                 {"loss"},
                                 {"on the wire"},
                                 {"fewer bytes"},
                                 {"steps"},
                                 {"syncs"},
                                 {"time"},
                                 {"front", Table::Align::kLeft}});
  Table table(std::move(columns));
  for (const SweepGroup& group : groups) {
    std::vector<std::string> cells;
    for (const auto& [key, value] : group.settings) cells.push_back(value);
    cells.push_back(std::to_string(group.runs));
    if (any_unfinished) cells.push_back(std::to_string(group.unfinished));
    const bool has_bytes = group.wire_bytes.count > 0 && group.wire_bytes.mean > 0.0;
    cells.push_back(score_cell(group));
    cells.push_back(group.loss.count == 0 ? "" : significant(group.loss.mean));
    cells.push_back(group.wire_bytes.count == 0
                        ? ""
                        : to_text(Bytes{static_cast<std::uint64_t>(std::llround(group.wire_bytes.mean))}));
    cells.push_back(has_bytes ? significant(most / group.wire_bytes.mean) + "x" : "");
    cells.push_back(mean_cell(group.steps));
    cells.push_back(mean_cell(group.syncs));
    cells.push_back(group.seconds.count == 0 ? "" : to_text(Seconds{group.seconds.mean}));
    cells.push_back(group.on_pareto_front ? "*" : "");
    table.add_row(std::move(cells));
  }
  return table.text(width) + "Means over the seeds, ± the sample's deviation. *: none is at least as " +
         (of_numbers ? "good" : "accurate") + " with at most its bytes.\n";
}

std::string sweep_json(const std::string& job, std::span<const SweepGroup> groups, std::span<const SweepRun> runs) {
  Json json = {{"job", job}, {"groups", Json::array()}, {"runs", Json::array()}};
  for (const SweepGroup& group : groups) {
    json["groups"].push_back({{"settings", to_json(group.settings)},
                              {"runs", group.runs},
                              {"unfinished", group.unfinished},
                              {group.of_numbers ? "r2" : "accuracy", to_json(group.accuracy)},
                              {"loss", to_json(group.loss)},
                              {"wire_bytes", to_json(group.wire_bytes)},
                              {"steps", to_json(group.steps)},
                              {"syncs", to_json(group.syncs)},
                              {"time_s", to_json(group.seconds)},
                              {"pareto", group.on_pareto_front}});
  }
  for (const SweepRun& run : runs) {
    const SummaryFigures& figures = run.figures;
    json["runs"].push_back({{"settings", to_json(run.settings)},
                            {"seed", run.seed.empty() ? Json() : Json(run.seed)},
                            {"folder", run.folder},
                            {"end", figures.end},
                            {"accuracy", to_json(figures.accuracy)},
                            {"r2", to_json(figures.r2)},
                            {"loss", to_json(figures.loss)},
                            {"wire_bytes", figures.wire_bytes},
                            {"payload_bytes", figures.payload_bytes},
                            {"steps", figures.steps},
                            {"syncs", figures.syncs},
                            {"time_s", figures.time.value}});
  }
  return json.dump(2) + "\n";
}

std::string sweep_csv(std::span<const SweepRun> runs) {
  std::string text;
  for (const auto& [key, value] : runs.front().settings) text += csv_field(key) + ",";
  text += "job.seed,folder,end,accuracy,r2,loss,wire_bytes,payload_bytes,steps,syncs,time_s\n";
  for (const SweepRun& run : runs) {
    const SummaryFigures& figures = run.figures;
    for (const auto& [key, value] : run.settings) text += csv_field(value) + ",";
    text += fmt::format("{},{},{},{},{},{},{},{},{},{},{}\n", csv_field(run.seed), csv_field(run.folder),
                        csv_field(figures.end), csv_field(figures.accuracy), csv_field(figures.r2),
                        csv_field(figures.loss), figures.wire_bytes, figures.payload_bytes, figures.steps,
                        figures.syncs, csv_field(std::optional(figures.time.value)));
  }
  return text;
}

}  // namespace laconic
