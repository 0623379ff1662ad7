#include "job/workers_record.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace laconic {
namespace {

// Links and labels that workers.json has at most; more would say nothing in a picture.
constexpr std::size_t kMostRounds = 24;
constexpr std::size_t kMostLinks = 50'000;
constexpr std::size_t kMostCounts = 100'000;

std::vector<std::vector<std::uint64_t>> labels_by_worker(const JobSetup& setup) {
  const std::size_t classes = setup.data->classes;
  const std::vector<std::uint16_t>& labels = setup.data->train.labels;
  const bool has_all =
      std::all_of(setup.partition.begin(), setup.partition.end(), [](const auto& part) { return !part.empty(); });
  if (labels.empty() || !has_all || classes * setup.partition.size() > kMostCounts) return {};
  std::vector<std::vector<std::uint64_t>> counts;
  for (const auto& part : setup.partition) {
    std::vector<std::uint64_t>& own = counts.emplace_back(classes);
    for (const std::uint32_t sample : part) ++own.at(labels.at(sample));
  }
  return counts;
}

std::vector<std::vector<std::string>> users_by_worker(const JobSetup& setup) {
  const Dataset& data = *setup.data;
  const bool has_all =
      std::all_of(setup.partition.begin(), setup.partition.end(), [](const auto& part) { return !part.empty(); });
  if (data.user_names.empty() || !has_all) return {};
  std::size_t count = 0;
  std::vector<std::vector<std::string>> names;
  for (const auto& part : setup.partition) {
    std::set<std::uint32_t> users;
    for (const std::uint32_t sample : part) users.insert(data.train.users.at(sample));
    count += users.size();
    if (count > kMostCounts) return {};
    std::vector<std::string>& own = names.emplace_back();
    for (const std::uint32_t user : users) own.push_back(data.user_names.at(user));
  }
  return names;
}

std::optional<WorkersRecord::Graph> graph_of(const StrategySetting& setting) {
  WorkersRecord::Graph graph;
  if (setting.mixing) {
    graph.nodes = static_cast<std::uint32_t>(setting.mixing->nodes());
    graph.period = 1;
    auto& edges = graph.rounds.emplace_back();
    for (std::uint32_t node = 0; node < graph.nodes; ++node) {
      for (const WeightedNeighbor& neighbor : setting.mixing->neighbors({static_cast<std::int32_t>(node)})) {
        const auto other = static_cast<std::uint32_t>(neighbor.rank.value);
        if (node < other && edges.size() < kMostLinks) edges.emplace_back(node, other);
      }
    }
    return graph;
  }
  if (!setting.links) return std::nullopt;
  graph.nodes = setting.links->nodes();
  graph.directed = true;
  graph.period = setting.links->period();
  std::size_t links = 0;
  const std::size_t rounds = std::min<std::size_t>(setting.links->typical_rounds(), kMostRounds);
  for (std::uint64_t round = 0; round < rounds && links < kMostLinks; ++round) {
    const std::shared_ptr<const LinkMatrix> matrix = setting.links->at(round);
    auto& list = graph.rounds.emplace_back();
    for (std::uint32_t node = 0; node < graph.nodes; ++node) {
      for (const WeightedNeighbor& receiver : matrix->receivers({static_cast<std::int32_t>(node)}))
        list.emplace_back(node, static_cast<std::uint32_t>(receiver.rank.value));
    }
    links += list.size();
  }
  return graph;
}

}  // namespace

WorkersRecord workers_record(const JobSetup& setup) {
  WorkersRecord record;
  record.labels = labels_by_worker(setup);
  if (!record.labels.empty()) record.classes = setup.data->class_names;
  record.users = users_by_worker(setup);
  record.graph = graph_of(setup.strategy_setting);
  return record;
}

}  // namespace laconic
