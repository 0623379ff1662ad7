// CHOCO-SGD: gossip of compressed differences (Koloskova et al. 2020, algorithm 2, and 6, the memory-efficient form;
// 2019, algorithm 2), and with a trigger (SPARQ-SGD, Singh et al. 2020, algorithm 1, with a check in every step).
//
//   overlap:             x_i += gamma D_i;  q_i := C(x_i - xhat_i);  exchange q while g_i is computed at x_i;
//                        xhat_j += q_j;  x_i -= eta u(g_i)
//   adapt-then-combine:  x_i -= eta u(g_i);  q_i := C(x_i - xhat_i);  exchange q;
//                        xhat_j += q_j;  x_i += gamma D_i
//
//   trigger c:           q_i := C(x_i - xhat_i) where ||x_i - xhat_i||^2 > c, else q_i := 0 and node i is silent
//
//   x_i            params                       xhat_i  replicas_.replica()
//   D_i            replicas_.difference(), which is sum_j w_ij (xhat_j - xhat_i) (C3)
//   C              the job's operator           gamma   options
//   eta u(g)       what the local optimiser step takes off; momentum is local and never sent
//
// Needs a connected undirected graph that does not change. Any operator converges for a gamma small enough for it.
// Invariants: C1 the gossip part leaves the average of the models as it is; C2 what neighbours hold of xhat_i is
// xhat_i; C3. With C = id and gamma = 1 it is D-PSGD. Messages: every step one message to each neighbour; a silent
// node's is an empty frame, so that nobody has to guess.
//
// c = 0 means that a node always speaks. SPARQ lets c fall with eta^2, as the steps grow smaller; here it is one number
// that is easy to read: a node that is silent is within sqrt(c) of what its neighbours think of it. With a learning
// rate that falls the same c makes nodes more silent towards the end.
#include "kernels/vector_ops.h"
#include "mechanisms/finish.h"
#include "mechanisms/replicas.h"
#include "protocol/strategy.h"
#include "topology/spectrum.h"

namespace laconic {
namespace {

class Choco final : public Strategy {
 public:
  Choco(bool overlap, const GammaSchedule& gamma, double trigger, Replicas replicas, std::size_t size)
      : overlap_(overlap), gamma_(gamma), trigger_(trigger), replicas_(std::move(replicas)), difference_(size) {}

  Task<void> round(Worker& self) override {
    const Step step_of_round = self.step();
    if (overlap_) {
      co_await combine(self, step_of_round);
      const Frame own = co_await encode(self, step_of_round);
      PendingStep step = self.begin_local_step();
      const Replicas::Exchanged exchanged = co_await replicas_.exchange_frames(self, own);
      co_await step.done();
      co_await replicas_.apply(self, exchanged);
    } else {
      co_await self.local_step();
      const Frame own = co_await encode(self, step_of_round);
      const Replicas::Exchanged exchanged = co_await replicas_.exchange_frames(self, own);
      co_await replicas_.apply(self, exchanged);
      co_await combine(self, step_of_round);
    }
    if (sent_) self.synchronised();
  }

  void archive(Archive& archive) override { replicas_.archive(archive); }

 private:
  // x_i += gamma D_i
  Task<void> combine(Worker& self, Step step) {
    co_await self.compute([&] { kernels::axpy(gamma_.at(step), replicas_.difference(), self.params()); });
  }

  Task<Frame> encode(Worker& self, Step step) {
    double distance = 0.0;
    co_await self.compute([&] {
      kernels::subtract(self.params(), replicas_.replica(), difference_);
      if (trigger_ > 0.0) distance = kernels::squared_norm(difference_);
    });
    if (trigger_ > 0.0) self.measured("squared_distance", distance);
    sent_ = !(trigger_ > 0.0 && distance <= trigger_) || replicas_.asks();
    if (!sent_) co_return replicas_.silence(self);
    co_return co_await replicas_.encode(self, step, difference_, Traffic::kModel);
  }

  bool overlap_;
  GammaSchedule gamma_;
  double trigger_;
  Replicas replicas_;
  std::vector<float> difference_;  // scratch
  bool sent_ = true;               // in the round under way
};

const std::vector<OptionSpec> kOptions = {gamma_option("0.1"),
                                          order_option(),
                                          replicas_start_option(),
                                          replicas_form_option(),
                                          {.name = "trigger",
                                           .type = OptionType::kNumber,
                                           .default_value = "0",
                                           .minimum = 0,
                                           .help = "a worker sends only if its model is further than this from its "
                                                   "public copy (squared L2; 0: always; inf: never)"},
                                          finish_option()};

Replicas::Form form_of(const Options& options) {
  return options.text("replicas") == "each" ? Replicas::Form::kEach : Replicas::Form::kSum;
}

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const bool overlap = options.text("order") == "overlap";
  const GammaSchedule gamma = read_gamma(options);
  const double trigger = options.number("trigger");
  const SharedVector start(options.text("xhat_start") == "zero" ? std::vector<float>() : setting.start);
  const Replicas::Form form = form_of(options);
  return with_finish(options, setting,
                     [=, mixing = setting.mixing, compressor = setting.compressor, size = setting.dimension] {
                       return std::make_unique<Choco>(overlap, gamma, trigger,
                                                      Replicas(mixing, compressor(), size, start, form), size);
                     });
}

Demands demands(const Options& options) {
  return with_finish(options, {.talks = Talks::kGraph,
                               .compression = Compression::kRequired,
                               .gossip = {.moves_before_step = options.text("order") == "overlap",
                                          .stops_at_floor = options.number("trigger") > 0.0},
                               .memory = {.vectors = 3, .per_neighbor = form_of(options) == Replicas::Form::kEach}});
}

const std::vector<Variant> kVariants = {
    {},
    {.name = "adapt_then_combine", .options = {{"order", "adapt-then-combine"}}},
    {.name = "each", .options = {{"replicas", "each"}}},
    {.name = "trigger", .options = {{"trigger", "0.5"}}, .payload = Variant::Payload::kAtMost},
    {.name = "finish", .options = finish_texts()}};

const std::vector<GossipAloneOption> kAloneOptions = {{.name = "order", .text = "adapt-then-combine"},
                                                      {.name = "xhat_start", .text = "zero"},
                                                      {.name = "replicas", .text = "each", .job_decides = true},
                                                      {.name = "trigger", .text = "0"},
                                                      finish_alone()};

// Koloskova et al. 2019, theorem 2.
GossipProof proof(const Spectrum& spectrum, double omega) {
  return {.gamma = gamma_star(spectrum.delta, spectrum.beta, omega),
          .factor = 1.0 - spectrum.delta * spectrum.delta * omega / 82.0};
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  TrafficFormula formula = message_traffic(setting, Replicas::kPayloadOverhead);
  if (options.number("trigger") > 0.0) {  // a synchronisation is a round in which a worker speaks: the data decide
    formula.steps_per_sync = 0;
    formula.depends_on_values = true;
  }
  return with_finish(options, setting, formula);
}

}  // namespace

extern const StrategyRow kChoco;
const StrategyRow kChoco = {.name = "choco",
                            .help = "gossip of compressed differences to public copies; any operator works",
                            .source = "Koloskova et al. 2020 (CHOCO-SGD), algorithms 2 and 6",
                            .options = kOptions,
                            .demands = demands,
                            .variants = kVariants,
                            .alone_options = kAloneOptions,
                            .proof = proof,
                            .make = make,
                            .traffic = traffic};

}  // namespace laconic
