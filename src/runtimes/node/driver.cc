#include "runtimes/node/driver.h"

#include <utility>

#include "base/error.h"
#include "runtimes/node/node_state.h"

namespace laconic {

void Node::become_worker(std::uint64_t seed, Learner& learner, StrategyEvents& events,
                         std::unique_ptr<Strategy> strategy) {
  strategy_ = std::move(strategy);
  learner_ = &learner;
  worker_.emplace(rank(), seed,
                  Worker::Parts{.learner = learner, .comm = comm_, .processor = steps_, .events = events});
}

void Node::archive(Archive& archive) {
  if (worker_) {
    archive_worker(archive, *worker_, *learner_, *strategy_, comm_, mailbox_);
  } else {
    archive_coordinator(archive, *strategy_, comm_, mailbox_);
  }
}

Task<void> drive(Node& node, const RunOptions& options, const RunObserver& observer, Gathering& gathering,
                 const RunAccount& account) {
  Worker& self = node.worker();
  while (self.step() < options.steps) {
    const Step before = self.step();
    gathering.begin_round(node);
    co_await node.strategy().round(self);
    LACONIC_CHECK(self.step().value == before.value + 1, "a round took other than one step");
    gathering.end_round(node);
    if (self.rank().value == 0 && observer.on_step) {
      observer.on_step(self.step(), self.last_loss(), account.evaluator.syncs(), account.ledger.total().framed);
    }
    if (observer.on_worker_step) {
      observer.on_worker_step({.rank = self.rank(),
                               .step = self.step(),
                               .result = self.last_step(),
                               .params = self.params(),
                               .time = account.time(),
                               .ledger = account.ledger});
    }
    if (options.evaluates_after(self.step())) co_await gathering.evaluate(node);
    if (gathering.measures(node)) co_await gathering.measure_what_is_due(node);
    if (gathering.stopped()) co_return;
    if (options.saves_after(self.step())) co_await gathering.checkpoint(node);
  }
}

void Narrator::synchronised(Rank rank, Step step) {
  if (rank.value != 0) return;
  evaluator_.count_sync();
  if (on_sync) on_sync();
  if (observer_.on_sync) observer_.on_sync(step, evaluator_.watched());
}

void Narrator::measured(Rank rank, Step, std::string_view name, double value) {
  if (rank.value == 0) evaluator_.watch(name, value);
}

void Narrator::warned(Rank, Step, const std::string& text) {
  if (observer_.on_warning) observer_.on_warning(text);
}

std::uint64_t largest_payload(Learner& learner) {
  constexpr std::uint64_t kSlack = std::uint64_t{16} << 20;
  return learner.layout().size * sizeof(float) + kSlack;
}

void load_part(const ResumePoint& point, std::string_view name, const std::function<void(Archive&)>& archive) {
  const std::vector<std::byte> bytes = point.part(name);
  Archive part(bytes);
  archive(part);
  part.expect_end();
}

void load_node(const ResumePoint& point, Node& node, const std::function<void(Archive&)>& archive) {
  load_part(point, part_name(node.rank()), archive);
  if (node.is_worker() && node.worker().step() != point.step) throw DecodeError("state: a worker of another step");
}

Seconds load_model(const ResumePoint& point, Node& node) {
  Step step;
  Seconds now;
  load_part(point, kModelPart,
            [&](Archive& part) { archive_model(part, step, now, node.learner().params(), node.learner().buffers()); });
  if (step != point.step) throw DecodeError("state: a model of another step");
  node.worker().begin_at(step);
  return now;
}

}  // namespace laconic
