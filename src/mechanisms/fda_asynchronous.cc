#include "mechanisms/fda_asynchronous.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/byte_stream.h"
#include "base/canary.h"
#include "base/error.h"
#include "comm/present_average.h"
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
        steps_(job.setting.steps),
        behind_average_(kNumber + (job.setting.comes_and_goes ? named_view_size(job.setting.world_size) : 0)),
        size_(static_cast<std::size_t>(job.setting.world_size)),
        weights_(job.weights),
        codec_(job.setting.compressor, SharedVector(job.setting.start)),
        watch_(std::move(watch)),
        worker_(job.setting),
        workers_(size_) {}

  Task<void> round(Worker& self) override {
    const AsynchronousWorker::Ways ways{.take_in = [this, &self](const Frame& frame) { return take_in(self, frame); },
                                        .awaits_answer = [this] { return !sent_.empty(); },
                                        .forget = [this] { sent_.clear(); }};
    co_await self.local_step();
    if (options_.threshold == kNever) co_return;  // nobody is ever asked
    co_await worker_.take_in_what_came(self.comm(), ways);
    if (self.step().value % options_.check_every == 0 && sent_.empty()) co_await send_state(self);
    co_await worker_.end_round(self, ways);
  }

  Task<void> coordinate(Coordinator& self) override {
    Comm& comm = self.comm();
    Attendance* const attendance = comm.attendance();
    workers_.begin(comm);
    for (;;) {
      const Arrival arrival = co_await comm.receive_when_idle(Tag::kGather, kAnyRound);
      if (attendance != nullptr) {
        hear_present(comm, *attendance, arrival);
      } else {
        hear(comm, arrival);
      }
      bool due = false;
      co_await self.compute(watch_.state_size(), [&] { due = is_due(attendance); });
      if (due && attendance != nullptr) co_await synchronise_present(comm, *attendance);
      if (due && attendance == nullptr) co_await synchronise(comm);
      if (attendance == nullptr) workers_.tell_if_all_rest(comm);
    }
  }

  void archive_common(Archive& archive) override {
    watch_.archive(archive);
    archive.value("fda.number", number_);
    if (archive.loading()) codec_.refer_to(watch_.reference());
  }
  std::span<const float> common_model() const override { return watch_.reference(); }

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
    std::uint64_t entry = 0;    // Attendance::entry then
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
    worker_.sends_model(self.comm());
    self.comm().send(self.comm().coordinator(), frame);
  }

  Task<void> take_in(Worker& self, const Frame& frame) {
    const std::span<const std::byte> payload = frame.payload();
    const bool is_average = frame.header().traffic == Traffic::kModel;
    const std::size_t behind = is_average ? behind_average_ : kNumber;
    if (payload.size() < behind) throw DecodeError("a word of the coordinator that is too short");
    const std::uint64_t number = number_at(payload.last(behind));
    if (is_average) {
      if (sent_.empty() || number != number_ + 1) {
        throw DecodeError("average " + std::to_string(number) + " for " + self.comm().name(self.rank()) +
                          ", which has number " + std::to_string(number_) +
                          (sent_.empty() ? " and gave no model to it" : ""));
      }
      co_await correct(self, frame);
      co_return;
    }
    if (payload.size() != kNumber) throw DecodeError("a question of the coordinator of another size");
    // A coordinator that was started again may ask for what is on its way to it.
    if (self.comm().is_member() && !sent_.empty()) co_return;
    if (number != number_ || !sent_.empty()) {
      throw DecodeError("the coordinator asks " + self.comm().name(self.rank()) + " for a model of number " +
                        std::to_string(number) + ", which it " + (sent_.empty() ? "does not have" : "has given"));
    }
    co_await send_model(self);
  }

  Task<void> correct(Worker& self, const Frame& frame) {
    SharedVector mean;
    co_await self.compute([&] {
      mean = codec_.decode(frame, behind_average_);
      if (canary(Canary::kWrongBase)) kernels::copy(self.params(), sent_);
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
      take_state(comm, arrival, 0);
    } else if (header.traffic == Traffic::kControl) {
      static_cast<void>(workers_.may_owe(comm, arrival.from, arrival.frame));
      if (workers_.has_left(arrival.from)) states_.erase(arrival.from);
    } else {
      throw DecodeError("a model of " + comm.name(arrival.from) + " that nobody asked for");
    }
  }

  // Who says what cannot be is out.
  void hear_present(Comm& comm, Attendance& attendance, const Arrival& arrival) {
    const Rank from = arrival.from;
    if (!attendance.is_there(from)) return;
    try {
      const Traffic traffic = arrival.frame.header().traffic;
      if (traffic == Traffic::kState) {
        take_state(comm, arrival, attendance.entry(from));
        const auto state = states_.find(from);
        if (state != states_.end() && !kernels::all_finite(state->second.values)) {
          throw DecodeError("its state is not finite");
        }
      } else if (traffic == Traffic::kModel) {
        workers_.refuse(comm, from);  // a coordinator that is gone had asked for it
      } else {
        throw DecodeError("it says what no worker says that comes and goes");
      }
    } catch (const DecodeError& error) {
      attendance.dismiss(from, error.what());
    }
  }

  void take_state(const Comm& comm, const Arrival& arrival, std::uint64_t entry) {
    const std::size_t size = watch_.state_size();
    const std::span<const std::byte> payload = arrival.frame.payload();
    if (payload.size() != size * sizeof(float) + kBehindState) {
      throw DecodeError("a state of " + comm.name(arrival.from) + " of " + std::to_string(payload.size()) + " bytes");
    }
    const std::span<const std::byte> behind = payload.last(kBehindState);
    const std::uint64_t number = number_at(behind);
    const std::uint64_t step = number_at(behind.subspan(kNumber));
    if (number > number_ || step > steps_) {
      throw DecodeError("a state of " + comm.name(arrival.from) + " of step " + std::to_string(step) + " of " +
                        std::to_string(steps_) + " after average " + std::to_string(number) + " of " +
                        std::to_string(number_));
    }
    newest_step_ = std::max(newest_step_, step);
    if (number != number_) return;  // a drift from an older average
    const SharedVector values = arrival.frame.floats(size, kBehindState);
    states_[arrival.from] = {
        .values = {values.values().begin(), values.values().end()}, .came_at = newest_step_, .entry = entry};
  }

  bool counts(Rank worker, const State& state, const Attendance* attendance) const {
    const bool is_there =
        attendance == nullptr || (attendance->is_there(worker) && attendance->entry(worker) == state.entry);
    return is_there && (options_.age == 0 || newest_step_ - state.came_at <= options_.age);
  }

  // Whether H of the states that count is above Theta.
  bool is_due(const Attendance* attendance) const {
    std::vector<double> sum(watch_.state_size(), 0.0);
    double divisor = 0.0;
    std::size_t count = 0;
    for (const auto& [worker, state] : states_) {
      if (!counts(worker, state, attendance)) continue;
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
    const Frame question = this->question();
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
    const Frame average = co_await average_of(comm, sum, divisor, std::vector<std::byte>());
    for (const auto& [worker, model] : models) send(comm, worker, average);
  }

  Frame question() const {
    const FrameHeader ask{Traffic::kControl, Tag::kBroadcast, kAnyRound};
    return {ask, std::as_bytes(std::span(&number_, 1))};
  }

  // The same of those who are present: who is late, or gives what is no model, is out.
  Task<void> synchronise_present(Comm& comm, Attendance& attendance) {
    PresentAverage average(comm, attendance);
    std::vector<Rank> asked = average.those_there();
    const Frame question = this->question();
    for (const Rank worker : asked) comm.send(worker, question);
    const std::map<Rank, Frame> models = co_await models_present(comm, average, std::move(asked));
    std::vector<double> sum(dimension(), 0.0);
    double divisor = 0.0;
    std::vector<Rank> members;
    for (const auto& [worker, frame] : models) {
      const Rank from = worker;
      const Frame model = frame;
      std::string problem;
      co_await comm.compute(dimension(), [&] { problem = added(comm, from, model, sum); });
      if (!problem.empty()) {
        average.leave_out(from, problem);
        continue;
      }
      divisor += weights_->of(from);
      members.push_back(from);
    }
    if (!average.is_enough()) {
      average.give_up();
    } else if (members.empty()) {
      average.abandon();
    } else {
      std::vector<std::byte> behind = average.behind(members);
      const Frame frame = co_await average_of(comm, sum, divisor, std::move(behind));
      average.commit(attendance.step(), frame, members, true);
    }
  }

  // Empty where it is added.
  std::string added(const Comm& comm, Rank from, const Frame& model, std::vector<double>& sum) {
    try {
      add(comm, from, model, sum);
    } catch (const DecodeError& error) {
      return error.what();
    }
    return {};
  }

  // States that were on their way come before.
  Task<std::map<Rank, Frame>> models_present(Comm& comm, PresentAverage& average, std::vector<Rank> asked) {
    const Seconds end = comm.now() + comm.collecting_deadline();
    std::map<Rank, Frame> models;
    while (!asked.empty()) {
      std::vector<Rank> some = std::exchange(asked, std::vector<Rank>());
      const std::vector<Contribution> replies = co_await average.replies(std::move(some), end);
      for (const Contribution& reply : replies) {
        const Traffic traffic = reply.frame.header().traffic;
        if (traffic == Traffic::kState && comm.now() < end) {
          asked.push_back(reply.from);
        } else if (traffic != Traffic::kModel || !is_of_this_number(reply.frame)) {
          average.leave_out(reply.from, "it was asked for its model after average " + std::to_string(number_) +
                                            ", and gave something else");
        } else {
          models[reply.from] = reply.frame;
        }
      }
    }
    co_return models;
  }

  bool is_of_this_number(const Frame& model) const {
    const std::span<const std::byte> payload = model.payload();
    return payload.size() >= kNumber && number_at(payload.last(kNumber)) == number_;
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
          if (!is_of_this_number(reply.frame)) {
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

  // The mean, which is the reference from now on, with its number and those bytes behind.
  Task<Frame> average_of(Comm& comm, const std::vector<double>& sum, double divisor, std::vector<std::byte> view) {
    const std::uint64_t next = number_ + 1;
    ByteWriter out;
    out.u64(next);
    out.raw(view);
    const std::vector<std::byte> behind = out.take();
    const FrameHeader header{Traffic::kModel, Tag::kBroadcast, kAnyRound};
    RandomStream random(seed_, "compression of averages", {number_});
    Frame frame;
    SharedVector reference;
    co_await comm.compute(dimension(), [&] {
      std::vector<float> mean(dimension());
      kernels::finish_mean(sum, divisor, mean);
      frame = codec_.encode(header, mean, random, behind, divisor);
      reference = codec_.decode(frame, behind.size());
    });
    codec_.refer_to(reference);
    watch_.follow(reference);
    number_ = next;
    states_.clear();
    co_return frame;
  }

  void send(Comm& comm, Rank worker, const Frame& frame) {
    comm.send(worker, frame);
    workers_.sent(worker);
  }

  FdaOptions options_;
  std::uint64_t seed_;
  std::uint64_t steps_;  // of the run
  std::size_t behind_average_;
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
