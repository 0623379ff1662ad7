// Dynamic model averaging with balancing (Kamp et al. 2018, algorithm 2).
//
//   r := the common start;  v := 0
//   worker i, every b steps:  if ||f_i - r||^2 > Delta, send f_i: a violation
//   coordinator, of the violators S:
//     v += |S|;  if v >= K: S := everyone
//     while S != everyone and ||mean_S f - r||^2 > Delta:  S += augment(S), who are asked for their models
//     g := mean_S f, to every node of S, whose model becomes g;  if S == everyone: r := g everywhere, v := 0
//
//   f_i      params
//   r        the codec's reference()
//   Delta    threshold
//   b        check_every
//   v        violations_
//   augment  balance.h
//   means    weighted by B_i: one each, or a worker's training samples (`weights`)
//
// Two clocks:
//   round-synchronous  A check is a barrier: every worker reports, a violator its model and the others that they are
//                      quiet, and gets a verdict: go on, send your model, or g.            mechanisms/dma_in_rounds.cc
//   asynchronous       Nobody waits. A worker sends its model when it violates, and after that none until the answer
//                      has come; it answers requests, and takes in what came, at its next step. It has trained on since
//                      f_i was sent, so what it makes of g is a correction, f_i += g - (f_i as sent). Silent when
//                      quiet. At a checkpoint all come to rest (rest.h). After its last step a worker waits for the
//                      answer to a model on its way, and says that it leaves: everyone is who has not.
//                                                                                       mechanisms/dma_asynchronous.cc
//
// A model of another size, or that is not finite, is refused: its worker is told and says so, and the round goes on
// without it; so it does without who is late. Such a round is no full synchronisation. Optimiser state stays local.
//
// Needs the common start. Invariants:
//   P1  a balance keeps the weighted mean of all models
//   P2  round-synchronous: after a check the divergence is at most Delta
//   P5  Delta = 0 is `periodic`, Delta = inf is `local`
//
// With a budget Delta is steered by what workers send and receive (budget.h); the coordinator tells the next check's
// with all that it sends.
//
// Where the job compresses, models travel as differences from r (model_codec.h), and a mean corrects the models of S
// instead of replacing them, on both clocks: what a worker's message leaves out stays in its model.
//
//   worker i        sends c_i := C(f_i - r)
//   coordinator     m := mean_S c_i + e / W;  g := r + C(m);  e := W (m - C(m)),  W := sum_S B_i
//   worker i in S   f_i += g - (r + c_i)
//
// What stays counts in the next check's distance, so that a worker tells more of it as long as it is above Delta. P1
// then counts e; of P2 stays that a mean of everyone leaves a divergence of at most (1/K) sum_i ||f_i - r - c_i||^2; P5's
// Delta = 0 is `periodic` for whole models only.
//
// Messages, round-synchronous:
//   up    violation, reply   model
//         quiet              nothing
//   down  mean               model  u8 (1: it is the new reference)  Delta
//         verdict            u8 (go on, send, refused for its form, values, reference)  Delta
//   Delta := f32 (of the next check), with a budget; else nothing
//
// Messages, asynchronous:
//   up    violation, reply   model  u64 (2 * full synchronisations taken in, + 1 if it violates)
//         leaving            nothing
//         resting            rests (rest.h)
//   down  mean               model  u8 (1: it is the new reference)
//         verdict            u8 (as above)  varint (balances sent to the worker)
//         all rest           u8
#include <algorithm>
#include <limits>
#include <utility>

#include "mechanisms/dma_node.h"
#include "mechanisms/weights_option.h"
#include "protocol/strategy.h"

namespace laconic {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  const DmaOptions values = read_dma_options(options);
  const auto workers = static_cast<std::uint64_t>(setting.world_size);
  const ModelSize model = model_size(setting);
  TrafficFormula formula;
  const std::uint64_t threshold = values.budget ? sizeof(float) : 0;
  formula.sync(Traffic::kModel) =
      workers * (2 * model.bytes + 1 + threshold + (values.asynchronous ? sizeof(std::uint64_t) : 0));
  const std::uint64_t checks = setting.steps / values.check_every;
  formula.steps_per_check = values.check_every;
  // Of an asynchronous run each worker's checks are its own.
  formula.most_syncs =
      values.asynchronous ? std::min(setting.steps, static_cast<std::uint64_t>(setting.world_size) * checks) : checks;
  if (!values.budget && values.threshold == kNever) formula.most_syncs = 0;
  // Balances of some, and how many are asked, are as the data decide.
  formula.depends_on_values = true;
  if (values.asynchronous && values.threshold < kNever) {  // at least: each worker's rest, and that all do
    formula.run(Traffic::kControl) = setting.drains() * workers * 2;
  }
  return formula;
}

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const DmaOptions values = read_dma_options(options);
  const SharedWeights weights = read_weights(options, setting);
  const SharedVector start(setting.start);
  Budget::Costs costs;
  if (values.budget) {
    const std::uint64_t checks = setting.steps / values.check_every;
    costs = costs_by(traffic(options, setting), setting, checks);
    costs.check += 1 + sizeof(float);  // the verdict of who is quiet
    require_enough(options, *values.budget, setting, checks, costs);
  }
  return [=] {
    const DmaJob job{.options = values, .setting = setting, .start = start, .weights = weights, .costs = costs};
    return values.asynchronous ? make_asynchronous_dma(job) : make_dma_in_rounds(job);
  };
}

const std::vector<OptionSpec> kOptions = dma_options();
// With a threshold of 0 every check is a synchronisation of all, so that all bytes are known.
const std::vector<Variant> kVariants = {
    {.options = {{"threshold", "0"}, {"check_every", "2"}}},
    {.name = "asynchronous",
     .options = {{"threshold", "1"}, {"clock", "asynchronous"}},
     .payload = Variant::Payload::kNoneOf},
    {.name = "samples", .options = {{"threshold", "0"}, {"check_every", "2"}, {"weights", "samples"}}}};

}  // namespace

extern const StrategyRow kDma;
const StrategyRow kDma = {.name = "dma",
                          .help =
                              "when a model drifts too far from the reference, average it with those of some workers, "
                              "and with all if that is not enough",
                          .source = "Kamp et al. 2018, algorithm 2",
                          .options = kOptions,
                          .check = check_dma_options,
                          .demands = dma_demands,
                          .variants = kVariants,
                          .make = make,
                          .traffic = traffic};

}  // namespace laconic
