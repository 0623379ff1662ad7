// The one driver of a node: a worker's way from round to round, whatever carries it, and what is saved of a node.
//
// A runtime gives a node its endpoint and processor, and says how workers come together between two rounds (Gathering):
// in the simulator through memory, between processes by frames.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "comm/comm.h"
#include "comm/mailbox.h"
#include "protocol/strategy.h"
#include "protocol/worker.h"
#include "runtimes/node/evaluation.h"
#include "runtimes/node/run.h"

namespace laconic {

// A worker with its learner, or the coordinator.
class Node {
 public:
  // All that is referred to outlives it. `steps`: where a worker's steps are computed; `sums`: where sums and copies of
  // whole vectors go on beside them.
  Node(Transport& transport, Mailbox& mailbox, const CommOptions& options, Processor& steps, Processor& sums)
      : comm_(transport, sums, options), mailbox_(mailbox), steps_(steps) {}
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  void become_worker(std::uint64_t seed, Learner& learner, StrategyEvents& events, std::unique_ptr<Strategy> strategy);
  void become_coordinator(std::unique_ptr<Strategy> strategy) { strategy_ = std::move(strategy); }

  Rank rank() const { return comm_.self(); }
  bool is_worker() const { return worker_.has_value(); }
  Worker& worker() { return *worker_; }
  Learner& learner() { return *learner_; }
  Strategy& strategy() { return *strategy_; }
  Comm& comm() { return comm_; }
  Mailbox& mailbox() { return mailbox_; }

  // The coordinator's part of a run; ends with it.
  Task<void> coordinate() { return strategy_->coordinate(coordinator_); }

  // What a checkpoint keeps of it, between two rounds.
  void archive(Archive& archive);

 private:
  Comm comm_;
  Coordinator coordinator_{comm_};
  Mailbox& mailbox_;
  Processor& steps_;
  std::unique_ptr<Strategy> strategy_;
  Learner* learner_ = nullptr;  // null: the coordinator
  std::optional<Worker> worker_;
};

// How the workers of a run come together between two rounds.
class Gathering {
 public:
  virtual ~Gathering() = default;
  // `node` begins a round, and has ended it.
  virtual void begin_round(Node& node) { static_cast<void>(node); }
  virtual void end_round(Node& node) { static_cast<void>(node); }
  // After a step that is measured: `node` reports. Where it is the one that measures, it may do so now.
  virtual Task<void> evaluate(Node& node) = 0;
  // Whether `node` is the one that measures between rounds what has become due meanwhile; it then does.
  virtual bool measures(Node& node) const = 0;
  virtual Task<void> measure_what_is_due(Node& node) = 0;
  // After a step at which all nodes are saved: returns when nothing of the strategies is on its way and all is saved.
  virtual Task<void> checkpoint(Node& node) = 0;
  // Whether the run shall end before its last step.
  virtual bool stopped() const = 0;
};

// What a run knows beside its nodes, for the observer.
struct RunAccount {
  const Evaluator& evaluator;
  const Ledger& ledger;           // of the nodes of this process
  std::function<Seconds()> time;  // of the run's clock
};

// A worker's rounds, to the last step or until the gathering has stopped. All that is referred to outlives the task.
Task<void> drive(Node& node, const RunOptions& options, const RunObserver& observer, Gathering& gathering,
                 const RunAccount& account);

// What strategies tell, passed on to the evaluator and the observer: of worker 0, warnings of all.
class Narrator final : public StrategyEvents {
 public:
  // Both outlive it.
  Narrator(Evaluator& evaluator, const RunObserver& observer) : evaluator_(evaluator), observer_(observer) {}
  // Called beside, when worker 0 has synchronised; may be empty.
  std::function<void()> on_sync = {};

  void synchronised(Rank rank, Step step) override;
  void measured(Rank rank, Step step, std::string_view name, double value) override;
  void warned(Rank rank, Step step, const std::string& text) override;

 private:
  Evaluator& evaluator_;
  const RunObserver& observer_;
};

// A frame's payload is a model or a state of the strategy's own, of which a large sketch is the largest; of a report of
// a worker, a model and its buffers.
std::uint64_t largest_payload(Learner& learner);

// Reads the part `name` of a checkpoint, all of it, by `archive`.
void load_part(const ResumePoint& point, std::string_view name, const std::function<void(Archive&)>& archive);
// Reads the part of a node; throws DecodeError where it is of another step than the checkpoint.
void load_node(const ResumePoint& point, Node& node, const std::function<void(Archive&)>& archive);

// Gives a worker the model of a checkpoint, and nothing else of it. Returns the time that the run's clock had.
Seconds load_model(const ResumePoint& point, Node& node);

}  // namespace laconic
