// What strategies on an asynchronous clock share, whose workers wait for nobody, and whose coordinator may ask any of them
// at any time (strategies/dma.cc, strategies/fda.cc): a worker takes in what came after each of its steps, comes to rest
// at a checkpoint (rest.h), and says that it leaves after its last one.
//
//   leaves  := nothing       Tag::kGather, Traffic::kControl
//   rests   := as in rest.h
//   all rest:= u8 5          Tag::kBroadcast, Traffic::kControl
//
// Where workers come and go they neither rest nor leave so: that a worker has taken its last step the runtime says, and
// what outlives the coordinator is its log. A model that was sent to a process of the coordinator that is gone counts
// for nobody, unless its answer was logged, which comes first then:
//
//   void    := u8 6          to all, from a coordinator that was started again: what was sent to the one before is void
//   unwanted:= u8 7          the model that came was asked for by the one before
//
// All frames are in round 0.
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string_view>
#include <vector>

#include "mechanisms/rest.h"
#include "protocol/strategy.h"

namespace laconic {

inline constexpr Round kAnyRound{0};

// A worker's end.
class AsynchronousWorker {
 public:
  explicit AsynchronousWorker(const StrategySetting& setting)
      : steps_(setting.steps), checkpoints_(setting.checkpoints) {}

  // What a worker does with a frame of the coordinator's, and whether it has an answer to come.
  struct Ways {
    std::function<Task<void>(const Frame& frame)> take_in;
    std::function<bool()> awaits_answer;
    std::function<void()> forget;  // the model that is on its way has no answer to come
  };
  // A model goes to the coordinator.
  void sends_model(const Comm& comm) { sent_to_ = comm.is_member() ? comm.coordinators() : 0; }
  // Whatever came since the last step, in its order.
  Task<void> take_in_what_came(Comm& comm, const Ways& ways);
  // The end of a round: at a checkpoint the worker answers what still comes until all rest; after its last step it waits
  // for the answer to what is on its way, and is asked for nothing any more.
  Task<void> end_round(Worker& self, const Ways& ways);

  void archive(Archive& archive, std::string_view name) { archive.value(name, taken_in_); }

 private:
  Task<void> take_in(Comm& comm, const Frame& frame, const Ways& ways);
  Task<void> rest(Comm& comm, const Ways& ways);
  Task<void> leave(Comm& comm, const Ways& ways);

  std::uint64_t steps_;  // of the run
  StepSchedule checkpoints_;
  std::uint64_t taken_in_ = 0;  // frames of the coordinator
  std::uint32_t sent_to_ = 0;   // the model on its way: to which process of the coordinator
};

// The coordinator's end.
class AsynchronousWorkers {
 public:
  explicit AsynchronousWorkers(std::size_t workers) : workers_(workers), resting_(workers) {}

  // Where workers come and go, of a coordinator that was started again: tells all what is void. Of a worker whose model
  // nobody wants: tells it.
  void begin(Comm& comm);
  void refuse(Comm& comm, Rank worker);
  // How many have not left.
  std::size_t present() const { return workers_ - left_.size(); }
  bool has_left(Rank worker) const { return left_.contains(worker.value); }
  std::vector<Rank> those_present() const;
  // A frame goes to a worker.
  void sent(Rank worker) { resting_.sent(worker); }
  // A frame of control came, that its sender rests or leaves. Returns whether it may still owe what it was asked for
  // before. Throws DecodeError.
  bool may_owe(const Comm& comm, Rank worker, const Frame& frame);
  // Tells all that they rest, once they do.
  void tell_if_all_rest(Comm& comm);

  void archive_left(Archive& archive, std::string_view name);
  void archive_resting(Archive& archive) { resting_.archive(archive); }

 private:
  std::size_t workers_;
  std::set<std::int32_t> left_;
  RestingWorkers resting_;
};

}  // namespace laconic
