// QG-DSGDm: D-PSGD with quasi-global momentum, for data that differ between workers (Lin et al. 2021, algorithm 1).
//
//   m := b h_i + g_i;  y_i := x_i - eta m              nesterov: y_i := x_i - eta (g_i + b m)
//   x'_i := sum_j w_ij y_j
//   h_i := b h_i + (1 - b) (x_i - x'_i) / eta;  x_i := x'_i
//
//   x_i   params      h_i   momentum_     b    options: momentum (the paper's beta and mu, which it takes equal)
//   g_i   the gradient at x_i, with the optimizer's weight decay in it     eta   the learning rate of the step
//
// What local momentum remembers are the gradients of a worker's own data; h remembers how the model moved, neighbours
// included, so that it follows the common gradient at no cost in bytes. The learner takes the plain step x_i - eta g_i.
// In a step with eta = 0 h stays. Buffers that travel with the model have no momentum. Needs a connected undirected
// graph. Invariant (C1): the gossip part leaves the average of the models as it is. With b = 0 it is D-PSGD,
// adapt-then-combine. Messages: every step d float32 to each neighbour.

#include "kernels/vector_ops.h"
#include "mechanisms/finish.h"
#include "mechanisms/gossip.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

class QgDsgdm final : public Strategy {
 public:
  QgDsgdm(float momentum, bool nesterov, std::shared_ptr<const MixingMatrix> mixing, std::size_t size)
      : share_(momentum), nesterov_(nesterov), mixing_(std::move(mixing)), momentum_(size, 0.0F), before_(size) {}

  Task<void> round(Worker& self) override {
    const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = self.comm().next_round()};
    co_await self.comm().compute(before_.size(), [&] { kernels::copy(self.params(), before_); });
    co_await self.local_step();
    const double rate = self.learning_rate();
    Frame own;
    co_await self.compute([&] {
      push(static_cast<float>(rate), self.params().first(self.trained_size()));
      own = Frame(header, std::span<const float>(self.params()));
    });
    const std::vector<NeighborFrame> received = co_await exchange(self.comm(), *mixing_, own);
    co_await mix_models(self, own, received);
    co_await self.compute([&] {
      if (rate == 0.0) return;
      const std::size_t trained = self.trained_size();
      const std::span<float> momentum = std::span(momentum_).first(trained);
      kernels::scale(share_, momentum);
      kernels::axpy_difference(static_cast<float>((1.0 - share_) / rate), std::span(before_).first(trained),
                               self.params().first(trained), momentum);
    });
    self.synchronised();
  }

  void archive(Archive& archive) override { archive.floats("qg_dsgdm.momentum", momentum_); }

 private:
  // y_i of x_i - eta g_i, of what is trained.
  void push(float rate, std::span<float> params) const {
    if (nesterov_) {  // - b eta g_i
      kernels::axpy_difference(share_, params, std::span(before_).first(params.size()), params);
    }
    kernels::axpy(-rate * share_ * (nesterov_ ? share_ : 1.0F), std::span(momentum_).first(params.size()), params);
  }

  float share_;
  bool nesterov_;
  std::shared_ptr<const MixingMatrix> mixing_;
  std::vector<float> momentum_;
  std::vector<float> before_;  // x_i before the step, scratch
};

const std::vector<OptionSpec> kOptions = {
    {.name = "momentum",
     .type = OptionType::kNumber,
     .default_value = "0.9",
     .minimum = 0,
     .maximum = 0.9999999,
     .help = "factor of the quasi-global momentum; 0: none"},
    {.name = "nesterov", .type = OptionType::kFlag, .default_value = "false", .help = "momentum in Nesterov's form"},
    finish_option()};

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const auto momentum = static_cast<float>(options.number("momentum"));
  return with_finish(options, setting,
                     [=, nesterov = options.flag("nesterov"), mixing = setting.mixing, size = setting.dimension] {
                       return std::make_unique<QgDsgdm>(momentum, nesterov, mixing, size);
                     });
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  return with_finish(options, setting, model_traffic(setting));
}

Demands demands(const Options& options) {
  return with_finish(options, {.talks = Talks::kGraph,
                               .local_step = LocalStep::kPlainGradient,
                               .memory = {.vectors = 2},
                               .drive = LoopDrive::kNone});
}

const std::vector<Variant> kVariants = {{.alone = Variant::Alone::kOther},
                                        {.name = "no_momentum", .options = {{"momentum", "0"}}},
                                        {.name = "finish", .options = finish_texts(), .alone = Variant::Alone::kOther}};

}  // namespace

extern const StrategyRow kDPsgd, kQgDsgdm;
const StrategyRow kQgDsgdm = {
    .name = "qg_dsgdm",
    .help = "d_psgd with a momentum that follows the neighbourhood, for data that differ between workers",
    .source = "Lin et al. 2021 (QG-DSGDm), algorithm 1",
    .options = kOptions,
    .demands = demands,
    .variants = kVariants,
    .gossip_alone = &kDPsgd,
    .make = make,
    .traffic = traffic};

}  // namespace laconic
