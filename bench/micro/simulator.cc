// The simulator against a bare libtorch loop: samples a second with K = 64 workers, LeNet-5, batch 32, Adam, on all
// cores; memory of 1,000 workers; and the time of a worker's step with 1,000 workers against 10.
//
// The bare loop is what a user would write: one model a thread on as many threads, torch::optim::Adam on its
// parameters, a fresh uniform batch each step from tensors prepared beforehand. Denormals are flushed in it as in the
// learners. Evaluation is left out on both sides: the data set's test split is empty here.
#include <sys/resource.h>
#include <torch/torch.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/random.h"
#include "harness.h"
#include "runtimes/sim/simulation.h"
#include "strategies/registry.h"
#include "topology/topology.h"
#include "training/data/dataset.h"
#include "training/models/compute_threads.h"
#include "training/training.h"

namespace laconic::bench {
namespace {

constexpr std::uint32_t kBatch = 32;
constexpr double kLearningRate = 1e-3;

struct Setting {
  std::string data_dir;
  int threads = static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  std::uint32_t workers = 64;
  std::uint64_t steps = 30;
  int repetitions = 7;
};

Options options_of(std::string_view section, std::span<const OptionSpec> specs,
                   const std::map<std::string, std::string>& values) {
  std::map<std::string, GivenOption> given;
  for (const auto& [name, text] : values) given[name] = {.text = text, .where = "benchmark"};
  return {section, specs, given};
}

std::shared_ptr<const Dataset> load(const std::string& dir) {
  const DatasetRow& row = find_dataset("fashion_mnist");
  auto data = std::make_shared<Dataset>(load_dataset(row, dir.empty() ? std::string(row.default_directory) : dir));
  data->test = {};
  return data;
}

Training make_training(const std::shared_ptr<const Dataset>& data, std::uint32_t workers) {
  TrainingSetup setup;
  setup.data = data;
  setup.partition = make_partition("iid", data->train, data->classes, workers, 1);
  setup.batch = kBatch;
  setup.model = &find_model("lenet5");
  setup.model_options = options_of("model", setup.model->options, {});
  setup.optimizer = &find_optimizer("adam");
  setup.optimizer_options = options_of("optimizer", setup.optimizer->options, {{"learning_rate", "1e-3"}});
  return Training(std::move(setup));
}

struct Strategy {
  std::string name;
  std::map<std::string, std::string> options;
  std::string compressor = {};  // of a strategy that compresses; those on a graph are on a ring
};

struct Timed {
  double seconds = 0.0;
  std::uint64_t syncs = 0;
  std::uint64_t steps = 0;  // that ended
};

// Seconds of a run without the making of its learners.
Timed run_laconic(const Training& training, const Strategy& strategy, std::uint64_t steps, int threads) {
  std::vector<std::unique_ptr<Learner>> learners;
  std::vector<Learner*> views;
  StrategySetting setting{.dimension = training.dimension(),
                          .world_size = static_cast<int>(training.workers()),
                          .seed = 1,
                          .collective = Collective::kStar,
                          .start = training.initial_parameters()};
  for (Rank rank{0}; rank.value < setting.world_size; ++rank.value) {
    learners.push_back(training.learner(rank));
    views.push_back(learners.back().get());
    setting.samples.push_back(training.training_samples(rank));
  }
  const StrategyRow& row = find_strategy(strategy.name);
  const Options strategy_options = options_of("strategy", row.options, strategy.options);
  const Demands demands = row.demands(strategy_options);
  if (demands.talks == Talks::kGraph) {
    setting.mixing = std::make_shared<const MixingMatrix>(
        make_topology("ring", static_cast<std::uint32_t>(training.workers()), 1), mixing_weights().front());
  }
  if (demands.compression == Compression::kRequired) {
    const CompressorRow& compressor = find_compressor(strategy.compressor);
    setting.compressor = compressor.make(options_of("compression", compressor.options, {}), training.layout());
  }
  const StrategyFactory factory = row.make(strategy_options, setting);
  sim::SimulationOptions options{{.steps = {steps}, .seed = 1}};
  options.step_cost.assign(learners.size(), Seconds{0.01});
  const BitsPerSecond rate{1e9};
  options.network.worker = {.up = rate, .down = rate};
  options.network.coordinator = {.up = rate, .down = rate};
  options.network.latency = {0.001};
  options.with_coordinator = needs_coordinator_node(demands, setting.collective);
  options.evaluation = {.numerator = steps, .denominator = 1};
  options.own_models = OwnModels::kNever;
  options.compute_threads = threads;
  options.prepare_thread = prepare_compute_thread;
  Timed timed;
  RunObserver observer;
  observer.on_measurement = [&](const Measurement& measurement) { timed.steps = measurement.step.value; };
  const double start = now();
  timed.syncs = sim::simulate(options, views, factory, observer).syncs;
  timed.seconds = now() - start;
  return timed;
}

// LeNet-5 as laconic's, written with libtorch's modules.
struct BareLeNetImpl : torch::nn::Module {
  BareLeNetImpl() {
    conv1 = register_module("conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 6, 5).padding(2)));
    conv2 = register_module("conv2", torch::nn::Conv2d(torch::nn::Conv2dOptions(6, 16, 5)));
    fc1 = register_module("fc1", torch::nn::Linear(400, 120));
    fc2 = register_module("fc2", torch::nn::Linear(120, 84));
    fc3 = register_module("fc3", torch::nn::Linear(84, 10));
  }
  torch::Tensor forward(torch::Tensor x) {
    x = torch::avg_pool2d(torch::tanh(conv1(x)), 2);
    x = torch::avg_pool2d(torch::tanh(conv2(x)), 2).flatten(1);
    return fc3(torch::tanh(fc2(torch::tanh(fc1(x)))));
  }
  torch::nn::Conv2d conv1{nullptr}, conv2{nullptr};
  torch::nn::Linear fc1{nullptr}, fc2{nullptr}, fc3{nullptr};
};
TORCH_MODULE(BareLeNet);

// Each thread trains its own model for `steps` steps on its own part of the data. Returns the seconds.
double run_bare(const torch::Tensor& images, const torch::Tensor& labels, std::uint64_t steps, int threads) {
  const auto part = static_cast<std::uint32_t>(images.size(0) / threads);
  std::vector<std::thread> running;
  const double start = now();
  for (int t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      prepare_compute_thread();
      const FlushDenormals flush;
      BareLeNet model;
      torch::optim::Adam optimizer(model->parameters(), torch::optim::AdamOptions(kLearningRate));
      for (std::uint64_t step = 0; step < steps; ++step) {
        RandomStream stream(1, "bare", {static_cast<std::uint64_t>(t), step});
        std::vector<std::int64_t> indices;
        for (const std::uint32_t i : random_subset(stream, kBatch, part)) {
          indices.push_back(static_cast<std::int64_t>(i) + static_cast<std::int64_t>(t) * part);
        }
        const torch::Tensor chosen = torch::tensor(indices);
        optimizer.zero_grad();
        const torch::Tensor loss =
            torch::nn::functional::cross_entropy(model(images.index_select(0, chosen)), labels.index_select(0, chosen));
        loss.backward();
        optimizer.step();
      }
    });
  }
  for (std::thread& thread : running) thread.join();
  return now() - start;
}

double peak_memory_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024.0;
}

const Strategy kLinear{"fda", {{"monitor", "linear"}, {"threshold", "0.5"}}};

void measure_scale(Harness& harness, const std::shared_ptr<const Dataset>& data, const Setting& setting) {
  const std::uint32_t many = harness.quick() ? 200 : 1000;
  const std::uint64_t steps = 5;
  const Training large = make_training(data, many);
  const Training small = make_training(data, 10);
  std::vector<double> ratios;
  bool complete = true;
  for (int i = 0; i < (harness.quick() ? 1 : 5); ++i) {
    const Timed a = run_laconic(large, kLinear, steps, setting.threads);
    // Learners are gone by now; the peak is of the larger run.
    if (i == 0) {
      const double vectors = static_cast<double>(large.memory_per_worker(false).value) * many;
      const double peak = peak_memory_bytes();
      harness.add("peak memory, " + std::to_string(many) + " workers", peak / 1e6, "MB",
                  at_most((1.2 * vectors + 500e6) / 1e6));
      harness.add("their vectors (parameters and Adam's two)", vectors / 1e6, "MB");
    }
    const Timed b = run_laconic(small, kLinear, steps * many / 10, setting.threads);
    ratios.push_back(a.seconds / b.seconds);  // the same number of workers' steps
    complete = complete && a.steps == steps && b.steps == steps * many / 10;
  }
  harness.add("time of a worker's step, " + std::to_string(many) + " workers / 10 workers", median(ratios), "",
              at_most(1.15));
  harness.check("every worker took all its steps (scale)", complete);
}

int run(int argc, char** argv) {
  Harness harness("simulator", "The simulator against a bare libtorch loop (LeNet-5, batch 32, Adam)");
  Setting setting;
  harness.options().add_option("--data", setting.data_dir, "folder with Fashion-MNIST (default: the Debian package's)");
  harness.options()
      .add_option("--threads", setting.threads, "compute threads, on both sides")
      ->check(CLI::Range(1, 1024));
  harness.options().add_option("--workers", setting.workers, "workers")->check(CLI::Range(1, 10000));
  harness.options().add_option("--steps", setting.steps, "steps of each worker")->check(CLI::Range(1, 100000));
  harness.options().add_option("--repetitions", setting.repetitions, "of each measurement")->check(CLI::Range(1, 1000));
  if (const auto exit_code = harness.parse(argc, argv)) return *exit_code;
  if (harness.quick()) setting.repetitions = 3;
  use_one_thread_per_computation();
  harness.fact("threads", setting.threads);
  harness.fact("libtorch", TORCH_VERSION);

  const std::shared_ptr<const Dataset> data = load(setting.data_dir);
  harness.progress("memory and scale");
  measure_scale(harness, data, setting);

  const Training training = make_training(data, setting.workers);
  const auto count = static_cast<std::int64_t>(data->train.count());
  const torch::Tensor images = torch::from_blob(const_cast<std::uint8_t*>(data->train.pixels.data()),
                                                {count, 1, data->shape.height, data->shape.width}, torch::kUInt8)
                                   .to(torch::kFloat32)
                                   .div_(255.0);
  const torch::Tensor labels =
      torch::from_blob(const_cast<std::uint16_t*>(data->train.labels.data()), {count}, torch::kInt16).to(torch::kInt64);

  // As many steps in all on both sides; every repetition times each in turn.
  const std::vector<Strategy> strategies = {{"local", {}},
                                            kLinear,
                                            {"fda", {{"monitor", "sketch"}, {"threshold", "0.5"}}},
                                            {"choco", {{"gamma", "0.05"}}, "top_k"}};
  const std::uint64_t bare_steps = setting.steps * setting.workers / static_cast<std::uint64_t>(setting.threads);
  const double bare_samples = static_cast<double>(bare_steps * kBatch) * setting.threads;
  const double samples = static_cast<double>(setting.steps * setting.workers * kBatch);
  std::vector<std::vector<double>> ratios(strategies.size());
  std::vector<double> bare_rates;
  std::vector<std::vector<double>> rates(strategies.size());
  std::vector<std::uint64_t> syncs(strategies.size());
  bool complete = true;
  for (int i = -1; i < setting.repetitions; ++i) {
    harness.progress(i < 0 ? std::string("warming up") : "repetition " + std::to_string(i + 1));
    const double bare = bare_samples / run_bare(images, labels, bare_steps, setting.threads);
    for (std::size_t s = 0; s < strategies.size(); ++s) {
      const Timed timed = run_laconic(training, strategies[s], setting.steps, setting.threads);
      complete = complete && timed.steps == setting.steps;
      syncs[s] = timed.syncs;
      if (i < 0) continue;
      rates[s].push_back(samples / timed.seconds);
      ratios[s].push_back(samples / timed.seconds / bare);
    }
    if (i >= 0) bare_rates.push_back(bare);
  }
  harness.check("every worker took all its steps", complete);
  harness.check("FDA's monitors led to synchronisations", syncs[1] > 0 && syncs[2] > 0);
  harness.add("bare libtorch loop", median(bare_rates), "samples/s");
  const std::vector<double> goals = {0.95, 0.90, 0.85, 0.85};
  const std::vector<std::string> names = {"local", "fda linear", "fda sketch", "choco top-k 1% on a ring"};
  for (std::size_t s = 0; s < strategies.size(); ++s) {
    harness.add(names[s], median(rates[s]), "samples/s");
    harness.add(names[s] + " / bare loop", median(ratios[s]), "", at_least(goals[s]));
  }
  return harness.finish();
}

}  // namespace
}  // namespace laconic::bench

int main(int argc, char** argv) { return laconic::bench::guarded(laconic::bench::run, argc, argv); }
