#include "mechanisms/fda_asynchronous.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/byte_stream.h"
#include "base/error.h"
#include "kernels/vector_ops.h"
#include "mechanisms/asynchronous.h"
#include "mechanisms/model_codec.h"

namespace laconic {
namespace {

constexpr std::size_t kNumber = sizeof(std::uint64_t);
constexpr std::size_t kBehindState = 2 * kNumber;
constexpr double kNever = std::numeric_limits<double>::infinity();

std::uint64_t number_at(std::span<const std::byte> bytes) {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), kNumber);
  return number;
}

class AsynchronousFda final : public Strategy {
 public:
  AsynchronousFda(const AsynchronousFdaJob& job, VarianceWatch watch)
      : options_(job.options),
        seed_(job.setting.seed),
        size_(static_cast<std::size_t>(job.setting.world_size)),
        weights_(job.weights),
        codec_(job.setting.compressor, SharedVector(job.setting.start)),
        watch_(std::move(watch)),
        worker_(job.setting),
        workers_(size_) {}

  Task<void> round(Worker& self) override {
    const AsynchronousWorker::Ways ways{.take_in = [this, &self](const Frame& frame) { return take_in(self, frame); },
                                        .awaits_answer = [this] { return !sent_.empty(); }};
    co_await self.local_step();
    if (options_.threshold == kNever) co_return;  // nobody is ever asked
    co_await worker_.take_in_what_came(self.comm(), ways);
    if (self.step().value % options_.check_every == 0 && sent_.empty()) co_await send_state(self);
    co_await worker_.end_round(self, ways);
  }

  Task<void> coordinate(Coordinator& self) override {
    for (;;) {
      const Arrival arrival = co_await self.comm().receive_when_idle(Tag::kGather, kAnyRound);
      hear(self.comm(), arrival);
      bool due = false;
      co_await self.compute(watch_.state_size(), [&] { due = is_due(); });
      if (due) co_await synchronise(self.comm());
      workers_.tell_if_all_rest(self.comm());
    }
  }

  void archive(Archive& archive) override {
    codec_.archive(archive);
    watch_.archive(archive);
    archive.value("fda.number", number_);
    archive.vector("fda.sent", sent_, dimension());
    worker_.archive(archive, "fda.taken_in");
    workers_.archive_left(archive, "fda.left");
    workers_.archive_resting(archive);
    archive.value("fda.newest_step", newest_step_);
    for (Rank worker{0}; worker.value < static_cast<std::int32_t>(size_); ++worker.value) {
      State state = states_.contains(worker) ? states_[worker] : State{};
      archive.vector("fda.state", state.values, watch_.state_size());
      archive.value("fda.came_at", state.came_at);
      if (archive.loading() && !state.values.empty()) states_[worker] = std::move(state);
    }
  }

 private:
  struct State {
    std::vector<float> values;
    std::uint64_t came_at = 0;  // the newest step of any worker then
  };

  std::size_t dimension() const { return codec_.reference().size(); }

  // ---- a worker

  Task<void> send_state(Worker& self) {
    co_await watch_.observe(self);
    ByteWriter out;
    out.floats(watch_.state());
    out.u64(number_);
    out.u64(self.step().value);
    const FrameHeader header{Traffic::kState, Tag::kGather, kAnyRound};
    self.comm().send(self.comm().coordinator(), Frame(header, out.bytes()));
  }

  Task<void> send_model(Worker& self) {
    const FrameHeader header{Traffic::kModel, Tag::kGather, kAnyRound};
    RandomStream random = self.rng("compression");
    const std::uint64_t number = number_;
    Frame frame;
    co_await self.compute([&] {
      frame = codec_.encode(header, self.params(), random, std::as_bytes(std::span(&number, 1)));
      sent_.resize(dimension());
      if (codec_.compresses()) {
        kernels::copy(codec_.decode(frame, kNumber), sent_);
        codec_.drop_untold();
      } else {
        kernels::copy(self.params(), sent_);
      }
    });
    self.comm().send(self.comm().coordinator(), frame);
  }

  Task<void> take_in(Worker& self, const Frame& frame) {
    const std::span<const std::byte> payload = frame.payload();
    if (payload.size() < kNumber) throw DecodeError("a word of the coordinator that is too short");
    const std::uint64_t number = number_at(payload.last(kNumber));
    if (frame.header().traffic == Traffic::kModel) {
      if (sent_.empty() || number != number_ + 1) {
        throw DecodeError("average " + std::to_string(number) + " for " + self.comm().name(self.rank()) +
                          ", which has number " + std::to_string(number_) +
                          (sent_.empty() ? " and gave no model to it" : ""));
      }
      co_await correct(self, frame);
      co_return;
    }
    if (payload.size() != kNumber) throw DecodeError("a question of the coordinator of another size");
    if (number != number_ || !sent_.empty()) {
      throw DecodeError("the coordinator asks " + self.comm().name(self.rank()) + " for a model of number " +
                        std::to_string(number) + ", which it " + (sent_.empty() ? "does not have" : "has given"));
    }
    co_await send_model(self);
  }

  Task<void> correct(Worker& self, const Frame& frame) {
    SharedVector mean;
    co_await self.compute([&] {
      mean = codec_.decode(frame, kNumber);
      kernels::axpy_difference(1.0F, mean, sent_, self.params());
      watch_.synchronised(mean);
    });
    codec_.refer_to(mean);
    sent_.clear();
    ++number_;
    self.synchronised();
  }

  // ---- the coordinator

  void hear(const Comm& comm, const Arrival& arrival) {
    const FrameHeader header = arrival.frame.header();
    if (header.traffic == Traffic::kState) {
      take_state(comm, arrival);
    } else if (header.traffic == Traffic::kControl) {
      static_cast<void>(workers_.may_owe(comm, arrival.from, arrival.frame));
      if (workers_.has_left(arrival.from)) states_.erase(arrival.from);
    } else {
      throw DecodeError("a model of " + comm.name(arrival.from) + " that nobody asked for");
    }
  }

  void take_state(const Comm& comm, const Arrival& arrival) {
    const std::size_t size = watch_.state_size();
    const std::span<const std::byte> payload = arrival.frame.payload();
    if (payload.size() != size * sizeof(float) + kBehindState) {
      throw DecodeError("a state of " + comm.name(arrival.from) + " of " + std::to_string(payload.size()) + " bytes");
    }
    const std::span<const std::byte> behind = payload.last(kBehindState);
    newest_step_ = std::max(newest_step_, number_at(behind.subspan(kNumber)));
    if (number_at(behind) != number_) return;  // a drift from an older average
    const SharedVector values = arrival.frame.floats(size, kBehindState);
    states_[arrival.from] = {.values = {values.values().begin(), values.values().end()}, .came_at = newest_step_};
  }

  bool counts(const State& state) const { return options_.age == 0 || newest_step_ - state.came_at <= options_.age; }

  // Whether H of the states that count is above Theta.
  bool is_due() const {
    std::vector<double> sum(watch_.state_size(), 0.0);
    double divisor = 0.0;
    std::size_t count = 0;
    for (const auto& [worker, state] : states_) {
      if (!counts(state)) continue;
      kernels::accumulate(weights_->of(worker), state.values, sum);
      divisor += weights_->of(worker);
      ++count;
    }
    if (count < 2) return false;
    std::vector<float> mean(sum.size());
    if (options_.watch.one_bit()) {
      mean[0] = sum[0] > 0.0 ? 1.0F : 0.0F;
    } else {
      kernels::finish_mean(sum, divisor, mean);
    }
    return watch_.estimate_of(mean) > threshold_for(options_.watch, options_.threshold, count, size_);
  }

  Task<void> synchronise(Comm& comm) {
    const std::uint64_t number = number_;
    const FrameHeader ask{Traffic::kControl, Tag::kBroadcast, kAnyRound};
    const Frame question(ask, std::as_bytes(std::span(&number, 1)));
    std::vector<Rank> asked = workers_.those_present();
    for (const Rank worker : asked) send(comm, worker, question);
    std::vector<double> sum(dimension(), 0.0);
    double divisor = 0.0;
    const std::map<Rank, Frame> models = co_await models_of(comm, std::move(asked));
    for (const auto& [worker, frame] : models) {
      const Rank from = worker;
      const Frame model = frame;
      co_await comm.compute(dimension(), [&] { add(comm, from, model, sum); });
      divisor += weights_->of(from);
    }
    if (models.empty()) co_return;
    co_await answer(comm, models, sum, divisor);
  }

  // In the order of ranks, so that no bit depends on who was faster.
  void add(const Comm& comm, Rank from, const Frame& frame, std::vector<double>& sum) {
    try {
      const SharedVector model = codec_.decode(frame, kNumber);
      if (!kernels::all_finite(model)) throw DecodeError("it is not finite");
      kernels::accumulate(weights_->of(from), model, sum);
    } catch (const DecodeError& error) {
      throw DecodeError("the model of " + comm.name(from) + " for the coordinator: " + error.what());
    }
  }

  // What came before the question is behind; who has left owes nothing.
  Task<std::map<Rank, Frame>> models_of(Comm& comm, std::vector<Rank> asked) {
    const Seconds end = comm.now() + comm.collecting_deadline();
    std::map<Rank, Frame> models;
    while (!asked.empty()) {
      const std::vector<Contribution> replies = co_await comm.gather(asked, kAnyRound, end);
      if (replies.size() < asked.size()) throw PeerLost(late(comm, asked, replies));
      asked.clear();
      for (const Contribution& reply : replies) {
        const Traffic traffic = reply.frame.header().traffic;
        if (traffic == Traffic::kModel) {
          const std::span<const std::byte> payload = reply.frame.payload();
          if (payload.size() < kNumber || number_at(payload.last(kNumber)) != number_) {
            throw DecodeError("the model of " + comm.name(reply.from) + " is of another number than " +
                              std::to_string(number_));
          }
          models[reply.from] = reply.frame;
        } else if (traffic == Traffic::kState || workers_.may_owe(comm, reply.from, reply.frame)) {
          asked.push_back(reply.from);
        }
      }
    }
    co_return models;
  }

  static std::string late(const Comm& comm, const std::vector<Rank>& asked, const std::vector<Contribution>& replies) {
    for (const Rank worker : asked) {
      const auto is_its = [&](const Contribution& reply) { return reply.from == worker; };
      if (std::ranges::any_of(replies, is_its)) continue;
      return "the coordinator got no model from " + comm.name(worker) + " within " +
             to_text(comm.collecting_deadline()) +
             " after it had asked; see whether it still runs, or raise "
             "network.deadline";
    }
    return "a model did not come in time";
  }

  Task<void> answer(Comm& comm, const std::map<Rank, Frame>& models, const std::vector<double>& sum, double divisor) {
    const std::uint64_t next = number_ + 1;
    const FrameHeader header{Traffic::kModel, Tag::kBroadcast, kAnyRound};
    RandomStream random(seed_, "compression of averages", {number_});
    Frame frame;
    SharedVector reference;
    co_await comm.compute(dimension(), [&] {
      std::vector<float> mean(dimension());
      kernels::finish_mean(sum, divisor, mean);
      frame = codec_.encode(header, mean, random, std::as_bytes(std::span(&next, 1)), divisor);
      reference = codec_.decode(frame, kNumber);
    });
    codec_.refer_to(reference);
    watch_.follow(reference);
    number_ = next;
    states_.clear();
    for (const auto& [worker, model] : models) send(comm, worker, frame);
  }

  void send(Comm& comm, Rank worker, const Frame& frame) {
    comm.send(worker, frame);
    workers_.sent(worker);
  }

  FdaOptions options_;
  std::uint64_t seed_;
  std::size_t size_;  // K
  SharedWeights weights_;
  ModelCodec codec_;  // of the last average
  VarianceWatch watch_;
  std::uint64_t number_ = 0;  // of the last average
  // A worker's.
  std::vector<float> sent_;  // the model on its way, as it was told; empty: none
  AsynchronousWorker worker_;
  // The coordinator's.
  std::map<Rank, State> states_;
  std::uint64_t newest_step_ = 0;
  AsynchronousWorkers workers_;
};

}  // namespace

std::unique_ptr<Strategy> make_asynchronous_fda(const AsynchronousFdaJob& job, VarianceWatch watch) {
  return std::make_unique<AsynchronousFda>(job, std::move(watch));
}

TrafficFormula asynchronous_fda_traffic(const FdaOptions& options, const StrategySetting& setting) {
  const auto workers = static_cast<std::uint64_t>(setting.world_size);
  const ModelSize model = model_size(setting);
  const std::uint64_t checks = setting.steps / options.check_every;
  TrafficFormula formula;
  formula.depends_on_values = true;
  formula.steps_per_check = options.check_every;
  formula.most_syncs = options.threshold == kNever ? 0 : workers * checks;
  formula.sync(Traffic::kModel) = 2 * workers * (model.bytes + kNumber);
  formula.sync(Traffic::kControl) = workers * kNumber;
  if (options.threshold == kNever) return formula;
  // At most: a worker that waits for an average tells none.
  const std::uint64_t state = watch_state_size(options.watch, setting) * sizeof(float) + kBehindState;
  formula.run(Traffic::kState) = checks * workers * state;
  formula.run(Traffic::kControl) = setting.drains() * workers * 2;
  return formula;
}

}  // namespace laconic
