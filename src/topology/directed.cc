// Schedules of directed links that follow from their size, and random ones.
#include <array>
#include <bit>

#include "base/random.h"
#include "topology/families.h"

namespace laconic {
namespace {

using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
using Schedule = std::shared_ptr<const LinkSchedule>;

std::uint32_t nodes_of(const TopologyRequest& request) {
  const std::uint32_t nodes = request.nodes();
  if (nodes < 2) request.fail("one node has nobody to send to; take at least two");
  return nodes;
}

// Every node sends `distance` nodes ahead.
void add_ahead(Pairs& pairs, std::uint32_t nodes, std::uint32_t distance) {
  for (std::uint32_t node = 0; node < nodes; ++node) pairs.emplace_back(node, (node + distance) % nodes);
}

// ceil(log2 n), n >= 2.
std::uint32_t exponents(std::uint32_t nodes) { return static_cast<std::uint32_t>(std::bit_width(nodes - 1)); }

Schedule periodic(std::vector<LinkMatrix> rounds) { return std::make_shared<LinkSchedule>(std::move(rounds)); }

}  // namespace

Schedule make_directed_ring(const TopologyRequest& request) {
  const std::uint32_t nodes = nodes_of(request);
  Pairs pairs;
  add_ahead(pairs, nodes, 1);
  return periodic({LinkMatrix::evenly(nodes, pairs)});
}

Schedule make_one_peer(const TopologyRequest& request) {
  const std::uint32_t nodes = nodes_of(request);
  std::vector<LinkMatrix> rounds;
  for (std::uint32_t exponent = 0; exponent < exponents(nodes); ++exponent) {
    Pairs pairs;
    add_ahead(pairs, nodes, 1U << exponent);
    rounds.push_back(LinkMatrix::evenly(nodes, pairs));
  }
  return periodic(std::move(rounds));
}

Schedule make_exponential(const TopologyRequest& request) {
  const std::uint32_t nodes = nodes_of(request);
  Pairs pairs;
  for (std::uint32_t exponent = 0; exponent < exponents(nodes); ++exponent) add_ahead(pairs, nodes, 1U << exponent);
  return periodic({LinkMatrix::evenly(nodes, pairs)});
}

Schedule make_rotating(const TopologyRequest& request) {
  // Whom node i sends to in a round, round after round: the next, the one before, then four permutations.
  constexpr std::uint32_t kNodes = 8;
  constexpr std::array<std::array<std::uint32_t, kNodes>, 6> kReceivers = {{{1, 2, 3, 4, 5, 6, 7, 0},
                                                                            {7, 0, 1, 2, 3, 4, 5, 6},
                                                                            {2, 5, 4, 6, 7, 3, 0, 1},
                                                                            {6, 7, 0, 5, 2, 1, 3, 4},
                                                                            {3, 4, 7, 1, 6, 0, 2, 5},
                                                                            {5, 3, 6, 0, 1, 7, 4, 2}}};
  static_cast<void>(request);
  std::vector<LinkMatrix> rounds;
  for (const auto& receivers : kReceivers) {
    Pairs pairs;
    for (std::uint32_t node = 0; node < kNodes; ++node) pairs.emplace_back(node, receivers[node]);
    rounds.push_back(LinkMatrix::evenly(kNodes, pairs));
  }
  return periodic(std::move(rounds));
}

Schedule make_random_out(const TopologyRequest& request) {
  const std::uint32_t nodes = nodes_of(request);
  const std::uint32_t degree = request.whole_number(request.parameter, "number of receivers", 1, nodes - 1);
  if (std::uint64_t{nodes} * degree > 2 * kMaxEdges) {
    request.fail("it would have more than " + std::to_string(2 * kMaxEdges) +
                 " links a round; take fewer receivers or nodes");
  }
  const auto draw = [nodes, degree, seed = request.seed](std::uint64_t round) {
    RandomStream stream(seed, "random receivers", {round});
    Pairs pairs;
    for (std::uint32_t node = 0; node < nodes; ++node) {
      for (const std::uint32_t other : random_subset(stream, degree, nodes - 1)) {
        pairs.emplace_back(node, other + (other >= node ? 1 : 0));
      }
    }
    return LinkMatrix::evenly(nodes, pairs);
  };
  return std::make_shared<LinkSchedule>(nodes, draw);
}

}  // namespace laconic
