// The round-synchronous clock of dynamic averaging with balancing (strategies/dma.cc): a check is a barrier, in which
// every worker reports and hears what comes of it. With a budget the coordinator tells the next check's Delta with all
// that it sends.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "base/byte_stream.h"
#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/dma_node.h"

namespace laconic {
namespace {

// Bytes of a threshold behind what the coordinator tells.
std::size_t behind_threshold(const DmaOptions& options) { return options.budget ? sizeof(float) : 0; }

class DmaInRounds final : public DmaNode {
 public:
  explicit DmaInRounds(const DmaJob& job) : DmaNode(job, 0, 1 + behind_threshold(job.options)) {
    if (options().budget) budget_.emplace(*options().budget, options().check_every, job.costs);
  }

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    if (!check_is_due(self)) co_return;
    const double strayed = co_await distance(self);
    self.measured("squared_distance", strayed);
    if (budget_ && std::isfinite(threshold_)) self.measured("threshold", threshold_);
    co_await report(self, strays(strayed));
  }

  Task<void> coordinate(Coordinator& self) override {
    for (;;) co_await check(self.comm());
  }

  void archive(Archive& archive) override {
    DmaNode::archive(archive);
    if (!budget_) return;
    budget_->archive(archive);
    archive.value("dma.checks", checks_);
    archive.value("dma.threshold", threshold_);
    archive.value("dma.next_threshold", next_threshold_);
    archive.value("dma.begun", begun_);
  }

 private:
  // ---- a worker

  Task<void> report(Worker& self, bool violated) {
    Comm& comm = self.comm();
    const Round round = comm.next_round();
    Told own{.frame = dma_quiet_frame(round), .model = {}};
    if (violated) own = co_await tell_model(self, round);
    comm.send(comm.coordinator(), own.frame);
    bool asked = violated;
    for (;;) {
      const Frame frame = co_await comm.receive(comm.coordinator(), Tag::kBroadcast, round);
      if (frame.header().traffic == Traffic::kModel) {
        SharedVector mean;
        co_await self.compute([&] {
          mean = mean_in(frame);
          if (own.model.size() == 0) {
            kernels::copy(mean, self.params());
          } else {
            kernels::axpy_difference(1.0F, mean, own.model, self.params());
          }
        });
        after_balance(self, frame, mean);
        take_threshold(frame);
        co_return;
      }
      ByteReader in(frame.payload(), "verdict of the coordinator");
      const DmaVerdict verdict = read_dma_verdict(in);
      if (in.remaining() != behind_threshold(options())) {
        in.fail("a threshold is " + std::string(budget_ ? "missing" : "too much"));
      }
      take_threshold(frame);
      if (verdict == DmaVerdict::kSend && !asked) {
        asked = true;
        own = co_await tell_model(self, round);
        comm.send(comm.coordinator(), own.frame);
        continue;
      }
      if (verdict == DmaVerdict::kSend) in.fail("it asks for a model a second time");
      warn_of_refusal(self, verdict);
      co_return;
    }
  }

  void take_threshold(const Frame& frame) {
    if (!budget_) return;
    float told = 0.0F;
    std::memcpy(&told, frame.payload().last(sizeof told).data(), sizeof told);
    if (!(told >= 0.0F)) throw DecodeError("the coordinator told a threshold of " + std::to_string(told));
    threshold_ = static_cast<double>(told);
  }

  // ---- the coordinator

  Task<void> check(Comm& comm) {
    const Round round = comm.upcoming_round();
    begin_check(comm);
    Balance balance = no_balance();
    std::vector<bool> refused(nodes(), false);
    const auto refuse = [&](Rank node, DmaVerdict verdict) {
      tell(comm, node, round, verdict);
      refused[static_cast<std::size_t>(node.value)] = true;
    };
    std::vector<bool> quiet(nodes(), false);
    const std::vector<Rank> all = everyone();
    const std::vector<Contribution> reports = co_await comm.gather_when_idle(all, round);
    comm.next_round();
    begun_ = false;
    for (const Contribution& report : reports) {
      if (report.frame.header().traffic != Traffic::kModel) {
        quiet[static_cast<std::size_t>(report.from.value)] = true;
        continue;
      }
      const DmaVerdict verdict = co_await take(comm, balance, report.from, report.frame);
      if (verdict != DmaVerdict::kGoOn) refuse(report.from, verdict);
    }
    if (balance.size() > 0) {
      const bool to_all = too_many(balance.size());
      RandomStream random = drawn(round.value);
      std::vector<Rank> rest = balance.others(random);
      std::erase_if(rest, [&](Rank node) { return !quiet[static_cast<std::size_t>(node.value)]; });
      co_await enlarge(comm, balance, to_all, std::move(rest), round, refuse);
      co_await balanced(comm, balance);
      ByteWriter behind;
      write_threshold(behind);
      co_await answer(comm, balance, round, 0, behind.bytes());
    }
    for (const Rank node : all) {
      const bool knows = balance.has(node) || refused[static_cast<std::size_t>(node.value)];
      if (!knows) tell(comm, node, round, DmaVerdict::kGoOn);
    }
  }

  void tell(Comm& comm, Rank node, Round round, DmaVerdict verdict) override {
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(verdict));
    write_threshold(out);
    comm.send(node, Frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, round}, out.bytes()));
  }

  void write_threshold(ByteWriter& out) const {
    if (budget_) out.f32(static_cast<float>(next_threshold_));
  }

  // Everything that goes over the network goes through the coordinator: a worker's share is what it carried. The
  // threshold of this check is what was told at the one before. Once for a check, though its wait may begin twice.
  void begin_check(Comm& comm) {
    if (!budget_ || std::exchange(begun_, true)) return;
    threshold_ = static_cast<double>(static_cast<float>(next_threshold_));
    ++checks_;
    budget_->tally(checks_, static_cast<double>(comm.carried().value) / static_cast<double>(nodes()), comm.now().value);
    next_threshold_ = budget_->threshold(checks_ + 1);
  }

  Task<void> balanced(Comm& comm, const Balance& balance) {
    if (!budget_) co_return;
    double farthest = 0.0;
    co_await comm.compute(dimension(), [&] { farthest = balance.farthest(); });
    budget_->synchronised(checks_, farthest);
    next_threshold_ = budget_->threshold(checks_ + 1);
  }

  std::optional<Budget> budget_;
  std::uint64_t checks_ = 0;  // begun, with a budget
  bool begun_ = false;        // the newest of them, which no worker has reported to yet
  double next_threshold_ = std::numeric_limits<double>::infinity();
};

}  // namespace

std::unique_ptr<Strategy> make_dma_in_rounds(const DmaJob& job) { return std::make_unique<DmaInRounds>(job); }

}  // namespace laconic
