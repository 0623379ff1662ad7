// What a report shows beside lines: bars, tables of counts and graphs.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "report/chart_rows.h"
#include "report/figures.h"
#include "report/page_data.h"

namespace laconic {
namespace {

const charts::Axis kBytesOnTheWire = {.title = "Bytes on the wire", .unit = charts::Unit::kBytes};

const Json& member(const Json& object, const char* key) {
  static const Json none;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : none;
}

charts::BarChart bytes_by_kind(const Json& summary) {
  charts::BarChart chart{.title = "Bytes by kind", .value = kBytesOnTheWire};
  for (const auto& [kind, tally] : member(summary, "traffic").items()) {
    chart.bars.push_back({kind, number_at(tally, {"wire_bytes"}), chart.bars.size()});
  }
  return chart;
}

charts::BarChart bytes_by_worker(const Json& summary) {
  charts::BarChart chart{.title = "Bytes by worker", .value = kBytesOnTheWire};
  const auto add = [&](const std::string& node, const Json& tallies) {
    chart.bars.push_back({node + ", sent", number_at(tallies, {"sent", "wire_bytes"}), 0});
    chart.bars.push_back({node + ", received", number_at(tallies, {"received", "wire_bytes"}), 1});
  };
  std::size_t rank = 0;
  for (const Json& tallies : member(summary, "by_worker")) add("worker " + std::to_string(rank++), tallies);
  const Json& coordinator = member(summary, "coordinator");
  const double of_coordinator =
      number_at(coordinator, {"sent", "wire_bytes"}) + number_at(coordinator, {"received", "wire_bytes"});
  if (of_coordinator > 0.0) add("coordinator", coordinator);
  return chart;
}

charts::HeatMap labels_by_worker(const Json& workers) {
  charts::HeatMap map{.title = "Labels by worker", .row_title = "worker"};
  const Json& classes = member(workers, "classes");
  for (const Json& counts : member(workers, "labels")) {
    map.rows.push_back(std::to_string(map.rows.size()));
    map.cells.emplace_back();
    for (const Json& count : counts) {
      map.cells.back().push_back(count.is_number() ? count.get<double>() : std::numeric_limits<double>::quiet_NaN());
    }
    while (map.columns.size() < map.cells.back().size()) {
      const std::size_t label = map.columns.size();
      const bool has_name = classes.is_array() && label < classes.size() && classes[label].is_string();
      map.columns.push_back(has_name ? classes[label].get<std::string>() : std::to_string(label));
    }
  }
  return map;
}

std::optional<std::uint32_t> node_of(const Json& number) {
  if (!number.is_number_unsigned()) return std::nullopt;
  const auto node = number.get<std::uint64_t>();
  return node <= std::numeric_limits<std::uint32_t>::max() ? std::optional(static_cast<std::uint32_t>(node))
                                                           : std::nullopt;
}

std::optional<charts::Graph> graph_of(const Json& workers) {
  const Json& graph = member(workers, "graph");
  const std::optional<std::uint32_t> nodes = node_of(member(graph, "nodes"));
  if (!nodes) return std::nullopt;
  charts::Graph figure{.title = "Graph", .nodes = *nodes, .directed = member(graph, "directed") == true};
  for (const Json& links : member(graph, "rounds")) {
    figure.rounds.emplace_back();
    for (const Json& link : links) {
      if (!link.is_array() || link.size() != 2) continue;
      const std::optional<std::uint32_t> from = node_of(link[0]);
      const std::optional<std::uint32_t> to = node_of(link[1]);
      if (from && to) figure.rounds.back().emplace_back(*from, *to);
    }
  }
  return figure;
}

}  // namespace

std::vector<NamedFigure> pictures_of(const PageRun& run) {
  const Json data = page_data(run);
  const Json& summary = data.at("summary");
  const Json& workers = member(data, "workers");
  std::vector<NamedFigure> figures;
  if (charts::BarChart bars = bytes_by_kind(summary); !bars.bars.empty()) figures.push_back({"bytes_by_kind", bars});
  if (charts::BarChart bars = bytes_by_worker(summary); !bars.bars.empty())
    figures.push_back({"bytes_by_worker", bars});
  if (charts::HeatMap map = labels_by_worker(workers); !map.rows.empty())
    figures.push_back({"labels_by_worker", std::move(map)});
  if (std::optional<charts::Graph> graph = graph_of(workers)) figures.push_back({"graph", std::move(*graph)});
  return figures;
}

}  // namespace laconic
