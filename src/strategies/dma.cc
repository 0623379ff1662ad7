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
//                      quiet.
//
// A model of another size, or that is not finite, is refused: its worker is told and says so, and the round goes on
// without it; so it does without who is late. Such a round is no full synchronisation. Optimiser state stays local.
// Invariants: P1 a balance keeps the weighted mean of all models; P2 (round-synchronous) after a check the divergence
// is at most Delta; P5 Delta = 0 is `periodic`, Delta = inf `local`. Needs the common start.
//
// Where the job compresses, models travel as differences from r (model_codec.h); P1 then counts what is not told yet.
//
// Messages: model up (violation, reply) := model; model down := model, u8 (1: it is the new reference)
//   verdict down := u8 (go on, send, refused for its form, values, reference);  quiet up := nothing
//   asynchronous: model up := model, u64 (2 * full synchronisations taken in + 1 if it violates);  verdict down := u8,
//   varint (balances sent to the worker)
#include <algorithm>
#include <cstring>
#include <optional>

#include "base/byte_stream.h"
#include "base/error.h"
#include "kernels/vector_ops.h"
#include "strategies/balance.h"
#include "strategies/model_codec.h"
#include "strategies/rows.h"

namespace laconic {
namespace {

struct DmaOptions {
  double threshold = 0.0;
  std::uint64_t check_every = 1;
  Augmentation augmentation = Augmentation::kDoubling;
  bool by_samples = false;
  bool asynchronous = false;
};

enum class Verdict : std::uint8_t { kGoOn, kSend, kMalformed, kNotFinite, kOtherReference };
constexpr std::uint8_t kVerdicts = 5;

constexpr Round kAnyRound{0};  // of the asynchronous clock

std::string_view reason(Verdict verdict) {
  return verdict == Verdict::kMalformed   ? "it is no model of the others' size and form"
         : verdict == Verdict::kNotFinite ? "it is not finite"
                                          : "it has strayed from another reference";
}

class Dma final : public Strategy {
 public:
  Dma(const DmaOptions& options, const StrategySetting& setting, SharedVector start,
      std::shared_ptr<const std::vector<double>> weights)
      : options_(options),
        nodes_(static_cast<std::size_t>(setting.world_size)),
        seed_(setting.seed),
        weights_(std::move(weights)),
        codec_(setting.compressor, std::move(start)),
        balances_sent_(nodes_, 0) {}

  Task<void> round(Worker& self) override {
    co_await self.local_step();
    if (options_.asynchronous) co_await take_in(self);
    if (self.step().value % options_.check_every != 0) co_return;
    const double strayed = co_await distance(self);
    self.measured("squared_distance", strayed);
    const bool violated = violates(strayed);
    if (options_.asynchronous) {
      if (violated && sent_.empty()) co_await send_asynchronously(self, true);
    } else {
      co_await report(self, violated);
    }
  }

  Task<void> coordinate(Comm& comm) override {
    for (;;) {
      if (options_.asynchronous) {
        co_await balance_asynchronously(comm);
      } else {
        co_await check(comm);
      }
    }
  }

  void archive(Archive& archive) override {
    codec_.archive(archive);
    archive.vector("dma.sent", sent_, codec_.reference().size());
    archive.value("dma.references", references_);
    archive.value("dma.balances", balances_);
    archive.value("dma.violations", violations_);
    archive.value("dma.rounds", rounds_);
    for (std::uint64_t& sent : balances_sent_) archive.value("dma.balances_sent", sent);
  }

 private:
  // ---- a worker

  // ||f_i - r||^2
  Task<double> distance(Worker& self) {
    double result = 0.0;
    co_await self.compute([&] { result = kernels::squared_distance(self.params(), codec_.reference()); });
    co_return result;
  }
  bool violates(double distance) const { return !(distance <= options_.threshold); }

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
        co_await self.compute([&] { mean = codec_.decode(frame, 1); });
        std::copy(mean.values().begin(), mean.values().end(), self.params().begin());
        after_balance(self, frame, mean);
        co_return;
      }
      ByteReader in(frame.payload(), "verdict of the coordinator");
      const Verdict verdict = read_verdict(in);
      in.expect_end();
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
      const Frame& frame = arrival->frame;
      if (frame.header().traffic == Traffic::kModel) {
        if (sent_.empty()) {
          throw DecodeError("a balance for " + self.comm().name(self.rank()) + ", which sent no model");
        }
        SharedVector mean;
        co_await self.compute([&] {
          mean = codec_.decode(frame, 1);
          kernels::axpy_difference(1.0F, mean, sent_, self.params());
        });
        sent_.clear();
        ++balances_;
        after_balance(self, frame, mean);
        continue;
      }
      ByteReader in(frame.payload(), "verdict of the coordinator");
      const Verdict verdict = read_verdict(in);
      const std::uint64_t balances = in.varint();
      in.expect_end();
      if (verdict == Verdict::kSend) {
        // A model on its way is the answer; and what was asked before a balance came, that has answered.
        if (sent_.empty() && balances == balances_) {
          const double strayed = co_await distance(self);
          co_await send_asynchronously(self, violates(strayed));
        }
      } else {
        sent_.clear();
        warn_of(self, verdict);
      }
    }
  }

  // ---- a worker, both

  void after_balance(Worker& self, const Frame& frame, const SharedVector& mean) {
    if (frame.payload().back() == std::byte{0}) return;  // of some workers: the reference stays
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
    return balance.size() == nodes_ || (balance.size() > 1 && balance.distance() <= options_.threshold);
  }

  // Asks others for their models until the mean is near enough or nobody is left. `ask` sends a request; `refuse` tells
  // a node what is amiss.
  template <typename Ask, typename Refuse>
  Task<void> enlarge(Comm& comm, Balance& balance, bool to_all, std::vector<Rank> rest, Round round, const Ask& ask,
                     const Refuse& refuse) {
    const Seconds end = comm.now() + comm.collecting_deadline();
    while (!rest.empty() && balance.size() > 0 && (to_all || !enough(balance))) {
      const std::size_t wanted = to_all ? rest.size() : augment(options_.augmentation, balance.size(), nodes_);
      std::vector<Rank> group(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(std::min(wanted, rest.size())));
      rest.erase(rest.begin(), rest.begin() + static_cast<std::ptrdiff_t>(group.size()));
      std::sort(group.begin(), group.end());
      for (const Rank node : group) ask(node);
      const std::vector<Contribution> replies = co_await comm.gather(group, round, end);
      for (const Contribution& reply : replies) {
        const Verdict verdict = take(balance, reply.from, reply.frame);
        if (verdict != Verdict::kGoOn) refuse(reply.from, verdict);
      }
    }
  }

  // The model of the balance to its members.
  void answer(Comm& comm, const Balance& balance, Round round) {
    const bool full = balance.size() == nodes_;
    const FrameHeader header{Traffic::kModel, Tag::kBroadcast, round};
    const std::byte flag{static_cast<std::uint8_t>(full ? 1 : 0)};
    RandomStream random(seed_, "compression of averages", {round.value, rounds_});
    const Frame frame = codec_.encode(header, balance.mean(), random, std::span(&flag, 1), balance.weight());
    for (const Rank node : balance.members()) comm.send(node, frame);
    if (full) {
      codec_.refer_to(codec_.decode(frame, 1));
      ++references_;
      violations_ = 0;
    }
  }

  // ---- the coordinator, round-synchronous

  Task<void> check(Comm& comm) {
    const Round round = comm.next_round();
    const auto tell = [&](Rank node, Verdict verdict) {
      const auto byte = static_cast<std::byte>(verdict);
      comm.send(node, Frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, round}, std::span(&byte, 1)));
    };
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
      answer(comm, balance, round);
    }
    for (const Rank node : all) {
      if (!balance.has(node) && !told[static_cast<std::size_t>(node.value)]) tell(node, Verdict::kGoOn);
    }
  }

  // ---- the coordinator, asynchronous

  Task<void> balance_asynchronously(Comm& comm) {
    const auto tell = [&](Rank node, Verdict verdict) {
      ByteWriter out;
      out.u8(static_cast<std::uint8_t>(verdict));
      out.varint(balances_sent_[static_cast<std::size_t>(node.value)]);
      comm.send(node, Frame(FrameHeader{Traffic::kControl, Tag::kBroadcast, kAnyRound}, out.bytes()));
    };
    std::optional<Arrival> arrival = co_await comm.receive_when_idle(Tag::kGather, kAnyRound);
    const SharedVector reference = codec_.reference();
    Balance balance(reference, *weights_);
    std::uint64_t violators = 0;
    for (; arrival; arrival = co_await comm.poll(Tag::kGather, kAnyRound)) {
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
    const bool to_all = violations_ >= nodes_;
    if (to_all) violations_ = 0;
    RandomStream random = drawn(rounds_++);
    std::vector<Rank> rest = balance.others(random);
    co_await enlarge(
        comm, balance, to_all, std::move(rest), kAnyRound, [&](Rank node) { tell(node, Verdict::kSend); }, tell);
    for (const Rank node : balance.members()) ++balances_sent_[static_cast<std::size_t>(node.value)];
    answer(comm, balance, kAnyRound);
  }

  DmaOptions options_;
  std::size_t nodes_;
  std::uint64_t seed_;
  std::shared_ptr<const std::vector<double>> weights_;
  ModelCodec codec_;              // of the reference
  std::uint64_t references_ = 0;  // full synchronisations taken in
  // A worker's, asynchronous.
  std::vector<float> sent_;     // the model on its way; empty: none
  std::uint64_t balances_ = 0;  // taken in
  // The coordinator's.
  std::uint64_t violations_ = 0;
  std::uint64_t rounds_ = 0;                  // asynchronous balances
  std::vector<std::uint64_t> balances_sent_;  // to each worker
};

DmaOptions read(const Options& options) {
  return {.threshold = options.number("threshold"),
          .check_every = options.integer("check_every"),
          .augmentation = read_augmentation(options),
          .by_samples = options.text("weights") == "samples",
          .asynchronous = options.text("clock") == "asynchronous"};
}

StrategyFactory make(const Options& options, const StrategySetting& setting) {
  const DmaOptions values = read(options);
  auto weights = std::make_shared<std::vector<double>>(static_cast<std::size_t>(setting.world_size), 1.0);
  if (values.by_samples) weights->assign(setting.samples.begin(), setting.samples.end());
  const std::shared_ptr<const std::vector<double>> shared = std::move(weights);
  const SharedVector start(setting.start);
  return [=] { return std::make_unique<Dma>(values, setting, start, shared); };
}

TrafficFormula traffic(const Options& options, const StrategySetting& setting) {
  const DmaOptions values = read(options);
  const auto workers = static_cast<std::uint64_t>(setting.world_size);
  const ModelSize model = model_size(setting);
  TrafficFormula formula;
  formula.sync(Traffic::kModel) = workers * (2 * model.bytes + 1 + (values.asynchronous ? sizeof(std::uint64_t) : 0));
  // Balances of some, and how many are asked, are as the data decide.
  formula.depends_on_values = true;
  return formula;
}

const std::vector<OptionSpec> kOptions = {
    {.name = "threshold",
     .type = OptionType::kNumber,
     .required = true,
     .minimum = 0,
     .help =
         "Delta: a model whose squared L2 distance from the reference exceeds it is balanced by others (inf: never)"},
    {.name = "check_every",
     .type = OptionType::kInteger,
     .default_value = "1",
     .minimum = 1,
     .maximum = 1e15,
     .help = "b: local steps from one check to the next"},
    augmentation_option(),
    {.name = "clock",
     .type = OptionType::kChoice,
     .default_value = "round-synchronous",
     .choices = {"round-synchronous", "asynchronous"},
     .help =
         "every check is a barrier, with one control frame up and down; or nobody waits, and nobody speaks while all "
         "are quiet"},
    {.name = "weights",
     .type = OptionType::kChoice,
     .default_value = "equal",
     .choices = {"equal", "samples"},
     .help = "of the models in a mean: one each, or a worker's training samples"},
};

}  // namespace

const StrategyRow kDma = {.name = "dma",
                          .help =
                              "average the models of some workers when one strays from the reference, of all when "
                              "that does not bring it back",
                          .source = "Kamp et al. 2018, algorithm 2",
                          .options = kOptions,
                          .needs_coordinator = true,
                          .may_compress = true,
                          .vectors = 1,
                          .make = make,
                          .traffic = traffic};

}  // namespace laconic
