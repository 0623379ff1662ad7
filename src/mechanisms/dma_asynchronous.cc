// The asynchronous clock of dynamic averaging with balancing (strategies/dma.cc): nobody waits, but at a checkpoint and
// after the last step. Where workers come and go a balance is of some who are present, and names them behind its flag.
#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/byte_stream.h"
#include "base/canary.h"
#include "base/error.h"
#include "comm/present_average.h"
#include "kernels/vector_ops.h"
#include "mechanisms/asynchronous.h"
#include "mechanisms/dma_node.h"

namespace laconic {
namespace {

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
      : DmaNode(job, sizeof(std::uint64_t),
                1 + (job.setting.comes_and_goes ? named_view_size(job.setting.world_size) : 0)),
        worker_(job.setting),
        balances_sent_(nodes(), 0),
        workers_(nodes()) {}

  Task<void> round(Worker& self) override {
    const AsynchronousWorker::Ways ways{.take_in = [this, &self](const Frame& frame) { return take_in(self, frame); },
                                        .awaits_answer = [this] { return !sent_.empty(); },
                                        .forget = [this] { sent_.clear(); }};
    co_await self.local_step();
    co_await worker_.take_in_what_came(self.comm(), ways);
    if (check_is_due(self)) {
      const double strayed = co_await distance(self);
      self.measured("squared_distance", strayed);
      const bool is_silent = canary(Canary::kSilentViolator) && self.step().value % 3 == 0;
      if (strays(strayed) && sent_.empty() && !is_silent) co_await send_model(self, true);
    }
    // Where nobody ever violates nobody is asked.
    if (threshold_ < kNever) co_await worker_.end_round(self, ways);
  }

  Task<void> coordinate(Coordinator& self) override {
    Comm& comm = self.comm();
    Attendance* const attendance = comm.attendance();
    workers_.begin(comm);
    for (;;) {
      if (attendance != nullptr) {
        co_await balance_present(comm, *attendance);
      } else {
        co_await balance_violators(comm);
        workers_.tell_if_all_rest(comm);
      }
    }
  }

  void archive(Archive& archive) override {
    DmaNode::archive(archive);
    archive.vector("dma.sent", sent_, dimension());
    archive.value("dma.balances", balances_);
    worker_.archive(archive, "dma.taken_in");
    archive.value("dma.rounds", rounds_);
    workers_.archive_left(archive, "dma.left");
    now_present(workers_.present());
    for (std::uint64_t& sent : balances_sent_) archive.value("dma.balances_sent", sent);
    workers_.archive_resting(archive);
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
    worker_.sends_model(self.comm());
    self.comm().send(self.comm().coordinator(), told.frame);
  }

  Task<void> take_in(Worker& self, const Frame& frame) {
    if (frame.header().traffic == Traffic::kModel) {
      if (sent_.empty()) {
        throw DecodeError("a balance for " + self.comm().name(self.rank()) + ", which sent no model");
      }
      SharedVector mean;
      co_await self.compute([&] {
        mean = mean_in(frame);
        if (canary(Canary::kWrongBase)) kernels::copy(self.params(), sent_);
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
    // A model on its way is the answer; and what was asked before a balance came, that has answered. A session keeps the
    // order of what the coordinator says, which then comes with no number that lasts.
    if (!sent_.empty() || (!self.comm().is_member() && balances != balances_)) co_return;
    const double strayed = co_await distance(self);
    co_await send_model(self, strays(strayed));
  }

  // ---- the coordinator

  Task<void> balance_violators(Comm& comm) {
    Arrival first = co_await comm.receive_when_idle(Tag::kGather, kAnyRound);
    Balance balance = no_balance();
    if (!co_await weigh(comm, balance, std::move(first))) co_return;
    for (const Rank node : balance.members()) ++balances_sent_[static_cast<std::size_t>(node.value)];
    co_await answer(comm, balance, kAnyRound, rounds_);
  }

  // The same of those who are present. Who is lost and has given its model is in the balance.
  Task<void> balance_present(Comm& comm, Attendance& attendance) {
    Arrival first = co_await comm.receive_when_idle(Tag::kGather, kAnyRound);
    Balance balance = no_balance();
    PresentAverage average(comm, attendance);
    under_way_ = {.average = &average, .balance = &balance};
    const std::uint64_t violations = this->violations();
    const bool is_balanced = co_await weigh(comm, balance, std::move(first));
    count_present();
    under_way_ = {};
    if (!average.is_enough()) {
      set_violations(violations);
      average.give_up();
    } else if (is_balanced) {
      std::vector<std::byte> behind = average.behind(balance.members());
      const Frame frame = co_await answer(comm, balance, kAnyRound, rounds_, behind);
      average.commit(attendance.step(), frame, balance.members(), balance.size() == present());
    } else {
      average.abandon();
    }
    // Only now: the model of one that has given it before is in the balance.
    for (const auto& [node, why] : std::exchange(wrong_, std::map<Rank, std::string>())) {
      if (attendance.is_there(node)) attendance.dismiss(node, why);
    }
  }

  // Makes a balance of those that violate and of as many others as it takes. Returns whether there is one: then its
  // members wait for it.
  Task<bool> weigh(Comm& comm, Balance& balance, Arrival first) {
    std::optional<Arrival> arrival = std::move(first);
    std::uint64_t violators = 0;
    // What comes meanwhile is taken in too, but not for ever.
    const Seconds end = comm.now() + comm.collecting_deadline();
    while (arrival) {
      violators += co_await violation_in(comm, balance, *arrival);
      if (comm.now() >= end) break;
      arrival = co_await comm.poll(Tag::kGather, kAnyRound);
    }
    if (balance.size() == 0) co_return false;
    if (violators == 0) {
      for (const Rank node : balance.members()) tell(comm, node, kAnyRound, DmaVerdict::kGoOn);
      co_return false;
    }
    count_present();
    const bool to_all = too_many(violators);
    RandomStream random = drawn(rounds_++);
    std::vector<Rank> rest = balance.others(random);
    std::erase_if(rest, [&](Rank node) { return !can_be_asked(comm, node); });
    co_await enlarge(comm, balance, to_all, std::move(rest), kAnyRound,
                     [&](Rank node, DmaVerdict verdict) { refuse(comm, node, verdict); });
    co_return true;
  }

  // Where workers come and go, who gives what is no model is out; one of another reference may have crossed the new one.
  void refuse(Comm& comm, Rank node, DmaVerdict verdict) {
    if (comm.attendance() == nullptr || verdict == DmaVerdict::kOtherReference) {
      tell(comm, node, kAnyRound, verdict);
    } else {
      wrong_[node] = std::string("its model cannot be averaged: ") +
                     (verdict == DmaVerdict::kNotFinite ? "it is not finite" : "it is of another size or form");
    }
  }

  // Puts a model that came into the balance. Returns 1 where it violates, else 0.
  Task<std::uint64_t> violation_in(Comm& comm, Balance& balance, Arrival arrival) {
    // It may have been lost since that came.
    if (comm.attendance() != nullptr && !comm.attendance()->is_there(arrival.from)) co_return 0;
    if (read_notice(comm, arrival.from, arrival.frame) != Notice::kNone) co_return 0;
    if (balance.has(arrival.from)) co_return 0;  // who sent two did not wait for its answer
    const DmaVerdict verdict = co_await take(comm, balance, arrival.from, arrival.frame);
    if (verdict != DmaVerdict::kGoOn) {
      refuse(comm, arrival.from, verdict);
      co_return 0;
    }
    // A reply that came too late for its balance may be near enough.
    co_return number_behind(arrival.frame) % 2;
  }

  bool can_be_asked(const Comm& comm, Rank node) const {
    return comm.attendance() == nullptr ? !workers_.has_left(node) : comm.attendance()->is_there(node);
  }

  // Where workers come and go: those who can be asked, and those who have given their models, in the balance or on the
  // way into it.
  void count_present(std::span<const Contribution> given = {}) {
    if (under_way_.average == nullptr) return;
    std::set<Rank> all;
    for (const Rank node : under_way_.average->those_there()) all.insert(node);
    for (const Rank node : under_way_.balance->members()) all.insert(node);
    for (const Contribution& one : given) all.insert(one.from);
    now_present(all.size());
  }

  Task<std::vector<Contribution>> replies_of(Comm& comm, std::vector<Rank> group, Round round, Seconds end) override {
    if (under_way_.average == nullptr) co_return co_await comm.gather(group, round, end);
    std::vector<Contribution> replies = co_await under_way_.average->replies(std::move(group), end);
    count_present(replies);
    co_return replies;
  }

  void tell(Comm& comm, Rank node, Round round, DmaVerdict verdict) override {
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(verdict));
    out.varint(balances_sent_[static_cast<std::size_t>(node.value)]);
    send_down(comm, node, Frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, round}, out.bytes()));
  }

  // A balance of those who are present goes once it is committed.
  void send_down(Comm& comm, Rank node, const Frame& frame) override {
    if (comm.attendance() != nullptr && frame.header().traffic == Traffic::kModel) return;
    comm.send(node, frame);
    workers_.sent(node);
  }

  // That its sender rests, or, being empty, that it has taken its last step.
  Notice read_notice(const Comm& comm, Rank node, const Frame& frame) override {
    if (frame.header().traffic == Traffic::kModel) return Notice::kNone;
    if (under_way_.average != nullptr) {
      wrong_[node] = "it says what no worker says that comes and goes";
      return Notice::kOwesNothing;
    }
    const bool may_owe = workers_.may_owe(comm, node, frame);
    now_present(workers_.present());
    return may_owe ? Notice::kOwes : Notice::kOwesNothing;
  }

  bool is_of_other_reference(const Frame& frame) const override { return number_behind(frame) / 2 != references_; }

  // A worker's.
  std::vector<float> sent_;     // the model on its way, as it was told; empty: none
  std::uint64_t balances_ = 0;  // taken in
  AsynchronousWorker worker_;
  // The coordinator's.
  std::uint64_t rounds_ = 0;                  // balances
  std::vector<std::uint64_t> balances_sent_;  // to each worker
  AsynchronousWorkers workers_;
  // Where workers come and go: the balance under way; null: none.
  struct {
    PresentAverage* average = nullptr;
    const Balance* balance = nullptr;
  } under_way_;
  std::map<Rank, std::string> wrong_;  // who said what cannot be meanwhile, and what
};

}  // namespace

std::unique_ptr<Strategy> make_asynchronous_dma(const DmaJob& job) { return std::make_unique<AsynchronousDma>(job); }

}  // namespace laconic
