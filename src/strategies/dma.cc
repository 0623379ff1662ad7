// Dynamic model averaging with balancing (Kamp et al. 2018, algorithm 2).
//
//   r := the common start;  v := 0
//   worker i, every b steps:  if ||f_i - r||^2 > Delta, send f_i: a violation
//   coordinator, of the violators S:
//     v += |S|;  if v >= K: S := everyone
//     while S != everyone and ||mean_S f - r||^2 > Delta:  S += augment(S), who are asked for their models
//     g := mean_S f, to every node of S, whose model becomes g;  if S == everyone: r := g everywhere, v := 0
//
//   f_i    params      r  codec_.reference()    Delta  threshold    b  check_every    v  violations_
//   augment  balance.h
//   means  weighted by B_i: one each, or a worker's training samples (`weights`)
//
// Two clocks:
//   round-synchronous  A check is a barrier: every worker reports, a violator its model and the others that they are
//                      quiet, and gets a verdict: go on, send your model, or g.
//   asynchronous       Nobody waits. A worker sends its model when it violates, and after that none until the answer
//                      has come; it answers requests, and takes in what came, at its next step. It has trained on since
//                      f_i was sent, so what it makes of g is a correction, f_i += g - (f_i as sent). Silent when
//                      quiet. At a checkpoint all come to rest (rest.h). After its last step a worker waits for the
//                      answer to a model on its way, and says that it leaves: everyone is who has not.
//
// A model of another size, or that is not finite, is refused: its worker is told and says so, and the round goes on
// without it; so it does without who is late. Such a round is no full synchronisation. Optimiser state stays local.
// Invariants: P1 a balance keeps the weighted mean of all models; P2 (round-synchronous) after a check the divergence
// is at most Delta; P5 Delta = 0 is `periodic`, Delta = inf `local`. Needs the common start.
//
// With a budget Delta is steered by what workers send and receive (budget.h); the coordinator tells the next check's
// with all that it sends. Where the job compresses, models travel as differences from r (model_codec.h); P1 then counts
// what is not told yet.
//
// Messages: model up (violation, reply) := model; model down := model, u8 (1: it is the new reference)
//   with a budget, behind what goes down: f32 (Delta of the next check)
//   verdict down := u8 (go on, send, refused for its form, values, reference);  quiet up := nothing
//   asynchronous: model up := model, u64 (2 * full synchronisations taken in + 1 if it violates);  leaving up :=
//   nothing; verdict down := u8, varint (balances sent to the worker);  resting up := rests (rest.h);  all rest, down
//   := u8
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <set>
#include <utility>

#include "base/byte_stream.h"
#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/balance.h"
#include "mechanisms/model_codec.h"
#include "mechanisms/rest.h"
#include "protocol/strategy.h"
#include "strategies/dma_options.h"

namespace laconic {
namespace {

enum class Verdict : std::uint8_t { kGoOn, kSend, kMalformed, kNotFinite, kOtherReference };
constexpr std::uint8_t kVerdicts = 5;
constexpr std::byte kAllRest{kVerdicts};  // in the place of a verdict

constexpr Round kAnyRound{0};  // of the asynchronous clock
constexpr double kNever = std::numeric_limits<double>::infinity();

std::string_view reason(Verdict verdict) {
  return verdict == Verdict::kMalformed   ? "it is no model of the others' size and form"
         : verdict == Verdict::kNotFinite ? "it is not finite"
                                          : "it has strayed from another reference";
}

class Dma final : public Strategy {
 public:
  Dma(const DmaOptions& options, const StrategySetting& setting, SharedVector start,
      std::shared_ptr<const std::vector<double>> weights, const Budget::Costs& costs)
      : options_(options),
        nodes_(static_cast<std::size_t>(setting.world_size)),
        seed_(setting.seed),
        steps_(setting.steps),
        checkpoints_(setting.checkpoints),
        weights_(std::move(weights)),
        codec_(setting.compressor, std::move(start)),
        threshold_(options.threshold),
        balances_sent_(nodes_, 0),
        present_(nodes_),
        resting_(nodes_) {
    if (options_.budget) budget_.emplace(*options_.budget, options_.check_every, costs);
  }

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    if (options_.asynchronous) co_await take_in(self);
    if (self.step().value % options_.check_every == 0) co_await check_own(self);
    if (!options_.asynchronous) co_return;
    if (self.step().value == steps_) {
      co_await leave(self);
    } else if (checkpoints_.due(self.step())) {
      co_await rest(self);
    }
  }

  Task<void> coordinate(Comm& comm) override {
    for (;;) {
      if (options_.asynchronous) {
        co_await balance_asynchronously(comm);
        if (present_ > 0 && resting_.count() == present_) tell_all_rest(comm);
      } else {
        co_await check(comm);
      }
    }
  }

  void archive(Archive& archive) override {
    codec_.archive(archive);
    archive.vector("dma.sent", sent_, codec_.reference().size());
    if (budget_) {
      budget_->archive(archive);
      archive.value("dma.checks", checks_);
      archive.value("dma.threshold", threshold_);
      archive.value("dma.next_threshold", next_threshold_);
      archive.value("dma.begun", begun_);
    }
    archive.value("dma.references", references_);
    archive.value("dma.balances", balances_);
    archive.value("dma.taken_in", taken_in_);
    archive.value("dma.violations", violations_);
    archive.value("dma.rounds", rounds_);
    for (Rank node{0}; node.value < static_cast<std::int32_t>(nodes_); ++node.value) {
      bool left = left_.contains(node.value);
      archive.value("dma.left", left);
      if (left && left_.insert(node.value).second) --present_;
    }
    for (std::uint64_t& sent : balances_sent_) archive.value("dma.balances_sent", sent);
    resting_.archive(archive);
  }

 private:
  // ---- a worker

  Task<void> check_own(Worker& self) {
    const double strayed = co_await distance(self);
    self.measured("squared_distance", strayed);
    if (options_.budget && std::isfinite(threshold_)) self.measured("threshold", threshold_);
    const bool violated = violates(strayed);
    if (options_.asynchronous) {
      if (violated && sent_.empty()) co_await send_asynchronously(self, true);
    } else {
      co_await report(self, violated);
    }
  }

  // ||f_i - r||^2
  Task<double> distance(Worker& self) {
    double result = 0.0;
    co_await self.compute([&] { result = kernels::squared_distance(self.params(), codec_.reference()); });
    co_return result;
  }
  bool violates(double distance) const { return !(distance <= threshold_); }

  // ---- a worker, round-synchronous

  Task<void> report(Worker& self, bool violated) {
    Comm& comm = self.comm();
    const Round round = comm.next_round();
    Frame own = quiet_frame(round);
    if (violated) own = co_await model_frame(self, round);
    comm.send(comm.coordinator(), own);
    bool asked = violated;
    for (;;) {
      const Frame frame = co_await comm.receive(comm.coordinator(), Tag::kBroadcast, round);
      if (frame.header().traffic == Traffic::kModel) {
        SharedVector mean;
        co_await self.compute([&] { mean = codec_.decode(frame, behind_mean()); });
        std::copy(mean.values().begin(), mean.values().end(), self.params().begin());
        after_balance(self, frame, mean);
        take_threshold(frame);
        co_return;
      }
      ByteReader in(frame.payload(), "verdict of the coordinator");
      const Verdict verdict = read_verdict(in);
      if (in.remaining() != behind_threshold())
        in.fail("a threshold is " + std::string(budget_ ? "missing" : "too much"));
      take_threshold(frame);
      if (verdict == Verdict::kSend && !asked) {
        asked = true;
        const Frame reply = co_await model_frame(self, round);
        comm.send(comm.coordinator(), reply);
        continue;
      }
      if (verdict == Verdict::kSend) in.fail("it asks for a model a second time");
      warn_of(self, verdict);
      co_return;
    }
  }

  static Frame quiet_frame(Round round) {
    return Frame(FrameHeader{Traffic::kControl, Tag::kGather, round}, std::span<const std::byte>());
  }
  Task<Frame> model_frame(Worker& self, Round round, std::span<const std::byte> behind = {}) {
    const FrameHeader header{Traffic::kModel, Tag::kGather, round};
    RandomStream random = self.rng("compression");
    Frame frame;
    co_await self.compute([&] { frame = codec_.encode(header, self.params(), random, behind); });
    co_return frame;
  }

  // ---- a worker, asynchronous

  Task<void> send_asynchronously(Worker& self, bool violated) {
    sent_.assign(self.params().begin(), self.params().end());
    const std::uint64_t behind = 2 * references_ + (violated ? 1 : 0);
    const Frame frame = co_await model_frame(self, kAnyRound, std::as_bytes(std::span(&behind, 1)));
    self.comm().send(self.comm().coordinator(), frame);
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
        mean = codec_.decode(frame, behind_mean());
        kernels::axpy_difference(1.0F, mean, sent_, self.params());
      });
      sent_.clear();
      ++balances_;
      after_balance(self, frame, mean);
      co_return;
    }
    ByteReader in(frame.payload(), "verdict of the coordinator");
    const Verdict verdict = read_verdict(in);
    const std::uint64_t balances = in.varint();
    in.expect_end();
    if (verdict != Verdict::kSend) {
      sent_.clear();
      warn_of(self, verdict);
      co_return;
    }
    // A model on its way is the answer; and what was asked before a balance came, that has answered.
    if (!sent_.empty() || balances != balances_) co_return;
    const double strayed = co_await distance(self);
    co_await send_asynchronously(self, violates(strayed));
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
    if (threshold_ < kNever) comm.send(comm.coordinator(), quiet_frame(kAnyRound));
  }

  // ---- a worker, both

  // Bytes of a threshold behind what the coordinator tells, and behind a mean.
  std::size_t behind_threshold() const { return options_.budget ? sizeof(float) : 0; }
  std::size_t behind_mean() const { return 1 + behind_threshold(); }
  void take_threshold(const Frame& frame) {
    if (!options_.budget) return;
    float told = 0.0F;
    std::memcpy(&told, frame.payload().last(sizeof told).data(), sizeof told);
    if (!(told >= 0.0F)) throw DecodeError("the coordinator told a threshold of " + std::to_string(told));
    threshold_ = static_cast<double>(told);
  }

  void after_balance(Worker& self, const Frame& frame, const SharedVector& mean) {
    const std::byte flag = frame.payload().last(behind_mean()).front();
    if (flag == std::byte{0}) return;  // of some workers: the reference stays
    codec_.refer_to(mean);
    ++references_;
    self.synchronised();
  }

  static Verdict read_verdict(ByteReader& in) {
    const std::uint8_t verdict = in.u8();
    if (verdict >= kVerdicts) in.fail("verdict " + std::to_string(verdict));
    return static_cast<Verdict>(verdict);
  }

  static void warn_of(Worker& self, Verdict verdict) {
    if (verdict == Verdict::kGoOn) return;
    self.warn("the coordinator refused the model of " + self.comm().name(self.rank()) + ": " +
              std::string(reason(verdict)) + "; the others went on without it");
  }

  // ---- the coordinator

  // Whoever is asked for a model is drawn.
  RandomStream drawn(std::uint64_t round) const { return {seed_, "dma", {round}}; }

  std::vector<Rank> everyone() const {
    std::vector<Rank> result;
    for (Rank node{0}; node.value < static_cast<std::int32_t>(nodes_); ++node.value) result.push_back(node);
    return result;
  }

  // Asynchronous: twice the full synchronisations its sender took in, and 1 where it violates.
  static std::uint64_t number_behind(const Frame& frame) {
    std::uint64_t number = 0;
    std::memcpy(&number, frame.payload().last(sizeof number).data(), sizeof number);
    return number;
  }

  // Adds a node's model to the balance; or says why not.
  Verdict take(Balance& balance, Rank node, const Frame& frame) {
    const std::size_t behind = options_.asynchronous ? sizeof references_ : 0;
    if (frame.payload().size() < behind) return Verdict::kMalformed;
    if (options_.asynchronous) {
      if (number_behind(frame) / 2 != references_) return Verdict::kOtherReference;
    }
    SharedVector model;
    try {
      model = codec_.decode(frame, behind);
    } catch (const DecodeError&) {
      return Verdict::kMalformed;
    }
    if (!kernels::all_finite(model)) return Verdict::kNotFinite;
    balance.add(node, std::move(model));
    return Verdict::kGoOn;
  }

  bool enough(const Balance& balance) const {
    // One violator's mean is its model, which is known to be too far away.
    return balance.size() == present_ || (balance.size() > 1 && balance.distance() <= threshold_);
  }

  // Asks others for their models until the mean is near enough or nobody is left. `ask` sends a request; `refuse` tells
  // a node what is amiss. Who said that it rests before the request came to it sends its model behind that.
  template <typename Ask, typename Refuse>
  Task<void> enlarge(Comm& comm, Balance& balance, bool to_all, std::vector<Rank> rest, Round round, const Ask& ask,
                     const Refuse& refuse) {
    const Seconds end = comm.now() + comm.collecting_deadline();
    while (!rest.empty() && balance.size() > 0 && (to_all || !enough(balance))) {
      const std::size_t wanted = to_all ? rest.size() : augment(options_.augmentation, balance.size(), present_);
      std::vector<Rank> group(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, rest.size())));
      rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(group.size()));
      std::sort(group.begin(), group.end());
      for (const Rank node : group) ask(node);
      while (!group.empty()) {
        const std::vector<Contribution> replies = co_await comm.gather(group, round, end);
        group.clear();
        for (const Contribution& reply : replies) {
          if (takes_notice(comm, reply.from, reply.frame)) {
            if (!left_.contains(reply.from.value) && !resting_.contains(reply.from)) group.push_back(reply.from);
            continue;
          }
          const Verdict verdict = take(balance, reply.from, reply.frame);
          if (verdict != Verdict::kGoOn) refuse(reply.from, verdict);
        }
      }
    }
  }

  // The model of the balance to its members.
  void answer(Comm& comm, const Balance& balance, Round round) {
    const bool full = balance.size() == present_;
    const FrameHeader header{Traffic::kModel, Tag::kBroadcast, round};
    ByteWriter behind;
    behind.u8(full ? 1 : 0);
    write_threshold(behind);
    RandomStream random(seed_, "compression of averages", {round.value, rounds_});
    const Frame frame = codec_.encode(header, balance.mean(), random, behind.bytes(), balance.weight());
    for (const Rank node : balance.members()) send_down(comm, node, frame);
    if (full) {
      codec_.refer_to(codec_.decode(frame, behind_mean()));
      ++references_;
      violations_ = 0;
    }
  }

  void send_down(Comm& comm, Rank node, const Frame& frame) {
    comm.send(node, frame);
    resting_.sent(node);
  }

  // ---- the coordinator, round-synchronous

  void write_threshold(ByteWriter& out) const {
    if (budget_) out.f32(static_cast<float>(next_threshold_));
  }

  // Everything that goes over the network goes through the coordinator: a worker's share is what it carried. The
  // threshold of this check is what was told at the one before. Once for a check, though its wait may begin twice.
  void begin_check(Comm& comm) {
    if (!budget_ || std::exchange(begun_, true)) return;
    threshold_ = static_cast<double>(static_cast<float>(next_threshold_));
    ++checks_;
    budget_->tally(checks_, static_cast<double>(comm.carried().value) / static_cast<double>(nodes_), comm.now().value);
    next_threshold_ = budget_->threshold(checks_ + 1);
  }

  void balanced(const Balance& balance) {
    if (!budget_) return;
    budget_->synchronised(checks_, balance.farthest());
    next_threshold_ = budget_->threshold(checks_ + 1);
  }

  Task<void> check(Comm& comm) {
    const Round round = comm.upcoming_round();
    const auto tell = [&](Rank node, Verdict verdict) {
      ByteWriter out;
      out.u8(static_cast<std::uint8_t>(verdict));
      write_threshold(out);
      send_down(comm, node, Frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, round}, out.bytes()));
    };
    begin_check(comm);
    const SharedVector reference = codec_.reference();
    Balance balance(reference, *weights_);
    std::vector<bool> told(nodes_, false);
    const auto refuse = [&](Rank node, Verdict verdict) {
      tell(node, verdict);
      told[static_cast<std::size_t>(node.value)] = true;
    };
    std::vector<bool> quiet(nodes_, false);
    const std::vector<Rank> all = everyone();
    const std::vector<Contribution> reports = co_await comm.gather_when_idle(all, round);
    comm.next_round();
    begun_ = false;
    for (const Contribution& report : reports) {
      if (report.frame.header().traffic != Traffic::kModel) {
        quiet[static_cast<std::size_t>(report.from.value)] = true;
        continue;
      }
      const Verdict verdict = take(balance, report.from, report.frame);
      if (verdict != Verdict::kGoOn) refuse(report.from, verdict);
    }
    if (balance.size() > 0) {
      violations_ += balance.size();
      const bool to_all = violations_ >= nodes_;
      if (to_all) violations_ = 0;
      RandomStream random = drawn(round.value);
      std::vector<Rank> rest = balance.others(random);
      std::erase_if(rest, [&](Rank node) { return !quiet[static_cast<std::size_t>(node.value)]; });
      co_await enlarge(
          comm, balance, to_all, std::move(rest), round, [&](Rank node) { tell(node, Verdict::kSend); }, refuse);
      balanced(balance);
      answer(comm, balance, round);
    }
    for (const Rank node : all) {
      if (!balance.has(node) && !told[static_cast<std::size_t>(node.value)]) tell(node, Verdict::kGoOn);
    }
  }

  // ---- the coordinator, asynchronous

  // Whether a frame says that its sender rests, or, being empty, that it has taken its last step. In lock step nobody
  // does before the others.
  bool takes_notice(const Comm& comm, Rank node, const Frame& frame) {
    if (!options_.asynchronous || frame.header().traffic == Traffic::kModel) return false;
    if (!frame.payload().empty()) {
      resting_.said(comm, node, frame);
    } else if (left_.insert(node.value).second) {
      --present_;
    }
    return true;
  }

  void tell_all_rest(Comm& comm) {
    const Frame frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, kAnyRound}, std::span(&kAllRest, 1));
    for (const Rank node : everyone()) {
      if (!left_.contains(node.value)) send_down(comm, node, frame);
    }
  }

  Task<void> balance_asynchronously(Comm& comm) {
    const auto tell = [&](Rank node, Verdict verdict) {
      ByteWriter out;
      out.u8(static_cast<std::uint8_t>(verdict));
      out.varint(balances_sent_[static_cast<std::size_t>(node.value)]);
      send_down(comm, node, Frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, kAnyRound}, out.bytes()));
    };
    std::optional<Arrival> arrival = co_await comm.receive_when_idle(Tag::kGather, kAnyRound);
    const SharedVector reference = codec_.reference();
    Balance balance(reference, *weights_);
    std::uint64_t violators = 0;
    for (; arrival; arrival = co_await comm.poll(Tag::kGather, kAnyRound)) {
      if (takes_notice(comm, arrival->from, arrival->frame)) continue;
      if (balance.has(arrival->from)) continue;  // who sent two did not wait for its answer
      const Verdict verdict = take(balance, arrival->from, arrival->frame);
      if (verdict != Verdict::kGoOn) {
        tell(arrival->from, verdict);
        continue;
      }
      // A reply that came too late for its balance may be near enough.
      violators += number_behind(arrival->frame) % 2;
    }
    if (balance.size() == 0) co_return;
    if (violators == 0) {
      for (const Rank node : balance.members()) tell(node, Verdict::kGoOn);
      co_return;
    }
    violations_ += violators;
    const bool to_all = violations_ >= present_;
    if (to_all) violations_ = 0;
    RandomStream random = drawn(rounds_++);
    std::vector<Rank> rest = balance.others(random);
    std::erase_if(rest, [&](Rank node) { return left_.contains(node.value); });
    co_await enlarge(
        comm, balance, to_all, std::move(rest), kAnyRound, [&](Rank node) { tell(node, Verdict::kSend); }, tell);
    for (const Rank node : balance.members()) ++balances_sent_[static_cast<std::size_t>(node.value)];
    answer(comm, balance, kAnyRound);
  }

  DmaOptions options_;
  std::size_t nodes_;
  std::uint64_t seed_;
  std::uint64_t steps_;  // of the run
  StepSchedule checkpoints_;
  std::shared_ptr<const std::vector<double>> weights_;
  ModelCodec codec_;              // of the reference
  std::uint64_t references_ = 0;  // full synchronisations taken in
  // A worker's, asynchronous.
  std::vector<float> sent_;     // the model on its way; empty: none
  std::uint64_t balances_ = 0;  // taken in
  std::uint64_t taken_in_ = 0;  // frames of the coordinator
  double threshold_;            // of this check
  // The coordinator's.
  std::optional<Budget> budget_;
  std::uint64_t checks_ = 0;  // begun, with a budget
  bool begun_ = false;        // the newest of them, which no worker has reported to yet
  double next_threshold_ = kNever;
  std::uint64_t violations_ = 0;
  std::uint64_t rounds_ = 0;                  // asynchronous balances
  std::vector<std::uint64_t> balances_sent_;  // to each worker
  std::size_t present_;                       // workers that have not left
  std::set<std::int32_t> left_;
  RestingWorkers resting_;
};

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
  auto weights = std::make_shared<std::vector<double>>(static_cast<std::size_t>(setting.world_size), 1.0);
  if (values.by_samples) weights->assign(setting.samples.begin(), setting.samples.end());
  const std::shared_ptr<const std::vector<double>> shared = std::move(weights);
  const SharedVector start(setting.start);
  Budget::Costs costs;
  if (values.budget) {
    const std::uint64_t checks = setting.steps / values.check_every;
    costs = costs_by(traffic(options, setting), setting, checks);
    costs.check += 1 + sizeof(float);  // the verdict of who is quiet
    require_enough(options, *values.budget, setting, checks, costs);
  }
  return [=] { return std::make_unique<Dma>(values, setting, start, shared, costs); };
}

const std::vector<OptionSpec> kOptions = dma_options();

}  // namespace

extern const StrategyRow kDma;
const StrategyRow kDma = {.name = "dma",
                          .help =
                              "average the models of some workers when one strays from the reference, of all when "
                              "that does not bring it back",
                          .source = "Kamp et al. 2018, algorithm 2",
                          .options = kOptions,
                          .check = check_dma_options,
                          .needs_coordinator = true,
                          .may_compress = true,
                          .vectors = 1,
                          .make = make,
                          .traffic = traffic};

}  // namespace laconic
