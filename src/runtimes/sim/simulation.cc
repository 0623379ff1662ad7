#include "runtimes/sim/simulation.h"

#include <asio/co_spawn.hpp>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "protocol/worker.h"
#include "runtimes/node/node_state.h"
#include "runtimes/sim/evaluation.h"
#include "runtimes/sim/node.h"

namespace laconic::sim {
namespace {

class Simulation final : private StrategyEvents {
 public:
  Simulation(const SimulationOptions& options, std::span<Learner* const> learners, const StrategyFactory& make_strategy,
             const RunObserver& observer)
      : options_(options),
        observer_(observer),
        world_(static_cast<int>(learners.size())),
        evaluator_(options, observer.on_measurement, world_, *learners.front()),
        pool_(options.compute_threads, options.prepare_thread) {
    world_.network = make_network(options.network, world_.world_size);
    world_.faults = Faults(options.network, options.seed);
    world_.max_payload = learners.front()->layout().size * sizeof(float) + kPayloadSlack;
    world_.damage = options.damage;
    world_.endpoint = [this](Rank rank) -> Endpoint& {
      LACONIC_CHECK(static_cast<std::size_t>(rank.value) < nodes_.size(),
                    "a frame to node " << rank.value << ", which this job does not have");
      return nodes_[static_cast<std::size_t>(rank.value)]->endpoint;
    };
    for (std::size_t k = 0; k < learners.size(); ++k) {
      add_node(options.step_cost.at(k), make_strategy(), learners[k]);
    }
    if (options.with_coordinator) add_node({}, make_strategy(), nullptr);
    if (options.checkpoints.resume) load(*options.checkpoints.resume);
  }

  ~Simulation() override {
    // Computations first: they use what coroutines own. Then what is suspended, while all that it refers to is there.
    pool_.stop();
    world_.events.clear();
    world_.computing.clear();
    parked_.clear();
    for (auto& node : nodes_) node->endpoint.close();
    io_.restart();
    io_.poll();
  }

  Outcome run() {
    for (auto& node : nodes_) start(*node);
    io_.poll();
    Outcome outcome;
    while (!error_ && !stopped_ && running_workers_ > 0) {
      if (observer_.interrupted && observer_.interrupted()) {
        outcome.end = Outcome::End::kInterrupted;
        break;
      }
      step();
    }
    if (stopped_) outcome.end = Outcome::End::kUntil;
    if (error_) {
      outcome.end = Outcome::End::kFailed;
      outcome.error = error_;
    }
    outcome.ledger = world_.ledger;
    outcome.time = world_.events.now();
    outcome.syncs = evaluator_.syncs();
    outcome.trace_hash = world_.trace.value();
    outcome.model = evaluator_.last_good_model().params;
    outcome.buffers = evaluator_.last_good_model().buffers;
    outcome.model_step = evaluator_.last_good_step();
    if (outcome.end == Outcome::End::kInterrupted) keep_current_model(outcome);
    return outcome;
  }

 private:
  // A payload is d floats or a state of the strategy's own, of which a large sketch is the largest.
  static constexpr std::uint64_t kPayloadSlack = std::uint64_t{16} << 20;

  struct Node {
    Node(Rank rank, World& world, ThreadPool& pool, Seconds step_cost, const CommOptions& comm_options)
        : endpoint(rank, world), processor(world, pool, step_cost), comm(endpoint, arithmetic, comm_options) {}
    Endpoint endpoint;
    SimulatedProcessor processor;
    // What goes on beside a step is done where it stands, however long the vectors: a turn of its own among the events
    // would change their order, and there are no signs of life that it could keep waiting.
    InPlaceProcessor arithmetic;
    Comm comm;
    Coordinator coordinator{comm};
    std::unique_ptr<Strategy> strategy;
    Learner* learner = nullptr;  // null: the coordinator
    std::optional<Worker> worker;
  };

  void add_node(Seconds step_cost, std::unique_ptr<Strategy> strategy, Learner* learner) {
    const Rank rank{static_cast<std::int32_t>(nodes_.size())};
    auto node = std::make_unique<Node>(rank, world_, pool_, step_cost, options_.comm);
    node->strategy = std::move(strategy);
    node->learner = learner;
    if (learner != nullptr) {
      node->worker.emplace(
          rank, options_.seed,
          Worker::Parts{.learner = *learner, .comm = node->comm, .processor = node->processor, .events = *this});
    }
    nodes_.push_back(std::move(node));
  }

  void start(Node& node) {
    const bool is_worker = node.worker.has_value();
    if (is_worker) ++running_workers_;
    asio::co_spawn(io_.get_executor(), is_worker ? work(node) : node.strategy->coordinate(node.coordinator),
                   [this, is_worker](const std::exception_ptr& error) {
                     if (is_worker) --running_workers_;
                     if (error && !error_) error_ = error;
                   });
  }

  // The average of the workers' models as the end found them, between two steps each, unless it is not finite.
  void keep_current_model(Outcome& outcome) {
    pool_.stop();
    const auto mean_of = [&](std::size_t size, auto&& part_of) {
      std::vector<double> sum(size);
      std::vector<float> mean(size);
      for (const auto& node : nodes_) {
        if (node->learner != nullptr) kernels::accumulate(1.0, part_of(*node->learner), sum);
      }
      kernels::finish_mean(sum, world_.world_size, mean);
      return mean;
    };
    std::vector<float> model = mean_of(outcome.model.size(), [](Learner& learner) { return learner.params(); });
    std::vector<float> buffers = mean_of(outcome.buffers.size(), [](Learner& learner) { return learner.buffers(); });
    if (!kernels::all_finite(model) || !kernels::all_finite(buffers)) return;
    outcome.model = std::move(model);
    outcome.buffers = std::move(buffers);
    outcome.model_step = nodes_.front()->worker->step();
  }

  Task<void> work(Node& node) {
    Worker& worker = *node.worker;
    while (worker.step() < options_.steps) {
      const Step before = worker.step();
      co_await node.strategy->round(worker);
      LACONIC_CHECK(worker.step().value == before.value + 1, "a round took other than one step");
      if (worker.rank().value == 0 && observer_.on_step) {
        observer_.on_step(worker.step(), worker.last_loss(), evaluator_.syncs(), world_.ledger.total().framed);
      }
      if (observer_.on_worker_step) {
        observer_.on_worker_step({.rank = worker.rank(),
                                  .step = worker.step(),
                                  .result = worker.last_step(),
                                  .params = worker.params(),
                                  .time = world_.events.now(),
                                  .ledger = world_.ledger});
      }
      if (options_.evaluates_after(worker.step())) {
        const bool stop = co_await evaluator_.pass(worker, *node.learner);
        if (stop) stopped_ = true;
      }
      if (options_.saves_after(worker.step())) co_await park(worker.rank());
    }
  }

  // Waits until all nodes have drained and what they are is saved.
  Task<void> park(Rank rank) {
    co_await suspend<bool>([this, rank](Resume<bool> resume) { parked_.emplace(rank, std::move(resume)); });
  }

  // Whether every worker has stopped for a checkpoint and nothing else goes on: no frame is on its way, nothing is
  // computed, and the coordinator waits for nothing that would ever be late.
  bool drained() const {
    return static_cast<int>(parked_.size()) == world_.world_size && world_.events.empty() &&
           world_.waits.next_deadline() == kIdle;
  }

  // Saves all there is, and lets the workers go on in the order of ranks.
  void checkpoint() {
    if (options_.checkpoints.keeper != nullptr) save(*options_.checkpoints.keeper);
    for (auto& [rank, resume] : std::exchange(parked_, {})) resume(true);
  }

  void save(CheckpointKeeper& keeper) {
    const Step step = nodes_.front()->worker->step();
    std::vector<PartRecord> parts;
    for (auto& node : nodes_) {
      Archive part;
      archive(*node, part);
      parts.push_back(keeper.save(step, part_name(node->endpoint.self(), world_.world_size), part.take()));
    }
    Archive part;
    archive_run(part);
    parts.push_back(keeper.save(step, kRunPart, part.take()));
    keeper.complete(step, std::move(parts));
  }

  void load(const ResumePoint& point) {
    for (auto& node : nodes_) {
      const std::vector<std::byte> bytes = point.part(part_name(node->endpoint.self(), world_.world_size));
      Archive part(bytes);
      archive(*node, part);
      part.expect_end();
      if (node->worker && node->worker->step() != point.step) throw DecodeError("state: a worker of another step");
    }
    const std::vector<std::byte> bytes = point.part(kRunPart);
    Archive part(bytes);
    archive_run(part);
    part.expect_end();
  }

  static void archive(Node& node, Archive& part) {
    if (node.worker) {
      archive_worker(part, *node.worker, *node.learner, *node.strategy, node.comm, node.endpoint.mailbox());
    } else {
      archive_coordinator(part, *node.strategy, node.comm, node.endpoint.mailbox());
    }
  }

  void archive_run(Archive& part) {
    world_.archive(part);
    evaluator_.archive(part);
    if (observer_.archive) observer_.archive(part);
  }

  // Takes the next event, or ends the waits whose deadline comes first.
  void step() {
    if (drained()) {
      try {
        checkpoint();
      } catch (...) {
        error_ = std::current_exception();
      }
      continue_coroutines();
      return;
    }
    EventQueue& events = world_.events;
    const Seconds deadline = world_.waits.next_deadline();
    if (events.empty() && !world_.waits.any_may_be_late()) {
      fail_stalled();
      return;
    }
    if (events.empty() || deadline < events.next_time()) {
      events.advance(deadline);
      world_.waits.expire(deadline);
    } else {
      events.take()();
    }
    continue_coroutines();
  }

  void continue_coroutines() {
    io_.poll();
    io_.restart();
  }

  // No frame is in flight, nothing is computed, and nobody goes on at a deadline: what waits now waits for ever.
  void fail_stalled() {
    std::string text = "every node waits for another";
    for (const std::string& line : world_.waits.describe(false)) text += "; " + line;
    error_ = std::make_exception_ptr(PeerLost(text));
  }

  void synchronised(Rank rank, Step step) override {
    if (rank.value != 0) return;
    evaluator_.count_sync();
    if (observer_.on_sync) observer_.on_sync(step, evaluator_.watched());
  }

  void measured(Rank rank, Step, std::string_view name, double value) override {
    if (rank.value != 0) return;
    evaluator_.watch(name, value);
  }

  void warned(Rank, Step, const std::string& text) override {
    if (observer_.on_warning) observer_.on_warning(text);
  }

  const SimulationOptions& options_;
  const RunObserver& observer_;
  asio::io_context io_{1};
  World world_;
  Evaluator evaluator_;
  ThreadPool pool_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::map<Rank, Resume<bool>> parked_;  // workers that wait for a checkpoint
  int running_workers_ = 0;
  bool stopped_ = false;
  std::exception_ptr error_;
};

}  // namespace

Outcome simulate(const SimulationOptions& options, std::span<Learner* const> learners,
                 const StrategyFactory& make_strategy, const RunObserver& observer) {
  LACONIC_CHECK(!learners.empty() && options.step_cost.size() == learners.size(),
                learners.size() << " learners, " << options.step_cost.size() << " step costs");
  LACONIC_CHECK(options.steps.value > 0, "no steps");
  return Simulation(options, learners, make_strategy, observer).run();
}

}  // namespace laconic::sim
