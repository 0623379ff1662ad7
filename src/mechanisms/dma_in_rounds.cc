// The round-synchronous clock of dynamic averaging with balancing (strategies/dma.cc): a check is a barrier, in which
// every worker reports and hears what comes of it. With a budget the coordinator tells the next check's Delta with all
// that it sends.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"
#include "comm/present_exchange.h"
#include "kernels/vector_ops.h"
#include "mechanisms/dma_node.h"

namespace laconic {
namespace {

// Bytes of a threshold behind what the coordinator tells.
std::size_t behind_threshold(const DmaOptions& options) { return options.budget ? sizeof(float) : 0; }

// Behind those, where workers come and go: what was decided, and the view.
std::size_t behind_answer(const StrategySetting& setting) {
  return setting.comes_and_goes ? decision_size(setting.world_size) : 0;
}

class DmaInRounds final : public DmaNode {
 public:
  explicit DmaInRounds(const DmaJob& job)
      : DmaNode(job, job.setting.comes_and_goes ? kFullStanding : 0,
                1 + behind_threshold(job.options) + behind_answer(job.setting)),
        comes_and_goes_(job.setting.comes_and_goes),
        behind_answer_(behind_answer(job.setting)) {
    if (options().budget) budget_.emplace(*options().budget, options().check_every, job.costs);
  }

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    if (!check_is_due(self)) co_return;
    const double strayed = co_await distance(self);
    self.measured("squared_distance", strayed);
    if (budget_ && std::isfinite(threshold_)) self.measured("threshold", threshold_);
    if (self.comm().is_member()) {
      co_await report_present(self, strays(strayed));
    } else {
      co_await report(self, strays(strayed));
    }
  }

  Task<void> coordinate(Coordinator& self) override {
    Attendance* attendance = self.comm().attendance();
    for (;;) {
      if (attendance != nullptr) {
        co_await check_present(self.comm(), *attendance);
      } else {
        co_await check(self.comm());
      }
    }
  }

  void archive(Archive& archive) override {
    DmaNode::archive(archive);
    if (!budget_) return;
    budget_->archive(archive);
    archive.value("dma.checks", checks_);
    archive.value("dma.threshold", threshold_);
    archive.value("dma.next_threshold", next_threshold_);
    archive.value("dma.begun", begun_);
    if (!comes_and_goes_) return;
    archive.value("dma.carried", carried_);
    archive.value("dma.now", now_);
    archive.value("dma.spent", spent_);
    archive.value("dma.seconds", seconds_);
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
      const DmaVerdict verdict = co_await take_in(self, frame, own);
      if (verdict != DmaVerdict::kSend) co_return;
      if (asked) throw DecodeError("the coordinator asks for a model a second time");
      asked = true;
      own = co_await tell_model(self, round);
      comm.send(comm.coordinator(), own.frame);
    }
  }

  // The same where workers come and go. A coordinator that was started again asks again.
  Task<void> report_present(Worker& self, bool violated) {
    Comm& comm = self.comm();
    const Round round = comm.next_round();
    const FrameHeader quiet{Traffic::kControl, Tag::kGather, round};
    const std::vector<std::byte> standing = comm.standing({Traffic::kModel, Tag::kGather, round});
    Told own{.frame = Frame(quiet, comm.standing(quiet)), .model = {}};
    if (violated) own = co_await tell_model(self, round, standing);
    const Frame part = own.frame;
    bool has_told = violated;
    const auto asked = [&](const Frame&) -> Task<void> {
      if (!has_told) own = co_await tell_model(self, round, standing);
      has_told = true;
      comm.send(comm.coordinator(), own.frame);
    };
    const Frame frame = co_await comm.exchange_present(part, asked);
    const DmaVerdict verdict = co_await take_in(self, frame, own);
    if (verdict == DmaVerdict::kSend) throw DecodeError("the coordinator asks for a model where it answers");
  }

  // What a frame of the coordinator's says, which is done unless it asks for a model. `own`: the one that was sent.
  Task<DmaVerdict> take_in(Worker& self, const Frame& frame, const Told& own) {
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
      co_return DmaVerdict::kGoOn;
    }
    ByteReader in(frame.payload(), "verdict of the coordinator");
    const DmaVerdict verdict = read_dma_verdict(in);
    if (in.remaining() != behind_threshold(options()) + behind_answer_) {
      in.fail("a threshold is " + std::string(budget_ ? "missing" : "too much"));
    }
    take_threshold(frame);
    warn_of_refusal(self, verdict);
    co_return verdict;
  }

  void take_threshold(const Frame& frame) {
    if (!budget_) return;
    float told = 0.0F;
    std::memcpy(&told, frame.payload().last(sizeof told + behind_answer_).data(), sizeof told);
    if (!(told >= 0.0F)) throw DecodeError("the coordinator told a threshold of " + std::to_string(told));
    threshold_ = static_cast<double>(told);
  }

  // ---- the coordinator

  Task<void> check(Comm& comm) {
    const Round round = comm.upcoming_round();
    begin_check(comm);
    const std::vector<Rank> all = everyone();
    const std::vector<Contribution> reports = co_await comm.gather_when_idle(all, round);
    comm.next_round();
    begun_ = false;
    Balance balance = no_balance();
    std::vector<bool> refused(nodes(), false);
    const auto refuse = [&](Rank node, DmaVerdict verdict) {
      tell(comm, node, round, verdict);
      refused[static_cast<std::size_t>(node.value)] = true;
    };
    co_await weigh(comm, round, reports, balance, refuse);
    if (balance.size() > 0) {
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

  // Of those who are present: the answers go when it is known over whom the check was. A balance of all of them is a full
  // one, and violations are counted up to their number.
  Task<void> check_present(Comm& comm, Attendance& attendance) {
    const Round round = comm.upcoming_round();
    begin_check(comm);
    Arrival first = co_await comm.receive_when_idle(Tag::kGather, round);
    comm.next_round();
    begun_ = false;
    PresentExchange exchange(comm, attendance);
    const auto look = [](Rank, const Frame& part, std::size_t size) -> std::uint64_t {
      if (part.header().traffic != Traffic::kModel && size > 0) throw DecodeError("its part is no model, nor empty");
      return 0;
    };
    if (!co_await exchange.collect(round, std::move(first), Tag::kGather, look)) co_return;
    now_present(exchange.view().size());
    exchange_ = &exchange;
    std::vector<Contribution> reports;
    for (const auto& [rank, part] : exchange.parts()) reports.push_back({.from = rank, .frame = part});
    const std::uint64_t violations = this->violations();
    Balance balance = no_balance();
    std::map<Rank, DmaVerdict> verdicts;
    co_await weigh(comm, round, reports, balance, [&](Rank node, DmaVerdict verdict) { verdicts[node] = verdict; });
    exchange_ = nullptr;
    if (!exchange.goes_on()) {
      set_violations(violations);
      co_return;
    }
    for (const auto& [rank, part] : exchange.parts()) {
      if (!balance.has(rank)) verdicts.emplace(rank, DmaVerdict::kGoOn);
    }
    std::erase_if(verdicts, [&](const auto& one) { return !exchange.parts().contains(one.first); });
    co_await answer_present(comm, exchange, round, balance, verdicts);
  }

  Task<void> answer_present(Comm& comm, PresentExchange& exchange, Round round, const Balance& balance,
                            const std::map<Rank, DmaVerdict>& verdicts) {
    std::vector<std::byte> behind;
    co_await comm.compute(dimension(), [&] { behind = exchange.behind(checksum(round, balance, verdicts)); });
    answers_.clear();
    bool is_full = false;
    if (balance.size() > 0) {
      co_await balanced(comm, balance);
      ByteWriter out;
      write_threshold(out);
      out.raw(behind);
      is_full = balance.size() == present();
      co_await answer(comm, balance, round, 0, out.bytes());
    }
    std::map<DmaVerdict, std::vector<Rank>> told;
    for (const auto& [rank, verdict] : verdicts) told[verdict].push_back(rank);
    for (auto& [verdict, to] : told) {
      ByteWriter out;
      out.u8(static_cast<std::uint8_t>(verdict));
      write_threshold(out);
      out.raw(behind);
      const FrameHeader header{Traffic::kControl, Tag::kBroadcast, round};
      answers_.push_back({.frame = Frame(header, out.bytes()), .to = std::move(to)});
    }
    exchange.commit(answers_, is_full);
    answers_.clear();
  }

  // Of what comes of a check, the same for all who were in it.
  static std::uint32_t checksum(Round round, const Balance& balance, const std::map<Rank, DmaVerdict>& verdicts) {
    ByteWriter out;
    out.varint(round.value);
    for (const auto& [rank, verdict] : verdicts) {
      out.varint(static_cast<std::uint64_t>(rank.value));
      out.u8(static_cast<std::uint8_t>(verdict));
    }
    if (balance.size() > 0) out.u32(crc32c(std::as_bytes(std::span<const float>(balance.mean()))));
    return crc32c(out.bytes());
  }

  // Who reported a model is in the balance, and so are some of the others where that is not near enough.
  Task<void> weigh(Comm& comm, Round round, const std::vector<Contribution>& reports, Balance& balance,
                   std::function<void(Rank, DmaVerdict)> refuse) {
    std::vector<bool> quiet(nodes(), false);
    for (const Contribution& report : reports) {
      if (report.frame.header().traffic != Traffic::kModel) {
        quiet[static_cast<std::size_t>(report.from.value)] = true;
        continue;
      }
      const DmaVerdict verdict = co_await take(comm, balance, report.from, report.frame);
      if (verdict != DmaVerdict::kGoOn) refuse(report.from, verdict);
    }
    if (balance.size() == 0) co_return;
    const bool to_all = too_many(balance.size());
    RandomStream random = drawn(round.value);
    std::vector<Rank> rest = balance.others(random);
    std::erase_if(rest, [&](Rank node) { return !quiet[static_cast<std::size_t>(node.value)]; });
    co_await enlarge(comm, balance, to_all, std::move(rest), round, std::move(refuse));
  }

  Task<std::vector<Contribution>> replies_of(Comm& comm, std::vector<Rank> group, Round round, Seconds end) override {
    if (exchange_ == nullptr) co_return co_await comm.gather(group, round, end);
    std::vector<Contribution> result;
    const std::map<Rank, Frame> replies = co_await exchange_->replies(std::move(group), end);
    for (const auto& [rank, frame] : replies) result.push_back({.from = rank, .frame = frame});
    now_present(exchange_->view().size());
    co_return result;
  }

  void tell(Comm& comm, Rank node, Round round, DmaVerdict verdict) override {
    if (exchange_ != nullptr) {  // only to ask: what is amiss is said with the answers
      comm.send(node, Frame(FrameHeader{Traffic::kControl, Tag::kAsk, round}, std::span<const std::byte>()));
      return;
    }
    ByteWriter out;
    out.u8(static_cast<std::uint8_t>(verdict));
    write_threshold(out);
    comm.send(node, Frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, round}, out.bytes()));
  }

  void send_down(Comm& comm, Rank node, const Frame& frame) override {
    if (!comes_and_goes_) return comm.send(node, frame);
    if (answers_.empty()) answers_.push_back({.frame = frame, .to = {}});
    answers_.front().to.push_back(node);
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
    const auto carried = static_cast<double>(comm.carried().value);
    const double now = comm.now().value;
    if (comes_and_goes_) {
      share(carried, now);
      budget_->tally(checks_, spent_, seconds_);
    } else {
      budget_->tally(checks_, carried / static_cast<double>(nodes()), now);
    }
    next_threshold_ = budget_->threshold(checks_ + 1);
  }

  // Adds what a worker of those present had of what went since the last check. A coordinator that was started again
  // counts from 0.
  void share(double carried, double now) {
    spent_ += (carried < carried_ ? carried : carried - carried_) / static_cast<double>(present());
    seconds_ += now < now_ ? now : now - now_;
    carried_ = carried;
    now_ = now;
  }

  Task<void> balanced(Comm& comm, const Balance& balance) {
    if (!budget_) co_return;
    double farthest = 0.0;
    co_await comm.compute(dimension(), [&] { farthest = balance.farthest(); });
    budget_->synchronised(checks_, farthest);
    next_threshold_ = budget_->threshold(checks_ + 1);
  }

  bool comes_and_goes_;
  std::size_t behind_answer_;
  std::optional<Budget> budget_;
  std::uint64_t checks_ = 0;  // begun, with a budget
  bool begun_ = false;        // the newest of them, which no worker has reported to yet
  double next_threshold_ = std::numeric_limits<double>::infinity();
  // The coordinator's, where workers come and go: the check under way, and its answers.
  PresentExchange* exchange_ = nullptr;
  std::vector<Answer> answers_;
  // With a budget: what it had carried at the last check and when that was, and a worker's share of all so far.
  double carried_ = 0.0;
  double now_ = 0.0;
  double spent_ = 0.0;
  double seconds_ = 0.0;
};

}  // namespace

std::unique_ptr<Strategy> make_dma_in_rounds(const DmaJob& job) { return std::make_unique<DmaInRounds>(job); }

}  // namespace laconic
