// Base-(k+1) graphs: k links a node and round at most, and after finitely many rounds all nodes hold exactly the
// average, for any number of nodes (Takezawa et al., NeurIPS 2023, arXiv 2305.11420).
//
//   H_k(V)      |V| = n_1 n_2 ... n_L, all n_l <= k + 1: in round l the nodes that differ in digit l alone, n_l of
//               them, average among each other (algorithm 1).
//   simple(V)   |V| = a_1 (k+1)^p_1 + ... + a_L (k+1)^p_L, p_1 > ... > p_L, a_l <= k: V is cut into V_1 ... V_L.
//               Each V_l averages by H_k. Then, for l = 1, 2, ..., every node of the rest R_l = V_(l+1) .. V_L meets
//               one node of each of the a_l parts of V_l that have (k+1)^p_l nodes, with weight
//               (k+1)^p_l / |V_l and R_l|: the rest then has the average on the average, and so has each part of V_l,
//               which averages by H_k once more while V_(l+1) meets its own rest (algorithm 2).
//   base(V)     |V| = p q, p the largest divisor without a prime factor above k + 1: simple() in p groups of q nodes,
//               then H_k across them, where that takes fewer rounds than simple(V) (algorithm 3).
#include <algorithm>
#include <map>

#include "base/error.h"
#include "topology/families.h"

namespace laconic {
namespace {

using Nodes = std::vector<std::uint32_t>;
// The edges of each round, with the weight in both directions.
struct WeightedEdge {
  std::uint32_t a = 0;
  std::uint32_t b = 0;
  double weight = 0.0;
};
using Rounds = std::vector<std::vector<WeightedEdge>>;

void place(Rounds& rounds, std::size_t at, const Rounds& part) {
  rounds.resize(std::max(rounds.size(), at + part.size()));
  for (std::size_t i = 0; i < part.size(); ++i) {
    rounds[at + i].insert(rounds[at + i].end(), part[i].begin(), part[i].end());
  }
}

// The fewest factors in 2 .. largest that make n, the largest first; empty for 1. Those of a number with a larger prime
// factor do not exist: `exists` is false then.
struct Factors {
  bool exists = false;
  std::vector<std::uint32_t> values;
};
Factors factors_of(std::uint32_t n, std::uint32_t largest, std::map<std::uint32_t, Factors>& known) {
  if (n == 1) return {true, {}};
  if (const auto found = known.find(n); found != known.end()) return found->second;
  Factors best;
  for (std::uint32_t factor = std::min(largest, n); factor >= 2; --factor) {
    if (n % factor != 0) continue;
    Factors rest = factors_of(n / factor, largest, known);
    if (!rest.exists || (best.exists && rest.values.size() + 1 >= best.values.size())) continue;
    best = std::move(rest);
    best.exists = true;
    best.values.push_back(factor);
  }
  return known[n] = best;
}

Rounds hyper_hypercube(const Nodes& nodes, std::uint32_t k) {
  std::map<std::uint32_t, Factors> known;
  const Factors factors = factors_of(static_cast<std::uint32_t>(nodes.size()), k + 1, known);
  LACONIC_CHECK(factors.exists, nodes.size() << " nodes for " << k << " links");
  Rounds rounds;
  std::size_t stride = 1;
  for (const std::uint32_t factor : factors.values) {
    auto& round = rounds.emplace_back();
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const std::size_t digit = i / stride % factor;
      for (std::size_t other = digit + 1; other < factor; ++other) {
        round.push_back({nodes[i], nodes[i + (other - digit) * stride], 1.0 / factor});
      }
    }
    stride *= factor;
  }
  return rounds;
}

Rounds simple_base(const Nodes& nodes, std::uint32_t k) {
  struct Part {  // V_l
    Nodes nodes;
    std::uint32_t pieces = 0;  // a_l
    std::size_t piece = 0;     // (k+1)^p_l
    Nodes of_piece(std::uint32_t i) const {
      const auto begin = nodes.begin() + static_cast<std::ptrdiff_t>(i * piece);
      return {begin, begin + static_cast<std::ptrdiff_t>(piece)};
    }
  };
  std::vector<Part> parts;
  for (std::size_t done = 0; done < nodes.size();) {
    const std::size_t left = nodes.size() - done;
    Part part{.nodes = {}, .pieces = 0, .piece = 1};
    while (part.piece * (k + 1) <= left) part.piece *= k + 1;
    part.pieces = static_cast<std::uint32_t>(left / part.piece);
    const auto begin = nodes.begin() + static_cast<std::ptrdiff_t>(done);
    done += part.pieces * part.piece;
    part.nodes.assign(begin, begin + static_cast<std::ptrdiff_t>(part.pieces * part.piece));
    parts.push_back(std::move(part));
  }
  Rounds rounds;
  for (const Part& part : parts) place(rounds, 0, hyper_hypercube(part.nodes, k));
  if (parts.size() == 1) return rounds;
  std::size_t at = rounds.size();
  std::size_t first = 0;  // of the nodes that V_l and its rest are
  for (std::size_t l = 0; l + 1 < parts.size(); ++l) {
    const Part& part = parts[l];
    const std::size_t together = nodes.size() - first;
    first += part.nodes.size();
    std::vector<WeightedEdge> meetings;
    for (std::size_t i = first; i < nodes.size(); ++i) {
      for (std::uint32_t piece = 0; piece < part.pieces; ++piece) {
        meetings.push_back({part.nodes[piece * part.piece + (i - first)], nodes[i],
                            static_cast<double>(part.piece) / static_cast<double>(together)});
      }
    }
    place(rounds, at, {meetings});
    for (std::uint32_t piece = 0; piece < part.pieces; ++piece) {
      place(rounds, at + 1, hyper_hypercube(part.of_piece(piece), k));
    }
    ++at;
  }
  return rounds;
}

Rounds base(const Nodes& nodes, std::uint32_t k) {
  const auto count = static_cast<std::uint32_t>(nodes.size());
  Rounds simple = simple_base(nodes, k);
  std::uint32_t q = count;
  for (std::uint32_t factor = 2; factor <= k + 1; ++factor) {
    while (q % factor == 0) q /= factor;
  }
  const std::uint32_t p = count / q;
  if (p == 1) return simple;
  Rounds composed;
  for (std::uint32_t group = 0; group < p; ++group) {
    place(composed, 0, simple_base({nodes.begin() + group * q, nodes.begin() + (group + 1) * q}, k));
  }
  const std::size_t then = composed.size();
  for (std::uint32_t i = 0; i < q; ++i) {
    Nodes across;
    for (std::uint32_t group = 0; group < p; ++group) across.push_back(nodes[group * q + i]);
    place(composed, then, hyper_hypercube(across, k));
  }
  return composed.size() < simple.size() ? composed : simple;
}

}  // namespace

std::shared_ptr<const LinkSchedule> make_base(const TopologyRequest& request) {
  const std::uint32_t count = request.nodes();
  if (count < 2) request.fail("one node has nobody to send to; take at least two");
  const std::uint32_t k = request.whole_number(request.parameter, "number of links a round", 1, count - 1);
  if (std::uint64_t{count} * k > 2 * kMaxEdges) {
    request.fail("it would have more than " + std::to_string(2 * kMaxEdges) + " links a round; take fewer");
  }
  Nodes nodes(count);
  for (std::uint32_t i = 0; i < count; ++i) nodes[i] = i;
  std::vector<LinkMatrix> matrices;
  for (const auto& round : base(nodes, k)) {
    std::vector<Link> links;
    for (const WeightedEdge& edge : round) {
      links.push_back({edge.a, edge.b, edge.weight});
      links.push_back({edge.b, edge.a, edge.weight});
    }
    matrices.emplace_back(count, std::move(links));
  }
  return std::make_shared<LinkSchedule>(std::move(matrices));
}

}  // namespace laconic
