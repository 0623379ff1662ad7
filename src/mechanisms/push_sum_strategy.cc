#include "mechanisms/push_sum_strategy.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/finish.h"
#include "mechanisms/global_average.h"

namespace laconic {

void combine_over_links(const Worker& self, const LinkMatrix& links, double gamma, std::span<const Frame> own,
                        const std::vector<NeighborFrame>& received, LinkMemory& memory, PushSum& sum) {
  const std::span<float> x = sum.numerators();
  const auto receivers = links.receivers(self.rank());
  if (!own.empty()) {
    std::vector<std::span<const std::byte>> messages;
    for (const Frame& frame : own) messages.push_back(parse_push(frame, links.nodes()).message);
    memory.give(receivers, gamma, sum.weight().value(), messages, x);
  }
  give_weight(sum.weight(), receivers, gamma);
  for (const NeighborFrame& neighbor : received) {
    const double fraction = gamma * neighbor.from.weight;
    read_from(self, neighbor.from.rank, [&] {
      const PushMessage message = parse_push(neighbor.frame, links.nodes());
      memory.take(neighbor.from.rank, message.message, fraction, message.weight.value(), x);
      sum.weight() += message.weight.share(fraction);
    });
  }
}

Task<void> PushSumStrategy::round(Worker& self) {
  co_await sum_.begin(self);
  if (options_.order == LinkOrder::kAsynchronous) {
    co_await asynchronous_round(self);
  } else {
    co_await synchronous_round(self);
  }
  self.synchronised();
  if (options_.finish_after > 0 && self.step().value == options_.finish_after) co_await average(self);
}

Task<void> PushSumStrategy::coordinate(Coordinator& self) { return serve_global_averages(self); }

Task<void> PushSumStrategy::average(Worker& self) {
  const SharedVector mean = co_await global_average(self.comm(), self.comm().next_round(), sum_.numerators());
  co_await self.compute([&] {
    kernels::copy(mean, sum_.numerators());
    sum_.weight() = PushWeight();  // n of n nodes
    memory_->merged(sum_.numerators());
    sum_.set_model(self, self.step().value - 1);
  });
}

std::vector<Frame> PushSumStrategy::encode(Worker& self, LinkMemory::Receivers receivers, std::uint64_t round,
                                           const LinkMemory::MakeFrame& make) {
  if (receivers.empty()) {
    memory_->skip_round(sum_.numerators(), before_);
    return {};
  }
  RandomStream random = self.rng("compression");
  memory_->begin_step(round);
  std::vector<Frame> frames =
      memory_->encode(sum_.numerators(), before_, sum_.weight().value(), receivers, random, make);
  check(self, round);
  return frames;
}

void PushSumStrategy::check(Worker& self, std::uint64_t round) {
  if (!options_.guard) return;
  // While ratio or gamma change, what is left to tell follows them.
  const bool settled = round >= std::max(memory_->changes_until(), options_.gamma.changes_until());
  if (!settled && std::isfinite(memory_->residual())) return;
  const auto grown = guard_.add(memory_->residual());
  if (!grown) return;
  throw RunError("the gossip of " + self.comm().name(self.rank()) + " runs away in round " + std::to_string(round) +
                 ": what is left to tell its receivers is " +
                 (std::isfinite(*grown) ? std::to_string(std::llround(*grown)) + " times what it was" : "infinite") +
                 " and still grows; " + std::string(options_.remedy));
}

void PushSumStrategy::take_step(Worker& self) {
  if (memory_->needs_before()) before_.assign(sum_.numerators().begin(), sum_.numerators().end());
  // As published a step moves x by as much as z, and so z by 1 / y as much. Where nobody waits y differs: part of it is
  // always on its way, and who is fast has little of it. There z moves by kStretch times the step at most.
  const bool asynchronous = options_.order == LinkOrder::kAsynchronous;
  sum_.take_step(self.params(), asynchronous ? std::min(1.0, kStretch * sum_.weight().value()) : 1.0);
}

Task<void> PushSumStrategy::synchronous_round(Worker& self) {
  const bool overlap = options_.order == LinkOrder::kOverlap;
  const std::uint64_t round = self.step().value;
  const FrameHeader header{.traffic = Traffic::kModel, .tag = Tag::kGossip, .round = {round}};
  const std::shared_ptr<const LinkMatrix> links = links_->at(round);
  if (!overlap) {
    co_await self.local_step();
    co_await self.compute([&] { take_step(self); });
  }
  std::vector<Frame> own;
  co_await self.compute([&] {
    own = encode(self, links->receivers(self.rank()), round,
                 [&](std::size_t size, const auto& write) { return sum_.frame(header, size, write); });
  });
  std::vector<NeighborFrame> received;
  if (overlap) {
    PendingStep step = self.begin_local_step();
    received = co_await exchange_over_links(self.comm(), *links, own, header);
    co_await step.done();
  } else {
    received = co_await exchange_over_links(self.comm(), *links, own, header);
  }
  co_await self.compute([&] {
    if (overlap) take_step(self);
    combine_over_links(self, *links, gamma_at(round), own, received, *memory_, sum_);
    sum_.set_model(self, round);
  });
}

Task<void> PushSumStrategy::asynchronous_round(Worker& self) {
  const Step step = self.step();
  const std::shared_ptr<const LinkMatrix> links = links_->at(step.value);
  const double gamma = gamma_at(step.value);
  co_await self.local_step();
  const std::vector<LinkAccounts::Transfer> back = co_await accounts_.take_back(self);
  const std::vector<LinkAccounts::Taken> taken = co_await accounts_.take(self);
  std::vector<WeightedNeighbor> receivers;
  std::vector<Frame> own;
  co_await self.compute([&] {
    take_step(self);
    const std::span<float> x = sum_.numerators();
    for (const LinkAccounts::Transfer& transfer : back) {
      memory_->take(self.rank(), transfer.message(), transfer.fraction, 0.0, x);
      sum_.weight() += transfer.weight;
    }
    for (const LinkAccounts::Taken& arrival : taken) {
      const double fraction = gamma * arrival.fraction;
      read_from(self, arrival.from, [&] {
        memory_->take(arrival.from, arrival.message, fraction, arrival.weight.value(), x);
        sum_.weight() += arrival.weight.share(fraction);
      });
    }
    if (sum_.weight().value() >= kLeastWeightToGive) receivers = accounts_.open(links->receivers(self.rank()));
    own = encode(self, receivers, step.value,
                 [](std::size_t size, const auto& write) { return Frame(FrameHeader{}, size, write); });
  });
  const std::span<const std::byte> message = own.empty() ? std::span<const std::byte>() : own.front().payload();
  co_await accounts_.send(self, step, receivers, links->receivers(self.rank()), gamma, sum_.weight(), message);
  accounts_.answer(self);
  co_await self.compute([&] {
    if (!own.empty()) {
      memory_->give(receivers, gamma, sum_.weight().value(), {&message, 1}, sum_.numerators());
    }
    give_weight(sum_.weight(), receivers, gamma);
    sum_.set_model(self, step.value);
  });
  watch_weight(self, step.value);
}

void PushSumStrategy::watch_weight(Worker& self, std::uint64_t round) {
  self.measured("push_sum_weight", sum_.weight().value());
  light_rounds_ = sum_.weight().value() < kLeastWeightToGive ? light_rounds_ + 1 : 0;
  if (light_rounds_ != kLightRounds) return;
  self.warn("the push-sum weight of " + self.comm().name(self.rank()) + " is " + text_of(sum_.weight()) + " in round " +
            std::to_string(round) + ", and has been too small to give any of it for " + std::to_string(kLightRounds) +
            " rounds: " +
            (options_.account ? "it trains faster than it hears from others; give it more senders"
                              : "what the network loses is lost from it; set account = true"));
}

void PushSumStrategy::archive(Archive& archive) {
  sum_.archive(archive);
  memory_->archive(archive);
  accounts_.archive(archive);
  guard_.archive(archive);
  archive.value("push_sum.poor_rounds", light_rounds_);
}

OptionSpec link_order_option() {
  return {.name = "order",
          .type = OptionType::kChoice,
          .default_value = "adapt-then-combine",
          .choices = {"adapt-then-combine", "overlap", "asynchronous"},
          .help =
              "adapt-then-combine: exchange after the local step; overlap: while it is computed; asynchronous: without "
              "waiting for anybody, for networks that lose frames"};
}

OptionSpec account_option() {
  return {.name = "account",
          .type = OptionType::kFlag,
          .default_value = "true",
          .help =
              "with order = \"asynchronous\": acknowledge messages, so that what is lost returns to its sender and "
              "nothing counts twice"};
}

PushSumOptions read_push_sum_options(const Options& options) {
  PushSumOptions result;
  const std::string order(options.text("order"));
  result.order = order == "overlap"        ? LinkOrder::kOverlap
                 : order == "asynchronous" ? LinkOrder::kAsynchronous
                                           : LinkOrder::kAdaptThenCombine;
  result.account = options.flag("account");
  if (!result.account && result.order != LinkOrder::kAsynchronous) {
    throw UsageError(options.place("account") + ": means something with order = \"asynchronous\" only; remove it");
  }
  return result;
}

std::uint64_t link_finish(const Options& options, const StrategySetting& setting) {
  if (finishes(options) && is_asynchronous(options)) {
    throw UsageError(
        options.place("finish") +
        ": the average at the end waits for everybody, which order = \"asynchronous\" does not; set finish = "
        "\"none\", or another order");
  }
  return finish_step(options, setting);
}

bool is_asynchronous(const Options& options) { return options.text("order") == "asynchronous"; }

Demands link_demands(const Options& options) {
  Demands demands{.talks = Talks::kLinks};
  if (is_asynchronous(options)) {
    demands.fault_tolerance = FaultTolerance::kFull;
    demands.timing = Timing::kAsynchronous;
  }
  return demands;
}

}  // namespace laconic
