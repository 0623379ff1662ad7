// A loop of one's own on the simulator gives, to the bit, what `laconic run` gives with the same model, data and
// optimiser.
#include <gtest/gtest.h>
#include <torch/torch.h>

#include <chrono>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <thread>

#include "base/error.h"
#include "job/job.h"
#include "job/wiring.h"
#include "laconic/loops_test.h"
#include "laconic/session.h"
#include "strategies/registry.h"

namespace laconic {
namespace {

using testing::kSteps;
using testing::own_loop_job;
using testing::TemporaryFolder;

constexpr int kWorkers = 4;

// What a job for `laconic run` has besides.
std::string training_sections(const TemporaryFolder& root) {
  return "[data]\ndataset = \"mnist\"\ndir = \"" + root.path("data") +
         "\"\nbatch = 8\n[model]\nname = \"mlp\"\nhidden = 8\n[optimizer]\nname = \"adam\"\nlearning_rate = 0.01\n"
         "[evaluation]\nevery = \"12 steps\"\nworkers = \"never\"\n";
}

// A learner of `laconic run` as tensors that a loop of the user's would have: they are views of its vectors.
std::vector<at::Tensor> tensors_of(Learner& learner) {
  std::vector<at::Tensor> tensors;
  for (const TensorLayout& tensor : learner.layout().tensors) {
    at::Tensor parameter = at::from_blob(learner.params().data() + tensor.offset, tensor.shape);
    parameter.set_requires_grad(true);
    parameter.mutable_grad() = at::from_blob(learner.gradient().data() + tensor.offset, tensor.shape);
    tensors.push_back(parameter);
  }
  return tensors;
}

using Models = std::vector<std::vector<float>>;

struct Trained {
  Models models;  // of each worker, after the last step
  RunSummary summary;
};

Trained trained_by_laconic_run(const Job& job, const JobSetup& setup) {
  Trained trained;
  trained.models.resize(job.workers);
  RunObserver observer;
  observer.on_worker_step = [&](const WorkerStep& step) {
    if (step.step.value != kSteps) return;
    trained.models[static_cast<std::size_t>(step.rank.value)].assign(step.params.begin(), step.params.end());
  };
  const RunResult result = run_job(job, setup, observer);
  if (result.outcome.error) std::rethrow_exception(result.outcome.error);
  trained.summary = {.steps = result.steps_done.value,
                     .syncs = result.outcome.syncs,
                     .frames = result.outcome.ledger.total().frames,
                     .bytes = result.outcome.ledger.total().framed.value,
                     .seconds = result.outcome.time.value,
                     .trace_hash = result.outcome.trace_hash};
  return trained;
}

// The same model, data and optimiser in loops of their own. `delay`: milliseconds that a worker loses in a step.
Trained trained_in_own_loop(const std::string& job_file, const JobSetup& setup,
                            const std::function<int(int rank, std::uint64_t step)>& delay = {}) {
  Simulation simulation(job_file);
  Trained trained;
  trained.models.resize(static_cast<std::size_t>(simulation.world_size()));
  simulation.run([&](int rank) {
    const std::unique_ptr<Learner> learner = setup.training->learner(Rank{rank});
    Session session = simulation.join(rank, tensors_of(*learner), {.samples = learner->samples()});
    bool more = true;
    while (more) {
      if (delay) std::this_thread::sleep_for(std::chrono::milliseconds(delay(rank, session.steps_done())));
      learner->compute_gradient(Step{session.steps_done()});
      session.gradient_ready();
      learner->apply_gradient();
      more = session.step();
    }
    trained.models[static_cast<std::size_t>(rank)].assign(learner->params().begin(), learner->params().end());
  });
  trained.summary = simulation.summary();
  return trained;
}

void expect_equal(const Trained& own, const Trained& ours) {
  EXPECT_EQ(own.models, ours.models);
  EXPECT_EQ(own.summary.steps, ours.summary.steps);
  EXPECT_EQ(own.summary.syncs, ours.summary.syncs);
  EXPECT_EQ(own.summary.frames, ours.summary.frames);
  EXPECT_EQ(own.summary.bytes, ours.summary.bytes);
  EXPECT_EQ(own.summary.seconds, ours.summary.seconds);
  EXPECT_EQ(own.summary.trace_hash, ours.summary.trace_hash);
}

// [strategy] and what follows it, for a row of the registry.
std::string strategy_text(const StrategyRow& row) {
  static const std::map<std::string_view, std::string> options = {
      {"fda", "threshold = 0.05\n"}, {"dma", "threshold = 0.01\n"}, {"fedavg", "period = 3\nfraction = 0.5\n"},
      {"fedopt", "period = 3\n"},    {"periodic", "period = 5\n"},  {"scsp", "every = 4\nfinetune = 8\n"}};
  const auto found = options.find(row.name);
  std::string text = "name = \"" + std::string(row.name) + "\"\n" + (found == options.end() ? "" : found->second);
  const Demands demands = default_demands(row);
  if (demands.talks == Talks::kGraph) text += "[topology]\ngraph = \"ring\"\n";
  if (demands.gossip.fixed_links) text += "[topology]\ngraph = \"directed_ring\"\n";
  if (demands.compression == Compression::kRequired)
    text += "[compression]\noperator = \"qsgd\"\nlevels = 64\nunbiased = true\n";
  return text;
}

class EachStrategy : public ::testing::TestWithParam<const StrategyRow*> {};

TEST_P(EachStrategy, GivesTheSameBitsInOnesOwnLoopAsInLaconicRunOrIsRefused) {
  const StrategyRow& row = *GetParam();
  const TemporaryFolder root;
  testing::write_tiny_data(root.path("data"));
  const std::string text = own_loop_job(strategy_text(row), default_demands(row).single_worker ? 1 : kWorkers);
  testing::write_text(root.path("own.toml"), text);
  if (default_demands(row).drive == LoopDrive::kNone) {
    EXPECT_THROW(Simulation(root.path("own.toml")), UsageError);
  } else {
    const Job job = parse_job_text(text + training_sections(root), "job.toml");
    const JobSetup setup = set_up(job);
    expect_equal(trained_in_own_loop(root.path("own.toml"), setup), trained_by_laconic_run(job, setup));
  }
}

INSTANTIATE_TEST_SUITE_P(Strategies, EachStrategy, ::testing::ValuesIn(strategies().begin(), strategies().end()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(OwnLoop, GivesTheSameBitsHoweverLongTheThreadsTake) {
  const TemporaryFolder root;
  testing::write_tiny_data(root.path("data"));
  const std::string text =
      own_loop_job("name = \"choco\"\n[topology]\ngraph = \"ring\"\n[compression]\noperator = \"top_k\"\n", kWorkers);
  testing::write_text(root.path("own.toml"), text);
  const JobSetup setup = set_up(parse_job_text(text + training_sections(root), "job.toml"));
  const Trained first = trained_in_own_loop(
      root.path("own.toml"), setup, [](int rank, std::uint64_t step) { return rank == 0 && step % 3 == 0 ? 9 : 0; });
  const Trained second = trained_in_own_loop(root.path("own.toml"), setup, [](int rank, std::uint64_t step) {
    return static_cast<int>((static_cast<std::uint64_t>(rank) * 7 + step * 5) % 11);
  });
  expect_equal(first, second);
}

// Four samples of five features, one for each worker, so that nothing is left to draw.
constexpr float kFeatures[kWorkers][5] = {{.3F, -1.7F, .9F, 2.1F, -.4F},
                                          {-1.1F, .6F, .2F, -.8F, 1.3F},
                                          {.7F, .7F, -2.2F, .1F, .5F},
                                          {1.9F, -.2F, -.6F, 1.4F, .8F}};
constexpr std::int64_t kLabels[kWorkers] = {2, 0, 1, 2};

// A loop as libtorch's users write it, with nothing of ours but the session.
std::vector<float> trained_by_libtorch_alone(Simulation& simulation, int rank) {
  torch::nn::Linear model(5, 3);
  {
    const torch::NoGradGuard no_gradient;
    for (at::Tensor& parameter : model->parameters()) parameter.zero_();
  }
  // A power of two: the optimiser's step then rounds once, whether its product and sum are fused or not.
  torch::optim::SGD optimizer(model->parameters(), 0.125);
  std::vector<float> row(std::begin(kFeatures[rank]), std::end(kFeatures[rank]));
  const at::Tensor x = at::from_blob(row.data(), {1, 5});
  const at::Tensor label = at::full({1}, kLabels[rank], at::kLong);
  Session session = simulation.join(rank, model->parameters());
  bool more = true;
  while (more) {
    optimizer.zero_grad();
    torch::nn::functional::cross_entropy(model->forward(x), label).backward();
    session.gradient_ready();
    optimizer.step();
    more = session.step();
  }
  const at::Tensor flat = at::cat({model->weight.detach().flatten(), model->bias.detach()});
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

TEST(OwnLoop, OfLibtorchsModulesAndOptimiserAloneGivesTheBitsOfLaconicRun) {
  const TemporaryFolder root;
  std::string table = "a,b,c,d,e,label\n";
  for (int rank = 0; rank < kWorkers; ++rank) {
    for (const float feature : kFeatures[rank]) table += std::to_string(feature) + ",";
    table += std::to_string(kLabels[rank]) + "\n";
  }
  testing::write_text(root.path("train.csv"), table);
  testing::write_text(root.path("test.csv"), table);
  const std::string data = "[data]\ndataset = \"csv\"\ndir = \"" + root.path() +
                           "\"\nnormalise = false\nbatch = 1\npartition = \"contiguous\"\n[model]\nname = "
                           "\"logistic_regression\"\n[optimizer]\nname = \"sgd\"\nlearning_rate = "
                           "0.125\nmomentum = 0\n[evaluation]\nevery = \"12 steps\"\nworkers = \"never\"\n";
  for (const char* strategy :
       {"name = \"fda\"\nthreshold = 0.2\n", "name = \"all_reduce\"\n",
        "name = \"choco\"\n[topology]\ngraph = \"ring\"\n[compression]\noperator = \"sign\"\n"}) {
    const std::string text = own_loop_job(strategy, kWorkers);
    testing::write_text(root.path("own.toml"), text);
    Simulation simulation(root.path("own.toml"));
    Models models(kWorkers);
    simulation.run(
        [&](int rank) { models[static_cast<std::size_t>(rank)] = trained_by_libtorch_alone(simulation, rank); });
    const Job job = parse_job_text(text + data, "job.toml");
    const Trained ours = trained_by_laconic_run(job, set_up(job));
    EXPECT_EQ(models, ours.models) << strategy;
    EXPECT_EQ(simulation.summary().trace_hash, ours.summary.trace_hash) << strategy;
    EXPECT_NE(models.front(), std::vector<float>(models.front().size())) << strategy;
  }
}

}  // namespace
}  // namespace laconic
