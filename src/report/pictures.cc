// What a report shows beside lines: bars, tables of counts and graphs.
#include "report/pictures.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <utility>

#include "report/chart_rows.h"
#include "report/comparison_page.h"
#include "report/page_data.h"

namespace laconic {
namespace {

constexpr std::size_t kMostBars = 30;  // as on the page

const charts::Axis kBytesOnTheWire = {.title = "Bytes on the wire", .unit = charts::Unit::kBytes};

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

std::optional<NamedFigure> labels_figure(const Json& workers) {
  charts::HeatMap map{.title = "Labels by worker", .row_title = "worker", .row_prefix = "worker "};
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
  if (map.rows.empty()) return std::nullopt;
  return NamedFigure{"labels_by_worker", std::move(map)};
}

std::optional<std::uint32_t> node_of(const Json& number) {
  if (!number.is_number_unsigned()) return std::nullopt;
  const auto node = number.get<std::uint64_t>();
  return node <= std::numeric_limits<std::uint32_t>::max() ? std::optional(static_cast<std::uint32_t>(node))
                                                           : std::nullopt;
}

std::optional<NamedFigure> graph_figure(const Json& workers) {
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
  return NamedFigure{"graph", std::move(figure)};
}

// Groups whose first runs have the same labels, or the same graph.
struct Alike {
  std::size_t first = 0;  // index of the first of them
  std::size_t groups = 0;
  std::string names;
};

}  // namespace

const Json& member(const Json& object, const char* key) {
  static const Json none;
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? *found : none;
}

std::string whose_labels(const RunGroup& group) {
  const auto labels_of = [](const PageRun& run) { return member(member(page_data(run), "workers"), "labels"); };
  const Json first = labels_of(group.runs.front());
  const auto differ = [&](const PageRun& run) { return labels_of(run) != first; };
  if (std::none_of(group.runs.begin(), group.runs.end(), differ)) return {};
  return " (of " + group.runs.front().name + "; other runs differ)";
}

std::vector<NamedFigure> pictures_of(const PageRun& run) {
  const Json data = page_data(run);
  const Json& summary = data.at("summary");
  const Json& workers = member(data, "workers");
  std::vector<NamedFigure> figures;
  if (charts::BarChart bars = bytes_by_kind(summary); !bars.bars.empty()) figures.push_back({"bytes_by_kind", bars});
  if (charts::BarChart bars = bytes_by_worker(summary); !bars.bars.empty())
    figures.push_back({"bytes_by_worker", bars});
  if (std::optional<NamedFigure> matrix = confusion_figure(summary)) figures.push_back(std::move(*matrix));
  if (std::optional<NamedFigure> labels = labels_figure(workers)) figures.push_back(std::move(*labels));
  if (std::optional<NamedFigure> graph = graph_figure(workers)) figures.push_back(std::move(*graph));
  return figures;
}

std::vector<NamedFigure> pictures_of(const Comparison& comparison, std::span<const RunGroup> groups) {
  std::vector<NamedFigure> figures;
  charts::BarChart bars{.title = "Bytes of each group", .value = kBytesOnTheWire};
  for (const ComparedGroup& group : comparison.groups) {
    bars.bars.push_back({group.name, group.wire_bytes.mean, bars.bars.size()});
  }
  if (bars.bars.size() <= kMostBars) figures.push_back({"bytes_by_group", std::move(bars)});
  if (groups.size() > kMostDrawnWorkers) return figures;
  std::vector<Json> workers;
  for (const RunGroup& group : groups) workers.push_back(member(page_data(group.runs.front()), "workers"));
  for (const char* part : {"labels", "graph"}) {
    std::vector<Alike> alike;
    for (std::size_t i = 0; i < groups.size(); ++i) {
      const Json& own = member(workers[i], part);
      if (own.is_null()) continue;
      const auto same = [&](const Alike& other) { return member(workers[other.first], part) == own; };
      const auto found = std::find_if(alike.begin(), alike.end(), same);
      if (found == alike.end()) {
        alike.push_back({.first = i, .groups = 1, .names = groups[i].name});
      } else {
        ++found->groups;
        found->names += ", " + groups[i].name;
      }
    }
    for (std::size_t i = 0; i < alike.size(); ++i) {
      std::optional<NamedFigure> figure = part == std::string_view("labels") ? labels_figure(workers[alike[i].first])
                                                                             : graph_figure(workers[alike[i].first]);
      if (!figure) continue;
      if (i > 0) figure->name += "_" + std::to_string(i + 1);
      if (alike[i].groups < groups.size()) {
        std::visit([&](auto& one) { one.title += ", " + alike[i].names; }, figure->figure);
      }
      if (part == std::string_view("labels")) {
        std::visit([&](auto& one) { one.title += whose_labels(groups[alike[i].first]); }, figure->figure);
      }
      figures.push_back(std::move(*figure));
    }
  }
  return figures;
}

}  // namespace laconic
