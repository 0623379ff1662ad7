// The asynchronous clock of dynamic averaging with balancing (strategies/dma.cc): nobody waits, but at a checkpoint and
// after the last step.
#include <algorithm>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "base/byte_stream.h"
#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/dma_node.h"
#include "mechanisms/rest.h"

namespace laconic {
namespace {

constexpr std::byte kAllRest{kDmaVerdicts};  // in the place of a verdict
constexpr Round kAnyRound{0};
constexpr double kNever = std::numeric_limits<double>::infinity();

// Behind a model: twice the full synchronisations that its sender took in, and 1 where it violates.
std::uint64_t number_behind(const Frame& frame) {
  std::uint64_t number = 0;
  std::memcpy(&number, frame.payload().last(sizeof number).data(), sizeof number);
  return number;
}

class AsynchronousDma final : public DmaNode {
 public:
  explicit AsynchronousDma(const DmaJob& job)
      : DmaNode(job, sizeof(std::uint64_t), 1),
        steps_(job.setting.steps),
        checkpoints_(job.setting.checkpoints),
        balances_sent_(nodes(), 0),
        resting_(nodes()) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    co_await take_in(self);
    if (check_is_due(self)) {
      const double strayed = co_await distance(self);
      self.measured("squared_distance", strayed);
      if (strays(strayed) && sent_.empty()) co_await send_model(self, true);
    }
    if (self.step().value == steps_) {
      co_await leave(self);
    } else if (checkpoints_.due(self.step())) {
      co_await rest(self);
    }
  }

  Task<void> coordinate(Coordinator& self) override {
    Comm& comm = self.comm();
    for (;;) {
      co_await balance_violators(comm);
      if (present() > 0 && resting_.count() == present()) tell_all_rest(comm);
    }
  }

  void archive(Archive& archive) override {
    DmaNode::archive(archive);
    archive.vector("dma.sent", sent_, dimension());
    archive.value("dma.balances", balances_);
    archive.value("dma.taken_in", taken_in_);
    archive.value("dma.rounds", rounds_);
    for (const Rank node : everyone()) {
      bool left = left_.contains(node.value);
      archive.value("dma.left", left);
      if (left) leaves(node);
    }
    for (std::uint64_t& sent : balances_sent_) archive.value("dma.balances_sent", sent);
    resting_.archive(archive);
  }

 private:
  // ---- a worker

  Task<void> send_model(Worker& self, bool violated) {
    const std::uint64_t behind = 2 * references_ + (violated ? 1 : 0);
    const Told told = co_await tell_model(self, kAnyRound, std::as_bytes(std::span(&behind, 1)));
    co_await self.comm().compute(dimension(), [&] {
      sent_.resize(dimension());
      kernels::copy(told.model.size() == 0 ? self.params() : told.model.values(), sent_);
    });
    self.comm().send(self.comm().coordinator(), told.frame);
  }

  // Whatever came since the last step, in its order.
  Task<void> take_in(Worker& self) {
    while (std::optional<Arrival> arrival = co_await self.comm().poll(Tag::kBroadcast, kAnyRound)) {
      co_await take_in(self, arrival->frame);
    }
  }

  Task<void> take_in(Worker& self, const Frame& frame) {
    ++taken_in_;
    if (frame.header().traffic == Traffic::kModel) {
      if (sent_.empty()) {
        throw DecodeError("a balance for " + self.comm().name(self.rank()) + ", which sent no model");
      }
      SharedVector mean;
      co_await self.compute([&] {
        mean = mean_in(frame);
        kernels::axpy_difference(1.0F, mean, sent_, self.params());
      });
      sent_.clear();
      ++balances_;
      after_balance(self, frame, mean);
      co_return;
    }
    ByteReader in(frame.payload(), "verdict of the coordinator");
    const DmaVerdict verdict = read_dma_verdict(in);
    const std::uint64_t balances = in.varint();
    in.expect_end();
    if (verdict != DmaVerdict::kSend) {
      sent_.clear();
      warn_of_refusal(self, verdict);
      co_return;
    }
    // A model on its way is the answer; and what was asked before a balance came, that has answered.
    if (!sent_.empty() || balances != balances_) co_return;
    const double strayed = co_await distance(self);
    co_await send_model(self, strays(strayed));
  }

  // At a checkpoint: answers what still comes, until all rest.
  Task<void> rest(Worker& self) {
    if (threshold_ == kNever) co_return;  // nobody is ever asked
    Comm& comm = self.comm();
    for (;;) {
      if (sent_.empty()) comm.send(comm.coordinator(), rest_frame(kAnyRound, taken_in_));
      const Frame frame = co_await receive_at_rest(comm, kAnyRound);
      if (says_that_all_rest(frame)) break;
      co_await take_in(self, frame);
    }
    ++taken_in_;
  }

  static bool says_that_all_rest(const Frame& frame) {
    const std::span<const std::byte> payload = frame.payload();
    return frame.header().traffic == Traffic::kControl && payload.size() == 1 && payload.front() == kAllRest;
  }

  // After the last step: waits for the answer to a model on its way, and is asked for none any more.
  Task<void> leave(Worker& self) {
    Comm& comm = self.comm();
    while (!sent_.empty()) {
      const Frame frame = co_await comm.receive(comm.coordinator(), Tag::kBroadcast, kAnyRound);
      co_await take_in(self, frame);
    }
    // Where nobody ever violates nobody is asked.
    if (threshold_ < kNever) comm.send(comm.coordinator(), dma_quiet_frame(kAnyRound));
  }

  // ---- the coordinator

  Task<void> balance_violators(Comm& comm) {
    std::optional<Arrival> arrival = co_await comm.receive_when_idle(Tag::kGather, kAnyRound);
    Balance balance = no_balance();
    std::uint64_t violators = 0;
    for (; arrival; arrival = co_await comm.poll(Tag::kGather, kAnyRound)) {
      if (read_notice(comm, arrival->from, arrival->frame) != Notice::kNone) continue;
      if (balance.has(arrival->from)) continue;  // who sent two did not wait for its answer
      const DmaVerdict verdict = co_await take(comm, balance, arrival->from, arrival->frame);
      if (verdict != DmaVerdict::kGoOn) {
        tell(comm, arrival->from, kAnyRound, verdict);
        continue;
      }
      // A reply that came too late for its balance may be near enough.
      violators += number_behind(arrival->frame) % 2;
    }
    if (balance.size() == 0) co_return;
    if (violators == 0) {
      for (const Rank node : balance.members()) tell(comm, node, kAnyRound, DmaVerdict::kGoOn);
      co_return;
    }
    const bool to_all = too_many(violators);
    RandomStream random = drawn(rounds_++);
    std::vector<Rank> rest = balance.others(random);
    std::erase_if(rest, [&](Rank node) { return left_.contains(node.value); });
    co_await enlarge(comm, balance, to_all, std::move(rest), kAnyRound,
                     [&](Rank node, DmaVerdict verdict) { tell(comm, node, kAnyRound, verdict); });
    for (const Rank node : balance.members()) ++balances_sent_[static_cast<std::size_t>(node.value)];
    co_await answer(comm, balance, kAnyRound, rounds_);
  }

  void tell(Comm& comm, Rank node, Round round, DmaVerdict verdict) override {
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(verdict));
    out.varint(balances_sent_[static_cast<std::size_t>(node.value)]);
    send_down(comm, node, Frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, round}, out.bytes()));
  }

  void send_down(Comm& comm, Rank node, const Frame& frame) override {
    comm.send(node, frame);
    resting_.sent(node);
  }

  // That its sender rests, or, being empty, that it has taken its last step.
  Notice read_notice(const Comm& comm, Rank node, const Frame& frame) override {
    if (frame.header().traffic == Traffic::kModel) return Notice::kNone;
    if (frame.payload().empty()) {
      leaves(node);
    } else {
      resting_.said(comm, node, frame);
    }
    return left_.contains(node.value) || resting_.contains(node) ? Notice::kOwesNothing : Notice::kOwes;
  }

  bool is_of_other_reference(const Frame& frame) const override { return number_behind(frame) / 2 != references_; }

  void leaves(Rank node) {
    left_.insert(node.value);
    now_present(nodes() - left_.size());
  }

  void tell_all_rest(Comm& comm) {
    const Frame frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, kAnyRound}, std::span(&kAllRest, 1));
    for (const Rank node : everyone()) {
      if (!left_.contains(node.value)) send_down(comm, node, frame);
    }
  }

  std::uint64_t steps_;  // of the run
  StepSchedule checkpoints_;
  // A worker's.
  std::vector<float> sent_;     // the model on its way, as it was told; empty: none
  std::uint64_t balances_ = 0;  // taken in
  std::uint64_t taken_in_ = 0;  // frames of the coordinator
  // The coordinator's.
  std::uint64_t rounds_ = 0;                  // balances
  std::vector<std::uint64_t> balances_sent_;  // to each worker
  std::set<std::int32_t> left_;
  RestingWorkers resting_;
};

}  // namespace

std::unique_ptr<Strategy> make_asynchronous_dma(const DmaJob& job) { return std::make_unique<AsynchronousDma>(job); }

}  // namespace laconic
