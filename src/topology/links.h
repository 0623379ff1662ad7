// Directed links: who sends to whom in one round, and how much of what it has it gives to each.
//
// The matrix P of a round has p_ij > 0 where j sends to i. Each sender j divides what it has: its links and what it
// keeps, p_jj, add up to 1, so that P is column-stochastic and the sum over all nodes stays as it is under x := P x.
// What each receiver gets need not add up to 1: push-sum divides by the weights that come along (Kempe, Dobra and
// Gehrke 2003; Assran et al. 2019).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "topology/mixing.h"

namespace laconic {

// `from` gives `to` the fraction `weight` of what it has.
struct Link {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  double weight = 0.0;
};

// P, of which only what is not zero is stored. Immutable.
class LinkMatrix {
 public:
  // Links in any order. Throws UsageError that names the nodes for a node out of range, a link from a node to itself, a
  // link given twice, a weight outside (0, 1], a node whose links add up to more than 1, and a size beyond kMaxNodes or
  // 2 kMaxEdges.
  LinkMatrix(std::uint32_t nodes, std::vector<Link> links);
  // Each sender divides evenly between its receivers and itself: 1 / (out-degree + 1).
  static LinkMatrix evenly(std::uint32_t nodes, const std::vector<std::pair<std::uint32_t, std::uint32_t>>& from_to);

  std::uint32_t nodes() const { return static_cast<std::uint32_t>(self_weights_.size()); }
  std::size_t links() const { return receivers_.size(); }
  // p_jj >= 0.
  double self_weight(Rank node) const { return self_weights_[index(node)]; }
  // The receivers i of what `node` sends with p_{i,node}, and the senders j to it with p_{node,j}; both ascending by
  // rank, without the node itself. Valid as long as the matrix.
  std::span<const WeightedNeighbor> receivers(Rank node) const { return part(receivers_, receivers_of_, node); }
  std::span<const WeightedNeighbor> senders(Rank node) const { return part(senders_, senders_of_, node); }
  // Whether what every node gets and keeps adds up to 1 too, to rounding: averages then need no weights.
  bool doubly_stochastic() const;
  // result := P x. Both of nodes() elements, not overlapping.
  void multiply(std::span<const double> x, std::span<double> result) const;

 private:
  std::size_t index(Rank node) const;
  std::span<const WeightedNeighbor> part(const std::vector<WeightedNeighbor>& all,
                                         const std::vector<std::size_t>& offsets, Rank node) const {
    const std::size_t at = index(node);
    return std::span(all).subspan(offsets[at], offsets[at + 1] - offsets[at]);
  }

  std::vector<double> self_weights_;
  std::vector<std::size_t> receivers_of_;  // n + 1: where the receivers of a node begin
  std::vector<std::size_t> senders_of_;
  std::vector<WeightedNeighbor> receivers_;
  std::vector<WeightedNeighbor> senders_;
};

}  // namespace laconic
