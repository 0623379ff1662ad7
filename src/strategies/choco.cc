// CHOCO-SGD: gossip of compressed differences (Koloskova et al. 2020, algorithm 2, and 6, the memory-efficient form;
// 2019, algorithm 2).
//
//   overlap:             x_i += gamma D_i;  q_i := C(x_i - xhat_i);  exchange q while g_i is computed at x_i;
//                        xhat_j += q_j;  x_i -= eta u(g_i)
//   adapt-then-combine:  x_i -= eta u(g_i);  q_i := C(x_i - xhat_i);  exchange q;
//                        xhat_j += q_j;  x_i += gamma D_i
//
//   x_i            params                       xhat_i  replicas_.replica()
//   D_i            replicas_.difference(), which is sum_j w_ij (xhat_j - xhat_i) (C3)
//   C              the job's operator           gamma   options
//   eta u(g)       what the local optimiser step takes off; momentum is local and never sent
//
// Needs a connected undirected graph that does not change. Any operator converges for a gamma small enough for it.
// Invariants: C1 the gossip part leaves the average of the models as it is; C2 what neighbours hold of xhat_i is
// xhat_i; C3. With C = id and gamma = 1 it is D-PSGD. Messages: every step one message to each neighbour.
#include "kernels/vector_ops.h"
#include "strategies/replicas.h"
#include "strategies/rows.h"

namespace laconic {
namespace {

class Choco final : public Strategy {
 public:
  Choco(bool overlap, float gamma, Replicas replicas, std::size_t size)
      : overlap_(overlap), gamma_(gamma), replicas_(std::move(replicas)), difference_(size) {}

  Task<void> round(Worker& self) override {
    if (overlap_) {
      co_await combine(self);
      const Frame own = co_await encode(self);
      PendingStep step = self.begin_local_step();
      const Replicas::Exchanged exchanged = co_await replicas_.exchange_frames(self, own);
      co_await step.done();
      co_await replicas_.apply(self, exchanged);
    } else {
      co_await self.local_step();
      const Frame own = co_await encode(self);
      const Replicas::Exchanged exchanged = co_await replicas_.exchange_frames(self, own);
      co_await replicas_.apply(self, exchanged);
      co_await combine(self);
    }
    self.synchronised();
  }

  void archive(Archive& archive) override { replicas_.archive(archive); }

 private:
  // x_i += gamma D_i
  Task<void> combine(Worker& self) {
    co_await self.compute([&] { kernels::axpy(gamma_, replicas_.difference(), self.params()); });
  }

  Task<Frame> encode(Worker& self) {
    co_await self.compute([&] { kernels::subtract(self.params(), replicas_.replica(), difference_); });
    co_return co_await replicas_.encode(self, difference_, Traffic::kModel);
  }

  bool overlap_;
  float gamma_;
  Replicas replicas_;
  std::vector<float> difference_;  // scratch
};

const std::vector<OptionSpec> kOptions = {gamma_option("0.1"), order_option(), replicas_start_option(),
                                          replicas_form_option()};

Replicas::Form form_of(const Options& options) {
  return options.text("replicas") == "each" ? Replicas::Form::kEach : Replicas::Form::kSum;
}

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const bool overlap = options.text("order") == "overlap";
  const float gamma = read_gamma(options);
  const SharedVector start(options.text("xhat_start") == "zero" ? std::vector<float>() : setting.start);
  const Replicas::Form form = form_of(options);
  return [=, mixing = setting.mixing, compressor = setting.compressor, size = setting.dimension] {
    return std::make_unique<Choco>(overlap, gamma, Replicas(mixing, compressor(), size, start, form), size);
  };
}

TrafficFormula traffic(const Options&, const StrategySetting& setting) {
  return message_traffic(setting, Replicas::kPayloadOverhead);
}

}  // namespace

const StrategyRow kChoco = {
    .name = "choco",
    .help = "gossip of compressed differences to public copies; any operator works",
    .source = "Koloskova et al. 2020 (CHOCO-SGD), algorithms 2 and 6",
    .options = kOptions,
    .needs_graph = true,
    .compresses = true,
    .moves_first = [](const Options& options) { return options.text("order") == "overlap"; },
    .vectors = 3,
    .one_for_each_neighbor = [](const Options& options) { return form_of(options) == Replicas::Form::kEach; },
    .make = make,
    .traffic = traffic};

}  // namespace laconic
