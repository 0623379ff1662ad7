// PowerGossip: gossip of rank-1 differences between neighbours (Vogels et al. 2020, algorithm 1).
//
// After the local step, for every edge (i, j), i < j, and every tensor as a matrix X of m x n, `iterations` times:
//
//   exchange X_i q, X_j q;      p := (X_i q - X_j q) / ||X_i q - X_j q||
//   exchange X_i^T p, X_j^T p;  r := X_i^T p - X_j^T p;  q := r / ||r||
//
// and then, with the p and r of all edges, X_i -= sum_j w_ij p r^T where i < j and += where i > j.
//
//   X   params, a tensor's first dimension against the others (compress::Matrix)     w_ij   mixing
//   q   starts_, one for each edge and matrix: Gaussian at first, then the r of the step before, so that successive
//       steps are a power iteration on the difference. Where r = 0 nothing changes, and q is drawn anew.
//
// Both ends compute p, r and q from the same floats in the same way, lower rank minus higher, so these are
// bit-identical without being sent. p p^T is a projection and W's rows are not negative: no step size is needed.
// Tensors of one dimension, and those that the vectors would not make smaller, travel whole and are averaged as in
// D-PSGD. Needs a connected undirected graph that does not change. Invariant (C1): the gossip part leaves the average
// of the models as it is. Messages, every step, to each neighbour, all of float32:
//
//   (X q)* rest     first iteration; rest: the tensors that travel whole
//   (X q)*          further ones
//   (X^T p)*        after each of them; no such frames where no tensor is a matrix
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "compress/matrices.h"
#include "kernels/vector_ops.h"
#include "mechanisms/finish.h"
#include "mechanisms/gossip.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

using compress::Matrix;
using compress::Run;

struct Plan {
  compress::Matrices tensors;
  std::uint64_t iterations = 1;
  // Floats in the messages.
  std::size_t left = 0;   // all X q
  std::size_t right = 0;  // all X^T p
  std::size_t rest = 0;
};

Plan plan_of(const Options& options, const StrategySetting& setting) {
  LACONIC_CHECK(setting.layout.size == setting.dimension, setting.layout.size << " elements for " << setting.dimension);
  Plan plan;
  plan.iterations = options.integer("iterations");
  plan.tensors = compress::matrices_of(setting.layout, plan.iterations);
  for (const Matrix& matrix : plan.tensors.matrices) {
    plan.left += matrix.rows;
    plan.right += matrix.cols;
  }
  for (const Run& run : plan.tensors.rest) plan.rest += run.size;
  if (plan.right == 0) plan.iterations = 1;
  return plan;
}

// difference = lower - higher. Returns its norm.
double subtract(std::span<const float> lower, std::span<const float> higher, std::vector<double>& difference) {
  difference.resize(lower.size());
  double squares = 0.0;
  for (std::size_t j = 0; j < lower.size(); ++j) {
    difference[j] = static_cast<double>(lower[j]) - static_cast<double>(higher[j]);
    squares += difference[j] * difference[j];
  }
  return std::sqrt(squares);
}

class PowerGossip final : public Strategy {
 public:
  PowerGossip(const Plan& plan, std::uint64_t seed, std::shared_ptr<const MixingMatrix> mixing)
      : plan_(plan), seed_(seed), mixing_(std::move(mixing)) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    std::vector<Edge> edges;
    for (const WeightedNeighbor& neighbor : mixing_->neighbors(self.rank())) {
      edges.push_back({.to = neighbor,
                       .is_lower = self.rank() < neighbor.rank,
                       .left = std::vector<float>(plan_.left),
                       .right = std::vector<float>(plan_.right)});
    }
    for (std::uint64_t iteration = 0; iteration < plan_.iterations; ++iteration) {
      co_await exchange_left(self, iteration == 0, edges);
      if (plan_.right > 0) co_await exchange_right(self, edges);
    }
    co_await self.compute([&] {
      for (const Edge& edge : edges) apply(edge, self.params());
    });
    self.synchronised();
  }

  void archive(Archive& archive) override {
    archive.vector("power_gossip.starts", starts_, plan_.right * (mixing_->nodes() - 1));
  }

 private:
  struct Edge {
    WeightedNeighbor to;
    bool is_lower = false;     // this node's rank is the lower
    std::vector<float> left;   // every p
    std::vector<float> right;  // every r
    // The tensors that travel whole, as sent by this node and by the other.
    SharedVector own_rest = {};
    SharedVector rest = {};
  };

  // The q of all matrices on an edge.
  std::span<float> starts_of(std::size_t edge) { return std::span(starts_).subspan(edge * plan_.right, plan_.right); }

  // A new q, the same on both ends.
  void draw(Rank a, Rank b, std::size_t matrix, Round round, std::span<float> start) const {
    const auto lower = static_cast<std::uint64_t>(std::min(a, b).value);
    const auto higher = static_cast<std::uint64_t>(std::max(a, b).value);
    RandomStream stream(seed_, "power gossip", {lower, higher, matrix, round.value});
    for (float& value : start) value = static_cast<float>(stream.gaussian());
  }

  void draw_missing_starts(Rank self, Round round, std::span<const Edge> edges) {
    const std::size_t size = edges.size() * plan_.right;
    if (starts_.size() == size) return;
    if (!starts_.empty()) {
      throw DecodeError("state: " + std::to_string(starts_.size()) + " elements of power_gossip's starts instead of " +
                        std::to_string(size));
    }
    starts_.resize(size);
    for (std::size_t e = 0; e < edges.size(); ++e) {
      std::span<float> starts = starts_of(e);
      for (std::size_t k = 0; k < plan_.tensors.matrices.size(); ++k) {
        const std::size_t cols = plan_.tensors.matrices[k].cols;
        draw(self, edges[e].to.rank, k, round, starts.first(cols));
        starts = starts.subspan(cols);
      }
    }
  }

  // Every X q, or every X^T p when `transposed`, into `out`; `vectors` are the q or p one after another.
  void multiply_all(std::span<const float> params, bool transposed, std::span<const float> vectors,
                    std::span<float> out) const {
    std::vector<double> sums;
    for (const Matrix& matrix : plan_.tensors.matrices) {
      const std::size_t given = transposed ? matrix.rows : matrix.cols;
      sums.resize(transposed ? matrix.cols : matrix.rows);
      compress::multiply(params.subspan(matrix.offset, matrix.size()), matrix, transposed, vectors.first(given), sums);
      kernels::finish_mean(sums, 1.0, out.first(sums.size()));
      vectors = vectors.subspan(given);
      out = out.subspan(sums.size());
    }
  }

  // A frame of a message that was computed.
  static Frame frame_of(Worker& self, Round round, std::span<const float> message) {
    if (!kernels::all_finite(message)) {
      throw RunError("training diverged: the model of " + self.comm().name(self.rank()) +
                     " is beyond float32 in step " + std::to_string(self.step().value) +
                     "; lower optimizer.learning_rate");
    }
    return {FrameHeader{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = round}, message};
  }

  static SharedVector message_of(const Worker& self, const NeighborFrame& neighbor, std::size_t size) {
    SharedVector message;
    read_from(self, neighbor.from.rank, [&] {
      message = neighbor.frame.floats(size);
      if (!kernels::all_finite(message)) throw DecodeError("a value that is not finite");
    });
    return message;
  }

  // Exchanges X q, with the rest in the `first` iteration, and makes p of it.
  Task<void> exchange_left(Worker& self, bool first, std::vector<Edge>& edges) {
    const Round round = self.comm().next_round();
    const std::size_t size = plan_.left + (first ? plan_.rest : 0);
    std::vector<Frame> frames;
    co_await self.compute([&] {
      draw_missing_starts(self.rank(), round, edges);
      std::vector<float> message(size);
      std::span<float> rest = std::span(message).subspan(plan_.left);
      if (first) {
        for (const Run& run : plan_.tensors.rest) {
          std::ranges::copy(self.params().subspan(run.offset, run.size), rest.begin());
          rest = rest.subspan(run.size);
        }
      }
      for (std::size_t e = 0; e < edges.size(); ++e) {
        multiply_all(self.params(), false, starts_of(e), std::span(message).first(plan_.left));
        frames.push_back(frame_of(self, round, message));
      }
    });
    const std::vector<NeighborFrame> received = co_await exchange_each(self.comm(), *mixing_, frames);
    co_await self.compute([&] {
      for (std::size_t e = 0; e < edges.size(); ++e) {
        const SharedVector own = frames[e].floats(size);
        const SharedVector theirs = message_of(self, received[e], size);
        normalised_differences(own, theirs, edges[e]);
        if (!first) continue;
        edges[e].own_rest = own;
        edges[e].rest = theirs;
      }
    });
  }

  void normalised_differences(std::span<const float> own, std::span<const float> theirs, Edge& edge) const {
    const std::span<const float> lower = edge.is_lower ? own : theirs;
    const std::span<const float> higher = edge.is_lower ? theirs : own;
    std::vector<double> difference;
    std::size_t at = 0;
    for (const Matrix& matrix : plan_.tensors.matrices) {
      const double norm = subtract(lower.subspan(at, matrix.rows), higher.subspan(at, matrix.rows), difference);
      kernels::finish_mean(difference, norm > 0.0 ? norm : 1.0, std::span(edge.left).subspan(at, matrix.rows));
      at += matrix.rows;
    }
  }

  // Exchanges X^T p, and makes r and the next q of it.
  Task<void> exchange_right(Worker& self, std::vector<Edge>& edges) {
    const Round round = self.comm().next_round();
    std::vector<Frame> frames;
    co_await self.compute([&] {
      std::vector<float> message(plan_.right);
      for (const Edge& edge : edges) {
        multiply_all(self.params(), true, edge.left, message);
        frames.push_back(frame_of(self, round, message));
      }
    });
    const std::vector<NeighborFrame> received = co_await exchange_each(self.comm(), *mixing_, frames);
    co_await self.compute([&] {
      for (std::size_t e = 0; e < edges.size(); ++e) {
        const SharedVector own = frames[e].floats(plan_.right);
        const SharedVector theirs = message_of(self, received[e], plan_.right);
        differences(self.rank(), round, own, theirs, edges[e], starts_of(e));
      }
    });
  }

  void differences(Rank self, Round round, std::span<const float> own, std::span<const float> theirs, Edge& edge,
                   std::span<float> starts) const {
    const std::span<const float> lower = edge.is_lower ? own : theirs;
    const std::span<const float> higher = edge.is_lower ? theirs : own;
    std::vector<double> difference;
    std::size_t at = 0;
    for (std::size_t k = 0; k < plan_.tensors.matrices.size(); ++k) {
      const std::size_t cols = plan_.tensors.matrices[k].cols;
      const double norm = subtract(lower.subspan(at, cols), higher.subspan(at, cols), difference);
      kernels::finish_mean(difference, 1.0, std::span(edge.right).subspan(at, cols));
      if (norm > 0.0) {
        kernels::finish_mean(difference, norm, starts.subspan(at, cols));
      } else {
        draw(self, edge.to.rank, k, round, starts.subspan(at, cols));
      }
      at += cols;
    }
  }

  void apply(const Edge& edge, std::span<float> params) const {
    const auto weight = static_cast<float>(edge.to.weight);
    const float towards = edge.is_lower ? -weight : weight;
    std::span<const float> left = edge.left;
    std::span<const float> right = edge.right;
    for (const Matrix& matrix : plan_.tensors.matrices) {
      for (std::size_t i = 0; i < matrix.rows; ++i) {
        kernels::axpy(towards * left[i], right.first(matrix.cols),
                      params.subspan(matrix.offset + i * matrix.cols, matrix.cols));
      }
      left = left.subspan(matrix.rows);
      right = right.subspan(matrix.cols);
    }
    std::span<const float> own = edge.own_rest.values().subspan(plan_.left);
    std::span<const float> theirs = edge.rest.values().subspan(plan_.left);
    for (const Run& run : plan_.tensors.rest) {
      kernels::axpy_difference(weight, theirs.first(run.size), own.first(run.size),
                               params.subspan(run.offset, run.size));
      own = own.subspan(run.size);
      theirs = theirs.subspan(run.size);
    }
  }

  Plan plan_;
  std::uint64_t seed_;
  std::shared_ptr<const MixingMatrix> mixing_;
  std::vector<float> starts_;  // of one edge after another; empty before the first step
};

const std::vector<OptionSpec> kOptions = {{.name = "iterations",
                                           .type = OptionType::kInteger,
                                           .default_value = "1",
                                           .minimum = 1,
                                           .maximum = 16,
                                           .help = "power iterations per step; each costs bytes and two latencies"},
                                          finish_option()};

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  return with_finish(options, setting,
                     [plan = plan_of(options, setting), seed = setting.seed, mixing = setting.mixing] {
                       return std::make_unique<PowerGossip>(plan, seed, mixing);
                     });
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  const Plan plan = plan_of(options, setting);
  const std::uint64_t floats = plan.iterations * (plan.left + plan.right) + plan.rest;
  TrafficFormula formula;
  formula.sync(Traffic::kModel) = gossip_payload(*setting.mixing, floats * sizeof(float));
  formula.steps_per_sync = 1;
  return with_finish(options, setting, formula);
}

const std::vector<Variant> kVariants = {{}, {.name = "finish", .options = finish_texts()}};

}  // namespace

extern const StrategyRow kPowerGossip;
const StrategyRow kPowerGossip = {
    .name = "power_gossip",
    .help = "gossip of rank-1 differences between neighbours, without a step size",
    .source = "Vogels et al. 2020 (PowerGossip), algorithm 1",
    .options = kOptions,
    .demands = [](const Options& options) { return with_finish(options, {.talks = Talks::kGraph}); },
    .variants = kVariants,
    .make = make,
    .traffic = traffic};

}  // namespace laconic
