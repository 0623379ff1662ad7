// Over processes one thread carries the protocol, the messages and the signs of life, so it must not go over whole
// models: a node hands such arithmetic to its processor. Here that processor is another thread, and the kernels tell
// how many elements the protocol's thread went over.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <optional>
#include <thread>
#include <utility>

#include "kernels/vector_ops.h"
#include "rows.h"

namespace laconic::tests {
namespace {

constexpr int kWorkers = 2;
// So large that a worker's chunk on the ring is worth a hop, too.
constexpr std::size_t kDimension = 33'000;
static_assert(is_worth_a_hop(kDimension / kWorkers));
constexpr std::uint64_t kSteps = 6;

// Does each piece of work on a thread of its own and waits for it, so that events keep their order.
class AnotherThread final : public Processor {
 public:
  Pending submit(Cost cost, std::function<void()> work) override {
    std::optional<Pending> done;
    std::thread thread([&] {
      done.emplace(there_.submit(cost, std::move(work)));
      elements_ += kernels::elements_on_this_thread();
    });
    thread.join();
    return *done;
  }
  // What its threads went over.
  std::uint64_t elements() const { return elements_; }

 private:
  InPlaceProcessor there_;
  std::uint64_t elements_ = 0;
};

// What was done on the protocol's thread, from the first worker's first step until the first one begins its last. Other
// threads may ask it: of its state they read `thread_` alone.
class Watch {
 public:
  void begin() {
    if (thread_.load() != std::thread::id()) return;
    thread_ = std::this_thread::get_id();
    before_ = kernels::elements_on_this_thread();
  }
  void end() { elements_ = elements_.value_or(kernels::elements_on_this_thread() - before_); }
  bool is_on() const { return std::this_thread::get_id() == thread_.load() && !elements_; }
  void compresses() {
    if (is_on()) ++messages_;
  }

  std::uint64_t elements() const { return elements_.value(); }
  std::uint64_t messages() const { return messages_; }  // encoded or decoded

 private:
  std::atomic<std::thread::id> thread_;
  std::uint64_t before_ = 0;
  std::optional<std::uint64_t> elements_;
  std::uint64_t messages_ = 0;
};

// A strategy whose nodes do their arithmetic on `processor`.
class Handed final : public Strategy {
 public:
  Handed(std::unique_ptr<Strategy> inner, Processor& processor, Watch& watch)
      : inner_(std::move(inner)), processor_(processor), watch_(watch) {}

  Task<void> round(Worker& self) override {
    if (self.step().value + 1 == kSteps) {
      watch_.end();
    } else {
      watch_.begin();
    }
    Worker worker = self.representative(self.rank(), own(self.comm()), nullptr);
    co_await inner_->round(worker);
    self.end_step(worker.last_loss());
  }

  Task<void> coordinate(Coordinator& self) override {
    Coordinator coordinator(own(self.comm()));
    co_await inner_->coordinate(coordinator);
  }

 private:
  Comm& own(Comm& given) {
    if (!comm_) comm_.emplace(given.transport(), processor_, given.options(), given.upcoming_round());
    return *comm_;
  }
  std::unique_ptr<Strategy> inner_;
  Processor& processor_;
  Watch& watch_;
  std::optional<Comm> comm_;
};

class WatchedCompressor final : public Compressor {
 public:
  WatchedCompressor(std::unique_ptr<Compressor> inner, Watch& watch) : inner_(std::move(inner)), watch_(watch) {}
  std::size_t prepare(std::span<const float> v, RandomStream& random) override {
    watch_.compresses();
    return inner_->prepare(v, random);
  }
  void write(std::span<std::byte> out) override {
    watch_.compresses();
    inner_->write(out);
  }
  void decode_add(std::span<const std::byte> message, float weight, std::span<float> y) override {
    watch_.compresses();
    inner_->decode_add(message, weight, y);
  }
  bool unbiased() const override { return inner_->unbiased(); }
  std::optional<double> omega(std::span<const float> v) const override { return inner_->omega(v); }
  Information information() override { return inner_->information(); }
  void archive(Archive& archive) override { inner_->archive(archive); }

 private:
  std::unique_ptr<Compressor> inner_;
  Watch& watch_;
};

// With options such that models travel in the few steps.
Scenario scenario_of(const Row& row) {
  const int workers = row.strategy == "serial" ? 1 : row.between.empty() ? kWorkers : 2 * kWorkers;
  Scenario scenario{
      .problem = {.workers = workers, .dimension = kDimension, .seed = 2, .shapes = {{150, 200}, {3'000}}},
      .strategy = row.strategy,
      .options = row.options,
      .between = row.between,
      .steps = kSteps,
      .steps_per_epoch = 2.0,
      .collective = row.collective,
      .compressor = row.compressor,
      .compute_threads = 1,  // so that the local steps are not on the protocol's thread
      .evaluate_every = 10 * kSteps};
  const auto set = [&](const char* option, const char* value) {
    if (scenario.options.contains(option)) scenario.options[option] = value;
  };
  set("budget", "40 MB/10 steps");
  set("every", "2");
  set("finetune", "2");
  if (row.strategy == "periodic") scenario.options["period"] = "2";
  // States that are short, however many there are.
  if (const auto monitor = row.options.find("monitor"); monitor != row.options.end() && monitor->second == "sketch")
    scenario.options["sketch_cols"] = "9";
  return scenario;
}

// Whether it averages models or gradients by collectives or at the coordinator.
bool averages(const Row& row) {
  constexpr std::array kThese = {"fda",    "fda_opt", "dma",        "synchronous", "periodic",
                                 "fedavg", "fedopt",  "all_reduce", "scsp"};
  return std::find(kThese.begin(), kThese.end(), row.strategy) != kThese.end();
}

Result run_on(Processor& processor, Scenario scenario, Watch& watch) {
  scenario.wrap = [&](StrategyFactory make) -> StrategyFactory {
    return [&processor, &watch, make = std::move(make)] { return std::make_unique<Handed>(make(), processor, watch); };
  };
  scenario.wrap_compressor = [&](CompressorFactory make) -> CompressorFactory {
    return [&watch, make = std::move(make)] { return std::make_unique<WatchedCompressor>(make(), watch); };
  };
  Result result = run(scenario);
  EXPECT_EQ(result.outcome.end, Outcome::End::kSteps);
  if (result.outcome.error) std::rethrow_exception(result.outcome.error);
  return result;
}

class Arithmetic : public testing::TestWithParam<Row> {};

TEST_P(Arithmetic, OnWholeModelsIsDoneOnAnotherThreadAndInTheSameOrder) {
  const Row& row = GetParam();
  const Scenario scenario = scenario_of(row);
  AnotherThread processor;
  Watch watch;
  const Result result = run_on(processor, scenario, watch);
  // A leader that tells its model before the step cannot wait for it to be copied.
  const bool tells_before = row.between == "choco";
  EXPECT_LT(watch.elements(), tells_before ? kWorkers * kSteps * kDimension : kWorthAHop);
  EXPECT_EQ(watch.messages(), 0U);
  if (averages(row)) {
    EXPECT_GT(processor.elements(), kDimension);
  }

  const Result in_place = run(scenario);
  EXPECT_EQ(result.outcome.trace_hash, in_place.outcome.trace_hash);
  EXPECT_EQ(result.params, in_place.params);
  EXPECT_EQ(result.outcome.ledger.total(), in_place.outcome.ledger.total());
}

INSTANTIATE_TEST_SUITE_P(Strategies, Arithmetic, testing::ValuesIn(rows(4)),
                         [](const auto& parameter) { return parameter.param.name(); });

TEST(ArithmeticInPlace, IsSeenOnTheProtocolsThread) {
  Row row;
  row.strategy = "synchronous";
  row.collective = Collective::kStar;
  InPlaceProcessor processor;
  Watch star;
  run_on(processor, scenario_of(row), star);
  // In each round: two frames of workers are filled, added up, made a mean, and that copied to two models. Of the last
  // round in the watch's time a worker may not have had its mean.
  constexpr std::uint64_t kRound = (2 + 2 + 1 + 2) * kDimension;
  EXPECT_GE(star.elements(), (kSteps - 2) * kRound);
  EXPECT_LE(star.elements(), (kSteps - 1) * kRound);

  row.collective = Collective::kRing;
  Watch ring;
  run_on(processor, scenario_of(row), ring);
  // Each worker fills two frames of a half and adds up one, scales one, copies one; and copies the mean to its model.
  constexpr std::uint64_t kRingRound = 2 * (2 + 1 + 1 + 1 + 2) * (kDimension / 2);
  EXPECT_GE(ring.elements(), (kSteps - 2) * kRingRound);
  EXPECT_LE(ring.elements(), (kSteps - 1) * kRingRound);

  row.compressor = "sign";
  Watch compressed;
  run_on(processor, scenario_of(row), compressed);
  EXPECT_GT(compressed.messages(), 0U) << "worker 0 averages";
}

}  // namespace
}  // namespace laconic::tests
