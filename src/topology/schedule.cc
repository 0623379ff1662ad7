#include "topology/schedule.h"

#include <fmt/core.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace laconic {
namespace {

constexpr std::size_t kRoundsKept = 16;
constexpr std::size_t kNodesShown = 8;

using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

std::string nodes_text(const std::vector<std::uint32_t>& nodes) {
  std::string text = "{";
  for (std::size_t i = 0; i < std::min(nodes.size(), kNodesShown); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(nodes[i]);
  }
  if (nodes.size() > kNodesShown) text += ", ... " + std::to_string(nodes.size()) + " nodes";
  return text + "}";
}

// Who sends to whom in any of the rounds looked at: the successors of each node, ascending.
class Union {
 public:
  explicit Union(std::uint32_t nodes) : out_(nodes), in_(nodes) {}

  void add(const LinkMatrix& links) {
    for (Rank node{0}; node.value < static_cast<std::int32_t>(links.nodes()); ++node.value) {
      for (const WeightedNeighbor& receiver : links.receivers(node)) {
        add(out_, node.value, receiver.rank.value);
        add(in_, receiver.rank.value, node.value);
      }
    }
  }
  // The nodes that node 0's word doesn't reach, and those whose word doesn't reach node 0.
  std::vector<std::uint32_t> unreached() const { return without_path(out_); }
  std::vector<std::uint32_t> unheard() const { return without_path(in_); }
  bool joined() const { return unreached().empty() && unheard().empty(); }
  bool sends(std::uint32_t node) const { return !out_[node].empty(); }
  bool hears(std::uint32_t node) const { return !in_[node].empty(); }

 private:
  using Lists = std::vector<std::vector<std::uint32_t>>;
  static void add(Lists& lists, std::int32_t from, std::int32_t to) {
    auto& list = lists[static_cast<std::size_t>(from)];
    const auto value = static_cast<std::uint32_t>(to);
    const auto at = std::lower_bound(list.begin(), list.end(), value);
    if (at == list.end() || *at != value) list.insert(at, value);
  }
  static std::vector<std::uint32_t> without_path(const Lists& lists) {
    std::vector<bool> seen(lists.size(), false);
    std::vector<std::uint32_t> reached = {0};
    seen[0] = true;
    for (std::size_t i = 0; i < reached.size(); ++i) {
      for (const std::uint32_t next : lists[reached[i]]) {
        if (seen[next]) continue;
        seen[next] = true;
        reached.push_back(next);
      }
    }
    std::vector<std::uint32_t> rest;
    for (std::uint32_t node = 0; node < seen.size(); ++node) {
      if (!seen[node]) rest.push_back(node);
    }
    return rest;
  }

  Lists out_;
  Lists in_;
};

Eigen::MatrixXd dense(const LinkMatrix& links) {
  const auto n = static_cast<Eigen::Index>(links.nodes());
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(n, n);
  for (Rank node{0}; node.value < n; ++node.value) {
    matrix(node.value, node.value) = links.self_weight(node);
    for (const WeightedNeighbor& sender : links.senders(node)) matrix(node.value, sender.rank.value) = sender.weight;
  }
  return matrix;
}

// Throws UsageError for a node that has nothing after some round of a period.
void require_remains(const LinkSchedule& schedule, const std::string& node) {
  for (std::uint64_t round = 0; round < schedule.period(); ++round) {
    const std::shared_ptr<const LinkMatrix> links = schedule.at(round);
    for (Rank i{0}; i.value < static_cast<std::int32_t>(links->nodes()); ++i.value) {
      if (links->self_weight(i) > 0.0 || !links->senders(i).empty()) continue;
      throw UsageError(
          fmt::format("{} {} gives away all it has in round {} and gets nothing, which leaves it without "
                      "a model; let it keep a part",
                      node, i.value, round));
    }
  }
}

bool keeps_everywhere(const LinkSchedule& schedule) {
  for (std::uint64_t round = 0; round < schedule.period(); ++round) {
    const std::shared_ptr<const LinkMatrix> links = schedule.at(round);
    for (Rank node{0}; node.value < static_cast<std::int32_t>(links->nodes()); ++node.value) {
      if (!(links->self_weight(node) > 0.0)) return false;
    }
  }
  return true;
}

// Whether every node comes to hold a part of what node 0 had; backwards: node 0 of what each of them had, all at one
// time. With both the product of so many periods has no zero in it. Looked for in n^2 periods, which are enough
// (Wielandt 1950), or as many as are affordable: then what is not found is taken to come.
bool spreads(const LinkSchedule& schedule, bool backwards) {
  constexpr std::uint64_t kMostWork = 200'000'000;
  const std::uint64_t nodes = schedule.nodes();
  std::uint64_t work = 0;
  std::vector<char> holds(nodes, 0);
  holds[0] = 1;
  for (std::uint64_t period = 0; period <= nodes * nodes; ++period) {
    for (std::uint64_t i = 0; i < schedule.period(); ++i) {
      const std::shared_ptr<const LinkMatrix> links = schedule.at(backwards ? schedule.period() - 1 - i : i);
      std::vector<char> next(nodes, 0);
      for (Rank node{0}; node.value < static_cast<std::int32_t>(nodes); ++node.value) {
        const auto at = static_cast<std::size_t>(node.value);
        char here = static_cast<char>(holds[at] != 0 && links->self_weight(node) > 0.0);
        for (const WeightedNeighbor& other : backwards ? links->receivers(node) : links->senders(node)) {
          here = static_cast<char>(here | holds[static_cast<std::size_t>(other.rank.value)]);
        }
        next[at] = here;
      }
      holds.swap(next);
      work += nodes + links->links();
    }
    if (std::all_of(holds.begin(), holds.end(), [](char here) { return here != 0; })) return true;
    if (work > kMostWork) return true;
  }
  return false;
}

void check_probability(double up) { LACONIC_CHECK(up > 0.0 && up <= 1.0, "links up with probability " << up); }

}  // namespace

LinkSchedule::LinkSchedule(std::vector<LinkMatrix> rounds) {
  LACONIC_CHECK(!rounds.empty(), "a schedule without rounds");
  nodes_ = rounds.front().nodes();
  for (LinkMatrix& round : rounds) {
    LACONIC_CHECK(round.nodes() == nodes_, round.nodes() << " nodes after rounds of " << nodes_);
    rounds_.push_back(std::make_shared<const LinkMatrix>(std::move(round)));
  }
}

LinkSchedule::LinkSchedule(std::uint32_t nodes, std::function<LinkMatrix(std::uint64_t round)> draw)
    : nodes_(nodes), draw_(std::move(draw)) {}

std::shared_ptr<const LinkMatrix> LinkSchedule::at(std::uint64_t round) const {
  if (!rounds_.empty()) return rounds_[round % rounds_.size()];
  for (const Drawn& drawn : drawn_) {
    if (drawn.round == round) return drawn.links;
  }
  auto links = std::make_shared<const LinkMatrix>(draw_(round));
  LACONIC_CHECK(links->nodes() == nodes_, links->nodes() << " nodes drawn for " << nodes_);
  if (drawn_.size() == kRoundsKept) drawn_.pop_front();
  drawn_.push_back({round, links});
  return links;
}

LinkMatrix links_of(const Graph& graph) {
  Pairs pairs;
  for (const Edge& edge : graph.edges()) {
    pairs.emplace_back(edge.a, edge.b);
    pairs.emplace_back(edge.b, edge.a);
  }
  return LinkMatrix::evenly(graph.nodes(), pairs);
}

std::shared_ptr<const LinkSchedule> schedule_of(const Graph& graph, double up, std::uint64_t seed) {
  check_probability(up);
  if (up == 1.0) return std::make_shared<LinkSchedule>(std::vector<LinkMatrix>{links_of(graph)});
  const auto draw = [graph, up, seed](std::uint64_t round) {
    RandomStream stream(seed, "failing edges", {round});
    Pairs pairs;
    for (const Edge& edge : graph.edges()) {
      if (stream.uniform() >= up) continue;
      pairs.emplace_back(edge.a, edge.b);
      pairs.emplace_back(edge.b, edge.a);
    }
    return LinkMatrix::evenly(graph.nodes(), pairs);
  };
  return std::make_shared<LinkSchedule>(graph.nodes(), draw);
}

std::shared_ptr<const LinkSchedule> with_failing_links(std::shared_ptr<const LinkSchedule> schedule, double up,
                                                       std::uint64_t seed) {
  check_probability(up);
  if (up == 1.0) return schedule;
  const std::uint32_t nodes = schedule->nodes();
  const auto draw = [schedule = std::move(schedule), up, seed](std::uint64_t round) {
    RandomStream stream(seed, "failing links", {round});
    const std::shared_ptr<const LinkMatrix> all = schedule->at(round);
    std::vector<Link> links;
    for (Rank node{0}; node.value < static_cast<std::int32_t>(all->nodes()); ++node.value) {
      for (const WeightedNeighbor& receiver : all->receivers(node)) {
        if (stream.uniform() >= up) continue;
        links.push_back(
            {static_cast<std::uint32_t>(node.value), static_cast<std::uint32_t>(receiver.rank.value), receiver.weight});
      }
    }
    return LinkMatrix(all->nodes(), std::move(links));
  };
  return std::make_shared<LinkSchedule>(nodes, draw);
}

void require_joined(const LinkSchedule& schedule, std::string_view node) {
  const bool drawn = schedule.period() == 0;
  const std::uint64_t rounds = drawn ? kJoiningRounds : schedule.period();
  Union links(schedule.nodes());
  for (std::uint64_t round = 0; round < rounds; ++round) {
    links.add(*schedule.at(round));
    // Looked at seldom, as often as it costs little.
    if (drawn && (round & (round + 1)) == 0 && links.joined()) return;
  }
  if (links.joined()) {
    require_remains(schedule, std::string(node));
    if (drawn || keeps_everywhere(schedule) || (spreads(schedule, false) && spreads(schedule, true))) return;
    throw UsageError("over these links models change places and never mix, however many rounds there are; let each " +
                     std::string(node) + " keep a part of what it has (weights that add up to less than 1)");
  }
  const std::string within = drawn         ? "in " + std::to_string(rounds) + " rounds"
                             : rounds == 1 ? std::string("here")
                                           : "in the " + std::to_string(rounds) + " rounds that come again";
  const std::string name(node);
  for (std::uint32_t i = 0; i < schedule.nodes(); ++i) {
    if (!links.sends(i)) {
      throw UsageError(name + " " + std::to_string(i) + " sends to nobody " + within +
                       ": what it learns would stay with it; give it a link to another " + name);
    }
    if (!links.hears(i)) {
      throw UsageError(name + " " + std::to_string(i) + " hears from nobody " + within +
                       ": it would learn of nobody; give it a link from another " + name);
    }
  }
  const std::vector<std::uint32_t> unreached = links.unreached();
  throw UsageError(unreached.empty() ? "nothing leads from " + nodes_text(links.unheard()) + " to " + name + " 0 " +
                                           within + ", directly or through others; add links"
                                     : "nothing leads from " + name + " 0 to " + nodes_text(unreached) + " " + within +
                                           ", directly or through others; add links");
}

std::string graphviz_text(const LinkSchedule& schedule, const std::string& title) {
  LACONIC_CHECK(schedule.period() > 0, "drawn rounds");
  std::map<std::pair<std::int32_t, std::int32_t>, std::string> links;
  for (std::uint64_t round = 0; round < schedule.period(); ++round) {
    for (Rank node{0}; node.value < static_cast<std::int32_t>(schedule.nodes()); ++node.value) {
      for (const WeightedNeighbor& receiver : schedule.at(round)->receivers(node)) {
        std::string& rounds = links[{node.value, receiver.rank.value}];
        rounds += (rounds.empty() ? "" : " ") + std::to_string(round);
      }
    }
  }
  std::string text = "digraph " + quoted(title) + " {\n  node [shape=circle];\n";
  for (std::uint32_t node = 0; node < schedule.nodes(); ++node) text += "  " + std::to_string(node) + ";\n";
  for (const auto& [link, rounds] : links) {
    text += fmt::format("  {} -> {}{};\n", link.first, link.second,
                        schedule.is_static() ? "" : fmt::format(R"( [label="{}"])", rounds));
  }
  return text + "}\n";
}

Mixing mixing_of(const LinkSchedule& schedule) {
  LACONIC_CHECK(schedule.period() > 0 && schedule.nodes() <= kMaxMixingNodes,
                "period " << schedule.period() << ", " << schedule.nodes() << " nodes");
  Mixing mixing;
  Eigen::MatrixXd product = dense(*schedule.at(0));
  for (std::uint64_t round = 1; round < schedule.period(); ++round) product = dense(*schedule.at(round)) * product;
  const double average = 1.0 / schedule.nodes();
  if ((product.array() - average).abs().maxCoeff() < 1e-12) {
    mixing.exact = true;
    return mixing;
  }
  std::vector<double> magnitudes;
  const Eigen::VectorXcd eigenvalues = product.eigenvalues();
  for (Eigen::Index i = 0; i < eigenvalues.size(); ++i) magnitudes.push_back(std::abs(eigenvalues[i]));
  std::sort(magnitudes.begin(), magnitudes.end(), std::greater<>());
  if (magnitudes.size() > 1) mixing.factor = std::pow(magnitudes[1], 1.0 / static_cast<double>(schedule.period()));
  return mixing;
}

}  // namespace laconic
