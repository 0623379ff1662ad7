#include "charts/csv.h"

#include <charconv>
#include <cmath>
#include <map>
#include <set>
#include <string_view>

namespace laconic::charts {
namespace {

std::string field(std::string_view text) {
  if (text.find_first_of(",\"\n\r") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char letter : text) {
    if (letter == '"') quoted += '"';
    quoted += letter;
  }
  return quoted + "\"";
}

std::string field(double number) {
  if (!std::isfinite(number)) return {};
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  return std::string(digits, end);
}

// A column of a chart of lines, by x.
struct Column {
  std::string head;
  std::map<double, double> values;
};

void add_column(std::vector<Column>& columns, std::string head, const std::vector<double>& x,
                const std::vector<double>& y) {
  Column column{std::move(head), {}};
  for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
    if (std::isfinite(x[i])) column.values[x[i]] = y[i];
  }
  columns.push_back(std::move(column));
}

std::string text_of(const LineChart& chart) {
  std::vector<Column> columns;
  std::set<double> all_x;
  for (const Line& line : chart.lines) {
    add_column(columns, line.name, line.x, line.y);
    if (!line.low.empty()) add_column(columns, line.name + " lowest", line.x, line.low);
    if (!line.high.empty()) add_column(columns, line.name + " highest", line.x, line.high);
  }
  std::string text = field(chart.x.title);
  for (const Column& column : columns) {
    text += "," + field(column.head);
    for (const auto& [x, y] : column.values) all_x.insert(x);
  }
  text += "\n";
  for (const double x : all_x) {
    text += field(x);
    for (const Column& column : columns) {
      const auto found = column.values.find(x);
      text += ",";
      if (found != column.values.end()) text += field(found->second);
    }
    text += "\n";
  }
  return text;
}

std::string text_of(const BarChart& chart) {
  std::string text = "name," + field(chart.value.title) + "\n";
  for (const Bar& bar : chart.bars) text += field(bar.name) + "," + field(bar.value) + "\n";
  return text;
}

std::string text_of(const HeatMap& map) {
  std::string text = field(map.row_title);
  for (const std::string& column : map.columns) text += "," + field(column);
  text += "\n";
  for (std::size_t row = 0; row < map.rows.size() && row < map.cells.size(); ++row) {
    text += field(map.rows[row]);
    for (std::size_t column = 0; column < map.columns.size(); ++column) {
      text += "," + (column < map.cells[row].size() ? field(map.cells[row][column]) : std::string());
    }
    text += "\n";
  }
  return text;
}

std::string text_of(const Graph& graph) {
  std::string text = "round,from,to\n";
  for (std::size_t round = 0; round < graph.rounds.size(); ++round) {
    for (const auto& [from, to] : graph.rounds[round]) {
      text += std::to_string(round) + "," + std::to_string(from) + "," + std::to_string(to) + "\n";
    }
  }
  return text;
}

}  // namespace

std::string csv_text(const Figure& figure) {
  return std::visit([](const auto& one) { return text_of(one); }, figure);
}

std::string csv_text(const Table& table) {
  std::string text;
  for (const std::string& name : table.head) text += (&name == &table.head.front() ? "" : ",") + field(name);
  text += "\n";
  for (const auto& row : table.rows) {
    for (const Table::Cell& cell : row) {
      text += (&cell == &row.front() ? "" : ",") + std::visit([](const auto& value) { return field(value); }, cell);
    }
    text += "\n";
  }
  return text;
}

}  // namespace laconic::charts
