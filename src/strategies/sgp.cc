// SGP: stochastic gradient push, exact models over directed links (Assran et al. 2019, algorithms 1 and 2).
//
//   adapt-then-combine  x_i -= eta u(g_i);  send x_i, y_i;  x_i := sum_j p_ij x_j;  y_i := sum_j p_ij y_j
//   overlap             the same with what x_i was before the step: sent while g_i is computed, and the step added to
//                       the sum
//
//   x_i   sum_.numerators()     y_i   sum_.weight()     z_i = x_i / y_i   params, at which g_i is taken
//   p_ij  the links of the step's round     eta u(g)  what the local optimiser step takes off z_i
//
// Needs links that join all nodes over time. Invariants: S1 sum_i y_i = n to the bit and sum_i x_i changes by the steps
// alone; S4 where every node also gets 1 in all it is D-PSGD; S5 then y stays 1. Messages: every step d float32 and y to
// each receiver.
#include "kernels/vector_ops.h"
#include "strategies/push_sum.h"
#include "strategies/rows.h"

namespace laconic {
namespace {

class Sgp final : public Strategy {
 public:
  Sgp(bool overlap, std::shared_ptr<const LinkSchedule> links) : overlap_(overlap), links_(std::move(links)) {}

  Task<void> round(Worker& self) override {
    sum_.begin(self);
    const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = self.comm().next_round()};
    const std::shared_ptr<const LinkMatrix> links = links_->at(self.step().value);
    if (overlap_) {
      const Frame own = encode(header);
      PendingStep step = self.begin_local_step();
      const std::vector<NeighborFrame> received = co_await exchange_over_links(self.comm(), *links, {&own, 1}, header);
      co_await step.done();
      // The step is added to what is left of x_i, which no message has seen.
      co_await self.compute([&] {
        sum_.take_step(self.params());
        combine(self, *links, own, received);
      });
    } else {
      co_await self.local_step();
      co_await self.compute([&] { sum_.take_step(self.params()); });
      const Frame own = encode(header);
      const std::vector<NeighborFrame> received = co_await exchange_over_links(self.comm(), *links, {&own, 1}, header);
      co_await self.compute([&] { combine(self, *links, own, received); });
    }
    self.synchronised();
  }

  void archive(Archive& archive) override { sum_.archive(archive, kMaxPayloadSize / sizeof(float)); }

 private:
  Frame encode(const FrameHeader& header) {
    const std::span<const std::byte> bytes = std::as_bytes(sum_.numerators());
    return sum_.frame(header, bytes.size(),
                      [&](std::span<std::byte> out) { std::copy(bytes.begin(), bytes.end(), out.begin()); });
  }

  // x_i += sum_j p_ij x_j - (1 - p_ii) x_i, all as sent.
  void combine(Worker& self, const LinkMatrix& links, const Frame& own, const std::vector<NeighborFrame>& received) {
    const std::span<float> x = sum_.numerators();
    const auto models = [&](const Frame& frame) {
      const std::span<const std::byte> message = parse_push(frame, links.nodes()).message;
      if (message.size() != x.size_bytes()) {
        throw DecodeError("a model of " + std::to_string(message.size()) + " bytes instead of " +
                          std::to_string(x.size_bytes()));
      }
      return std::span(reinterpret_cast<const float*>(message.data()), x.size());
    };
    const auto receivers = links.receivers(self.rank());
    kernels::axpy(-given_fraction(receivers, 1.0), models(own), x);
    give_weight(sum_.weight(), receivers, 1.0);
    for (const NeighborFrame& neighbor : received) {
      read_from(self, neighbor.from.rank, [&] {
        const std::span<const float> model = models(neighbor.frame);
        if (!kernels::all_finite(model)) throw DecodeError("a model with a value that is not finite");
        kernels::axpy(static_cast<float>(neighbor.from.weight), model, x);
        sum_.weight() += parse_push(neighbor.frame, links.nodes()).weight.share(neighbor.from.weight);
      });
    }
    sum_.set_model(self);
  }

  bool overlap_;
  std::shared_ptr<const LinkSchedule> links_;
  PushSum sum_;
};

}  // namespace
}  // namespace laconic
