// What a summary says of each class and of each worker's own model: the matrix that is drawn, and tables.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "charts/csv.h"
#include "report/chart_rows.h"
#include "report/page_data.h"
#include "report/pictures.h"

namespace laconic {
namespace {

std::string name_of(const Json& by_class, std::size_t label) {
  const Json& name = by_class.is_array() && label < by_class.size() ? member(by_class[label], "name") : by_class;
  return name.is_string() ? name.get<std::string>() : std::to_string(label);
}

std::string name_at(const Json& by_class, const Json& label) {
  return label.is_number_unsigned() ? name_of(by_class, label.get<std::size_t>()) : std::string();
}

charts::Table classes_table(const Json& by_class) {
  charts::Table table{.head = {"class", "samples", "predicted", "precision", "recall", "F1"}};
  for (std::size_t label = 0; label < by_class.size(); ++label) {
    const Json& one = by_class[label];
    table.rows.push_back({name_of(by_class, label), number_at(one, {"samples"}), number_at(one, {"predicted"}),
                          number_at(one, {"precision"}), number_at(one, {"recall"}), number_at(one, {"f1"})});
  }
  return table;
}

charts::Table mistakes_table(const Json& by_class, const Json& pairs) {
  charts::Table table{.head = {"class", "predicted", "samples"}};
  for (const Json& pair : pairs) {
    table.rows.push_back({name_at(by_class, member(pair, "class")), name_at(by_class, member(pair, "predicted")),
                          number_at(pair, {"samples"})});
  }
  return table;
}

double first_number(const Json& object, const char* one, const char* other) {
  const double number = number_at(object, {one});
  return std::isfinite(number) ? number : number_at(object, {other});
}

// Of the workers whose own models were measured; with their users where some have any.
charts::Table workers_table(const Json& by_worker) {
  if (!by_worker.is_array()) return {};
  const bool has_users =
      std::ranges::any_of(by_worker, [](const Json& worker) { return member(worker, "own_users").is_number(); });
  charts::Table table{.head = {"worker", "own data", "samples"}};
  if (has_users) table.head.push_back("users");
  table.head.push_back("test split");
  for (std::size_t rank = 0; rank < by_worker.size(); ++rank) {
    const Json& worker = by_worker[rank];
    const double own = first_number(worker, "own_accuracy", "own_r2");
    const double test = first_number(worker, "test_accuracy", "test_r2");
    if (!std::isfinite(own) && !std::isfinite(test)) continue;
    std::vector<charts::Table::Cell> row = {std::to_string(rank), own, number_at(worker, {"own_samples"})};
    if (has_users) row.push_back(number_at(worker, {"own_users"}));
    row.push_back(test);
    table.rows.push_back(std::move(row));
  }
  return table;
}

}  // namespace

std::optional<NamedFigure> confusion_figure(const Json& summary) {
  const Json& known = member(summary, "classification");
  const Json& confusion = member(known, "confusion");
  if (!confusion.is_array() || confusion.empty()) return std::nullopt;
  charts::HeatMap map{.title = "Confusion matrix", .row_title = "class"};
  map.shading = charts::HeatMap::Shading::kConfusion;
  map.note = "A row for each true class, a column for each class that the model takes it for.";
  for (const Json& counts : confusion) {
    map.rows.push_back(name_of(member(known, "by_class"), map.rows.size()));
    map.cells.emplace_back();
    for (const Json& count : counts) {
      map.cells.back().push_back(count.is_number() ? count.get<double>() : std::numeric_limits<double>::quiet_NaN());
    }
  }
  map.columns = map.rows;
  return NamedFigure{"confusion", std::move(map)};
}

std::vector<NamedTable> tables_of(const PageRun& run) {
  const Json data = page_data(run);
  const Json& summary = data.at("summary");
  const Json& known = member(summary, "classification");
  const Json& by_class = member(known, "by_class");
  std::vector<NamedTable> tables;
  const auto add = [&](const char* name, const charts::Table& table) {
    if (!table.rows.empty()) tables.push_back({name, charts::csv_text(table)});
  };
  if (by_class.is_array()) {
    add("classes", classes_table(by_class));
    add("most_confused", mistakes_table(by_class, member(known, "most_confused")));
  }
  add("workers", workers_table(member(summary, "by_worker")));
  return tables;
}

}  // namespace laconic
