#include "mechanisms/gossip.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/vector_ops.h"

namespace laconic {
namespace {
constexpr std::string_view kTuned = "auto";
}  // namespace

Task<std::vector<NeighborFrame>> exchange(Comm& comm, const MixingMatrix& mixing, const Frame& frame) {
  const std::vector<Frame> frames(mixing.neighbors(comm.self()).size(), frame);  // which share the bytes
  co_return co_await exchange_each(comm, mixing, frames);
}

Task<std::vector<NeighborFrame>> exchange_each(Comm& comm, const MixingMatrix& mixing, std::span<const Frame> frames) {
  const std::span<const WeightedNeighbor> neighbors = mixing.neighbors(comm.self());
  LACONIC_CHECK(frames.size() == neighbors.size(), frames.size() << " frames for " << neighbors.size());
  for (std::size_t i = 0; i < frames.size(); ++i) comm.send(neighbors[i].rank, frames[i]);
  std::vector<NeighborFrame> received;
  received.reserve(neighbors.size());
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const FrameHeader header = frames[i].header();
    Frame from_neighbor = co_await comm.receive(neighbors[i].rank, header.tag, header.round);
    received.push_back({neighbors[i], std::move(from_neighbor)});
  }
  co_return received;
}

float own_weight(const MixingMatrix& mixing, Rank node) {
  double rest = 1.0;
  for (const WeightedNeighbor& neighbor : mixing.neighbors(node)) {
    rest -= static_cast<double>(static_cast<float>(neighbor.weight));
  }
  return static_cast<float>(rest);
}

Task<void> mix_models(Worker& self, const Frame& own, const std::vector<NeighborFrame>& received) {
  const std::size_t size = self.params().size();
  const SharedVector sent = own.floats(size);
  std::vector<SharedVector> models;
  for (const NeighborFrame& neighbor : received) {
    read_from(self, neighbor.from.rank, [&] { models.push_back(neighbor.frame.floats(size)); });
  }
  co_await self.compute([&] {
    for (std::size_t i = 0; i < models.size(); ++i) {
      kernels::axpy_difference(static_cast<float>(received[i].from.weight), models[i], sent, self.params());
    }
  });
}

void refuse_message(const Comm& receiver, Rank sender, const DecodeError& error) {
  throw DecodeError(receiver.name(receiver.self()) + " cannot use what " + receiver.name(sender) + " sent (" +
                    error.what() + "): all workers need the same model and the same [compression]");
}

std::uint64_t gossip_payload(const MixingMatrix& mixing, std::uint64_t size) {
  std::uint64_t directed_edges = 0;
  for (Rank rank{0}; rank.value < static_cast<std::int32_t>(mixing.nodes()); ++rank.value) {
    directed_edges += mixing.neighbors(rank).size();
  }
  return directed_edges * size;
}

TrafficFormula model_traffic(const StrategySetting& setting) {
  TrafficFormula formula;
  formula.sync(Traffic::kModel) = gossip_payload(*setting.mixing, setting.dimension * sizeof(float));
  formula.steps_per_sync = 1;
  return formula;
}

namespace {

// At steps that stand for equal parts of the time in which the operator changes, and at one that stands for the rest.
MessageSize mean_message_size(const StrategySetting& setting, Compressor& compressor, std::uint64_t changes_until) {
  constexpr std::uint64_t kParts = 16;
  RandomStream stream(setting.seed, "message size");
  std::vector<float> values(setting.dimension);
  for (float& value : values) value = static_cast<float>(stream.gaussian());
  const auto size_at = [&](std::uint64_t step) {
    compressor.begin_step(step);
    return static_cast<double>(compressor.prepare(values, stream));
  };
  const std::uint64_t steps = std::max<std::uint64_t>(setting.steps, 1);
  const std::uint64_t changing = std::min(steps, changes_until);
  const std::uint64_t parts = std::min(kParts, changing);
  double sum = 0.0;
  for (std::uint64_t part = 0; part < parts; ++part) {
    const std::uint64_t from = changing * part / parts;
    const std::uint64_t to = changing * (part + 1) / parts;
    sum += static_cast<double>(to - from) * size_at(from + (to - from) / 2);
  }
  if (steps > changing) sum += static_cast<double>(steps - changing) * size_at(changing);
  const double mean = sum / static_cast<double>(steps);
  return {.of_gaussian = static_cast<std::uint64_t>(std::llround(mean)), .depends_on_values = true};
}

}  // namespace

MessageSize message_size(const StrategySetting& setting) {
  RandomStream stream(setting.seed, "message size");
  const std::unique_ptr<Compressor> compressor = setting.compressor();
  if (const std::uint64_t until = compressor->changes_until(); until > 0) {
    return mean_message_size(setting, *compressor, until);
  }
  std::vector<float> values(setting.dimension, 0.0F);
  const std::size_t of_zero = compressor->prepare(values, stream);
  for (float& value : values) value = static_cast<float>(stream.gaussian());
  const std::size_t of_gaussian = compressor->prepare(values, stream);
  // An operator that now and then sends nothing has a mean, which takes more draws.
  constexpr std::size_t kNothing = 1;
  std::uint64_t sum = of_gaussian;
  std::uint64_t draws = 1;
  bool nothing = of_gaussian == kNothing;
  for (const std::uint64_t enough : {4, 64}) {
    for (; draws < enough; ++draws) {
      const std::size_t size = compressor->prepare(values, stream);
      nothing = nothing || size == kNothing;
      sum += size;
    }
    if (!nothing) return {.of_gaussian = of_gaussian, .depends_on_values = of_gaussian != of_zero};
  }
  return {.of_gaussian = sum / draws, .depends_on_values = true};
}

TrafficFormula message_traffic(const StrategySetting& setting, std::uint64_t overhead) {
  const MessageSize message = message_size(setting);
  TrafficFormula formula;
  formula.sync(Traffic::kModel) = gossip_payload(*setting.mixing, overhead + message.of_gaussian);
  formula.steps_per_sync = 1;
  formula.depends_on_values = message.depends_on_values;
  return formula;
}

void require_unbiased(const Options& options, const StrategySetting& setting) {
  if (options.flag("allow_biased") || setting.compressor()->unbiased()) return;
  throw UsageError(options.place("allow_biased") +
                   ": this algorithm is proved for unbiased compression only, and the operator of [compression] is "
                   "biased; choose qsgd, natural, random_k or random_gossip with unbiased = true, or set it to true to "
                   "try");
}

OptionSpec gamma_option(std::string_view default_value) {
  return {.name = kGamma,
          .type = OptionType::kNumber,
          .default_value = default_value,
          .minimum = 0,
          .maximum = 1,
          .choices = {kTuned},
          .scheduled = true,
          .help =
              "step size of gossip in (0, 1]: how far a worker moves towards its neighbours' average in a round; "
              "\"auto\": tuned for graph and operator before the first step"};
}

bool has_gamma(const StrategyRow& row) {
  const auto is_gamma = [](const OptionSpec& spec) {
    return spec.name == kGamma && std::find(spec.choices.begin(), spec.choices.end(), kTuned) != spec.choices.end();
  };
  return std::any_of(row.options.begin(), row.options.end(), is_gamma);
}

bool asks_for_tuned_gamma(const StrategyRow& row, const Options& options) {
  return has_gamma(row) && options.is_word(kGamma);
}

GammaSchedule read_gamma(const Options& options) {
  LACONIC_CHECK(!options.is_word(kGamma), "gamma is not tuned yet");
  const double last = options.number(kGamma);
  const NumberSchedule* const schedule = options.schedule(kGamma);
  if (last > 0.0 && (schedule == nullptr || schedule->first > 0.0)) {
    return schedule == nullptr ? GammaSchedule(last) : GammaSchedule(*schedule);
  }
  throw UsageError(options.place(kGamma) + ": with 0 nobody hears of anybody; give " +
                   (schedule == nullptr ? "a number" : "two numbers") + " in (0, 1]");
}

OptionSpec order_option() {
  return {.name = "order",
          .type = OptionType::kChoice,
          .default_value = "overlap",
          .choices = {"overlap", "adapt-then-combine"},
          .help = "overlap: exchange while the gradient is computed; adapt-then-combine: after the local step"};
}

OptionSpec allow_biased_option() {
  return {.name = "allow_biased",
          .type = OptionType::kFlag,
          .default_value = "false",
          .help = "accept a biased operator, for which nothing is proved"};
}

OptionSpec replicas_form_option() {
  return {.name = "replicas",
          .type = OptionType::kChoice,
          .default_value = "sum",
          .choices = {"sum", "each"},
          .help =
              "what a worker stores of its neighbours' public copies; sum: their weighted sum, two vectors in all, "
              "whose rounding drifts a little in very long runs; each: every copy"};
}

OptionSpec replicas_start_option() {
  return {.name = "xhat_start",
          .type = OptionType::kChoice,
          .default_value = "start",
          .choices = {"start", "zero"},
          .help = "first value of the public copies; start: the common first model; zero: 0, as in the paper"};
}

}  // namespace laconic
