#include "runtimes/sim/simulation.h"

#include <algorithm>
#include <asio/co_spawn.hpp>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "kernels/vector_ops.h"
#include "protocol/worker.h"
#include "runtimes/node/driver.h"
#include "runtimes/node/node_state.h"
#include "runtimes/node/shared_supervisor.h"
#include "runtimes/sim/evaluation.h"
#include "runtimes/sim/node.h"

namespace laconic::sim {
namespace {

class Simulation final : private Gathering {
 public:
  Simulation(const SimulationOptions& options, std::span<Learner* const> learners, const StrategyFactory& make_strategy,
             const RunObserver& observer)
      : options_(options),
        observer_(observer),
        world_(static_cast<int>(learners.size())),
        evaluator_(world_.world_size, true, model_of(*learners.front()), options),
        evaluation_(options, observer.on_measurement, world_, evaluator_, pool_, supervisor_),
        narrator_(evaluator_, observer),
        pool_(options.compute_threads, options.prepare_thread) {
    world_.while_waiting = [this] { look(); };
    world_.network = make_network(options.network, world_.world_size);
    world_.faults = Faults(options.network, world_.world_size, options.seed);
    world_.max_payload = largest_payload(*learners.front());
    world_.damage = options.damage;
    world_.endpoint = [this](Rank rank) -> Endpoint& {
      const auto place = static_cast<std::size_t>(place_of(rank, world_.world_size));
      LACONIC_CHECK(place < seats_.size(), "a frame to node " << rank.value << ", which this job does not have");
      return seats_[place]->endpoint;
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
    for (const auto& seat : seats_) seat->endpoint.close();
    io_.restart();
    io_.poll();
  }

  Outcome run() {
    for (const auto& seat : seats_) start(seat->node);
    io_.poll();
    Outcome outcome;
    while (!error_ && !stopped_ && running_workers_ > 0) {
      if (observer_.interrupted && observer_.interrupted()) supervisor_.give_up();
      if (supervisor_.has_given_up()) break;
      step();
    }
    evaluation_.record_rest();
    if (stopped_) {
      outcome.end = evaluator_.is_out_of_patience() ? Outcome::End::kPatience : Outcome::End::kUntil;
    } else if (supervisor_.has_given_up() && running_workers_ + given_up_ > 0) {
      outcome.end = Outcome::End::kInterrupted;
    }
    if (error_) {
      outcome.end = Outcome::End::kFailed;
      outcome.error = error_;
    }
    outcome.ledger = world_.ledger;
    outcome.time = world_.events.now();
    outcome.syncs = evaluator_.syncs();
    outcome.trace_hash = world_.trace.value();
    evaluator_.give(outcome);
    if (outcome.end == Outcome::End::kInterrupted || error_) keep_current_model(outcome);
    return outcome;
  }

 private:
  // A node with its place in the world.
  struct Seat {
    Seat(Rank rank, World& world, ThreadPool& pool, Seconds step_cost, const CommOptions& options)
        : endpoint(rank, world),
          processor(world, pool, step_cost),
          node(endpoint, endpoint.mailbox(), options, processor, sums) {}
    Endpoint endpoint;
    SimulatedProcessor processor;
    // What goes on beside a step is done where it stands, however long the vectors: a turn of its own among the events
    // would change their order, and there are no signs of life that it could keep waiting.
    InPlaceProcessor sums;
    Node node;
  };

  void add_node(Seconds step_cost, std::unique_ptr<Strategy> strategy, Learner* learner) {
    const Rank rank = node_at(static_cast<std::int32_t>(seats_.size()), world_.world_size);
    Node& node = seats_.emplace_back(std::make_unique<Seat>(rank, world_, pool_, step_cost, options_.comm))->node;
    if (learner != nullptr) {
      node.become_worker(options_.seed, *learner, narrator_, std::move(strategy));
    } else {
      node.become_coordinator(std::move(strategy));
    }
  }

  void start(Node& node) {
    const bool is_worker = node.is_worker();
    if (is_worker) ++running_workers_;
    asio::co_spawn(io_.get_executor(),
                   is_worker ? drive(node, options_, observer_, *this, account_) : node.coordinate(),
                   [this, is_worker](const std::exception_ptr& error) {
                     if (is_worker) --running_workers_;
                     if (error) end_with(error);
                   });
  }

  // Work that was given up as the run was interrupted is no failure.
  void end_with(const std::exception_ptr& error) {
    try {
      std::rethrow_exception(error);
    } catch (const Interrupted&) {
      supervisor_.give_up();
      ++given_up_;
    } catch (...) {
      if (!error_) error_ = error;
    }
  }

  // While something is computed that the simulation waits for, or computes itself.
  void look() {
    if (observer_.interrupted && observer_.interrupted()) supervisor_.give_up();
    if (observer_.on_progress) supervisor_.take(observer_.on_progress);
  }

  // Of a run that diverged a model may be finite and its loss not.
  bool is_usable(const Model& model) {
    if (!is_divergence(error_)) return true;
    Learner& learner = seats_.front()->node.learner();
    try {
      const Supervision supervision(supervisor_);
      return std::isfinite(learner.evaluate(model.params, model.buffers, Split::kTest).loss) &&
             std::isfinite(learner.evaluate(model.params, model.buffers, Split::kValidation).loss);
    } catch (const Error&) {
      return false;
    }
  }

  // The average of the workers' models as the end found them, between two steps each, unless it is not finite, or was
  // measured already.
  void keep_current_model(Outcome& outcome) {
    pool_.stop();
    // Models that should not have met may be what the run failed by.
    const bool have_one_size = std::ranges::all_of(seats_, [&](const auto& seat) {
      return !seat->node.is_worker() || seat->node.learner().params().size() == outcome.model.size();
    });
    if (!have_one_size) return;
    Model current = average();
    if (!kernels::all_finite(current.params) || !are_as_finite(current.buffers, outcome.buffers)) return;
    if (!is_usable(current)) return;
    outcome.model = std::move(current.params);
    outcome.buffers = std::move(current.buffers);
    outcome.model_step = seats_.front()->node.worker().step();
    outcome.model_source = Outcome::Source::kAverageAtEnd;
  }

  // Of the workers' models.
  Model average() const {
    const auto mean_of = [&](std::size_t size, auto&& part_of) {
      std::vector<double> sum(size);
      std::vector<float> mean(size);
      for (const auto& seat : seats_) {
        if (seat->node.is_worker()) kernels::accumulate(1.0, part_of(seat->node.learner()), sum);
      }
      kernels::finish_mean(sum, world_.world_size, mean);
      return mean;
    };
    const Model& start = evaluator_.last_good_model();
    return {.params = mean_of(start.params.size(), [](Learner& learner) { return learner.params(); }),
            .buffers = mean_of(start.buffers.size(), [](Learner& learner) { return learner.buffers(); })};
  }

  // Buffers may hold what is not finite for good, such as a causal mask of -inf: that stays as it was.
  static bool are_as_finite(std::span<const float> buffers, std::span<const float> former) {
    for (std::size_t i = 0; i < buffers.size(); ++i) {
      const bool stays = buffers[i] == former[i] || (std::isnan(buffers[i]) && std::isnan(former[i]));
      if (!std::isfinite(buffers[i]) && !stays) return false;
    }
    return true;
  }

  Task<void> evaluate(Node& node) override {
    const bool stop = co_await evaluation_.pass(node);
    if (stop) stopped_ = true;
  }
  // The last to pass has measured all there is.
  bool measures(Node&) const override { return false; }
  Task<void> measure_what_is_due(Node&) override { co_return; }
  bool stopped() const override { return stopped_; }

  // Waits until all nodes have drained and what they are is saved.
  Task<void> checkpoint(Node& node) override {
    const Rank rank = node.rank();
    co_await suspend<bool>([this, rank](Resume<bool> resume) { parked_.emplace(rank, std::move(resume)); });
  }

  // Whether every worker has stopped for a checkpoint and nothing else goes on: no frame is on its way, nothing is
  // computed, and the coordinator waits for nothing that would ever be late.
  bool drained() const {
    return static_cast<int>(parked_.size()) == world_.world_size && world_.events.empty() &&
           world_.waits.next_deadline() == kIdle;
  }

  // Saves all there is, and lets the workers go on in the order of ranks.
  void save_all() {
    if (options_.checkpoints.keeper != nullptr) save(*options_.checkpoints.keeper);
    for (auto& [rank, resume] : std::exchange(parked_, {})) resume(true);
  }

  void save(CheckpointKeeper& keeper) {
    const Step step = seats_.front()->node.worker().step();
    std::vector<PartRecord> parts;
    for (const auto& seat : seats_) {
      Archive part;
      seat->node.archive(part);
      parts.push_back(keeper.save(step, part_name(seat->node.rank()), part.take()));
    }
    const auto save_part = [&](std::string_view name, auto&& archive) {
      Archive part;
      archive(part);
      parts.push_back(keeper.save(step, name, part.take()));
    };
    save_part(kNetworkPart, [this](Archive& part) { world_.archive(part); });
    save_part(kRunPart, [this](Archive& part) { archive_run(part); });
    Model model = average();
    Step of = step;
    Seconds now = world_.events.now();
    save_part(kModelPart, [&](Archive& part) { archive_model(part, of, now, model.params, model.buffers); });
    keeper.complete(step, std::move(parts));
  }

  void load(const ResumePoint& point) {
    if (point.from_model) {
      Seconds now;
      for (const auto& seat : seats_) {
        if (seat->node.is_worker()) now = load_model(point, seat->node);
      }
      world_.events.advance(now);
      load_part(point, kRunPart, [this](Archive& part) { archive_run(part); });
      return;
    }
    for (const auto& seat : seats_) {
      load_node(point, seat->node, [&](Archive& part) { seat->node.archive(part); });
    }
    load_part(point, kNetworkPart, [this](Archive& part) { world_.archive(part); });
    load_part(point, kRunPart, [this](Archive& part) { archive_run(part); });
  }

  void archive_run(Archive& part) {
    evaluator_.archive(part);
    if (observer_.archive) observer_.archive(part);
  }

  // Takes the next event, or ends the waits whose deadline comes first.
  void step() {
    if (drained()) {
      try {
        save_all();
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

  const SimulationOptions& options_;
  const RunObserver& observer_;
  asio::io_context io_{1};
  World world_;
  SharedSupervisor supervisor_{[this] { look(); }};
  Evaluator evaluator_;
  Evaluation evaluation_;
  Narrator narrator_;
  const RunAccount account_{
      .evaluator = evaluator_, .ledger = world_.ledger, .time = [this] { return world_.events.now(); }};
  ThreadPool pool_;
  std::vector<std::unique_ptr<Seat>> seats_;
  std::map<Rank, Resume<bool>> parked_;  // workers that wait for a checkpoint
  int running_workers_ = 0;
  int given_up_ = 0;  // workers that ended in the middle of work
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
