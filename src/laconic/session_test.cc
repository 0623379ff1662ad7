#include "laconic/session.h"

#include <gtest/gtest.h>
#include <torch/torch.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <iterator>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <thread>

#include "base/error.h"
#include "job/job.h"
#include "job/tiny_job_test.h"
#include "job/wiring.h"
#include "strategies/registry.h"

namespace laconic {
namespace {

using testing::TemporaryFolder;

constexpr int kWorkers = 4;
constexpr std::uint64_t kSteps = 12;

std::string own_loop_job(const std::string& strategy, int workers = kWorkers, const std::string& network = "") {
  return "[job]\nseed = 3\nsteps = " + std::to_string(kSteps) + "\n[workers]\ncount = " + std::to_string(workers) +
         "\n[strategy]\n" + strategy + "\n" + network;
}

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
    return;
  }
  const Job job = parse_job_text(text + training_sections(root), "job.toml");
  const JobSetup setup = set_up(job);
  expect_equal(trained_in_own_loop(root.path("own.toml"), setup), trained_by_laconic_run(job, setup));
}

INSTANTIATE_TEST_SUITE_P(Strategies, EachStrategy, ::testing::ValuesIn(strategies().begin(), strategies().end()),
                         [](const auto& info) { return std::string(info.param->name); });

TEST(OwnLoop, GivesTheSameBitsHoweverLongTheThreadsTake) {
  const TemporaryFolder root;
  testing::write_tiny_data(root.path("data"));
  const std::string text = own_loop_job(
      "name = \"choco\"\n[topology]\ngraph = \"ring\"\n[compression]\noperator = "
      "\"top_k\"\n");
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
    const std::string text = own_loop_job(strategy);
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

// A model of two tensors whose gradients are set by hand.
struct Toy {
  std::vector<at::Tensor> tensors = {at::ones({2, 3}), at::ones({4})};
  explicit Toy(float value = 1.0F) {
    for (at::Tensor& tensor : tensors) tensor.fill_(value).set_requires_grad(true);
  }
  void add(float value) {
    const at::NoGradGuard no_gradient;
    for (at::Tensor& tensor : tensors) tensor.add_(value);
  }
};

class Loops : public ::testing::Test {
 protected:
  std::string file(const std::string& strategy, const std::string& network = "", int workers = 2) {
    testing::write_text(root_.path("own.toml"), own_loop_job("name = \"" + strategy + "\"", workers, network));
    return root_.path("own.toml");
  }
  // The error that a run of these loops ends with.
  static std::string error_of(Simulation& simulation, const std::function<void(int)>& loop) {
    try {
      simulation.run(loop);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "none";
  }
  TemporaryFolder root_;
};

TEST_F(Loops, BeginWithTheParametersOfWorkerZero) {
  Simulation simulation(file("local"));
  std::atomic<int> checked = 0;
  simulation.run([&](int rank) {
    Toy toy(static_cast<float>(rank + 5));
    Session session = simulation.join(rank, toy.tensors);
    for (const at::Tensor& tensor : toy.tensors) checked += tensor.eq(5.0F).all().item<bool>() ? 1 : 0;
    while (session.step()) {
    }
    EXPECT_TRUE(session.finished());
    EXPECT_EQ(session.steps_done(), kSteps);
  });
  EXPECT_EQ(checked.load(), 4);
}

TEST_F(Loops, AverageGradientsOfWhichAnUndefinedOneIsZeros) {
  Simulation simulation(file("all_reduce"));
  simulation.run([&](int rank) {
    Toy toy;
    Session session = simulation.join(rank, toy.tensors);
    EXPECT_TRUE(session.needs_gradient());
    bool more = true;
    while (more) {
      toy.tensors[0].mutable_grad() = at::full({2, 3}, rank == 0 ? 2.0F : 4.0F);
      toy.tensors[1].mutable_grad() = rank == 0 ? at::full({4}, 6.0F) : at::Tensor();
      session.gradient_ready();
      EXPECT_TRUE(toy.tensors[0].grad().eq(3.0F).all().item<bool>());
      EXPECT_TRUE(toy.tensors[1].grad().eq(3.0F).all().item<bool>());
      more = session.step();
    }
  });
}

TEST_F(Loops, KeepWhatTheyDoToTheirModelsBeforeTheGradientIsReady) {
  for (const char* strategy : {"all_reduce", "synchronous"}) {
    Simulation simulation(file(strategy));
    simulation.run([&](int rank) {
      Toy toy;
      Session session = simulation.join(rank, toy.tensors);
      bool more = true;
      while (more) {
        const at::NoGradGuard no_gradient;
        for (at::Tensor& tensor : toy.tensors) tensor.fill_(7.0F);
        session.gradient_ready();
        EXPECT_TRUE(toy.tensors[0].eq(7.0F).all().item<bool>()) << strategy;
        toy.add(1.0F);
        more = session.step();
        EXPECT_TRUE(toy.tensors[1].eq(8.0F).all().item<bool>()) << strategy;
      }
    });
  }
}

TEST_F(Loops, RefuseAModelThatChangesItsShape) {
  for (const char* strategy : {"all_reduce", "synchronous"}) {
    Simulation simulation(file(strategy));
    const std::string error = error_of(simulation, [&](int rank) {
      Toy toy;
      Session session = simulation.join(rank, toy.tensors);
      toy.tensors[0].set_data(at::ones({rank == 0 ? 3 : 2, rank == 0 ? 300 : 3}));
      session.gradient_ready();
      session.step();
    });
    EXPECT_EQ(error.find("worker 0: parameter 0 is 3x300, and was 2x3 when it joined"), 0U) << error;
  }
}

TEST_F(Loops, RefuseAGradientThatIsNotLikeItsParameter) {
  const auto error_with = [&](const at::Tensor& gradient) {
    Simulation simulation(file("all_reduce", "", 1));
    return error_of(simulation, [&](int rank) {
      Toy toy;
      Session session = simulation.join(rank, toy.tensors);
      // As a sparse embedding leaves it.
      toy.tensors[1].unsafeGetTensorImpl()->set_autograd_meta(nullptr);
      toy.tensors[1].mutable_grad() = gradient;
      session.gradient_ready();
    });
  };
  EXPECT_EQ(error_with(at::ones({4}).to_sparse()).find("worker 0: the gradient of parameter 1 is sparse"), 0U);
  EXPECT_EQ(error_with(at::ones({2})).find("worker 0: the gradient of parameter 1 is 2; it has to be dense"), 0U);
}

TEST_F(Loops, RefuseOneModelForTwoWorkers) {
  Simulation simulation(file("synchronous"));
  Toy shared;
  const std::string error = error_of(simulation, [&](int rank) {
    Toy own;
    own.tensors[1] = shared.tensors[1];
    Session session = simulation.join(rank, own.tensors);
    while (session.step()) {
    }
  });
  EXPECT_NE(error.find("; give each worker a model of its own"), std::string::npos) << error;
}

TEST_F(Loops, AreToldOfASessionThatIsNoMore) {
  Simulation simulation(file("local", "", 1));
  simulation.run([&](int rank) {
    Toy toy;
    Session first = simulation.join(rank, toy.tensors);
    Session second = std::move(first);
    EXPECT_THROW(first.step(), UsageError);
    while (second.step()) {
    }
  });
}

TEST_F(Loops, EndWithTheErrorOfTheOneThatThrows) {
  Simulation simulation(file("synchronous"));
  std::atomic<int> told = 0;
  EXPECT_EQ(error_of(simulation,
                     [&](int rank) {
                       Toy toy;
                       Session session = simulation.join(rank, toy.tensors);
                       for (int step = 0;; ++step) {
                         if (rank == 1 && step == 3) throw std::runtime_error("the disk is full");
                         try {
                           session.step();
                         } catch (const RunError& error) {
                           told += std::string(error.what()).find("worker 1 has left after 3 of 12 steps") == 0 ? 1 : 0;
                           throw;
                         }
                       }
                     }),
            "the disk is full");
  EXPECT_EQ(told.load(), 1);
  EXPECT_THROW(simulation.summary(), RunError);
}

TEST_F(Loops, EndWhereOneLeavesEarly) {
  Simulation simulation(file("synchronous"));
  const std::string error = error_of(simulation, [&](int rank) {
    Toy toy;
    Session session = simulation.join(rank, toy.tensors);
    for (int step = 0; rank == 0 || step < 3; ++step) session.step();
  });
  EXPECT_EQ(error.find("worker 1 has left after 3 of 12 steps"), 0U) << error;
}

TEST_F(Loops, AreToldOfCallsOutOfOrder) {
  Simulation reduced(file("all_reduce"));
  std::string error = error_of(reduced, [&](int rank) {
    Toy toy;
    Session session = reduced.join(rank, toy.tensors);
    session.step();
  });
  EXPECT_NE(error.find("calls step() without gradient_ready() in step 1"), std::string::npos) << error;

  Simulation twice(file("all_reduce"));
  error = error_of(twice, [&](int rank) {
    Toy toy;
    Session session = twice.join(rank, toy.tensors);
    session.gradient_ready();
    session.gradient_ready();
  });
  EXPECT_NE(error.find("calls gradient_ready() a second time in step 1"), std::string::npos) << error;

  Simulation longer(file("local"));
  error = error_of(longer, [&](int rank) {
    Toy toy;
    Session session = longer.join(rank, toy.tensors);
    for (std::uint64_t step = 0; step <= kSteps; ++step) session.step();
  });
  EXPECT_NE(error.find("has taken all of the job's 12 steps"), std::string::npos) << error;
}

TEST_F(Loops, ThatNeverJoinAreNamedAtTheDeadline) {
  Simulation simulation(file("local", "[network]\ndeadline = \"200 ms\"\n", 3));
  Toy toy;
  try {
    simulation.join(1, toy.tensors);
    FAIL();
  } catch (const PeerLost& error) {
    EXPECT_EQ(std::string(error.what()).find("worker 0, worker 2 did not join within"), 0U) << error.what();
  }
  const std::string error = error_of(simulation, [](int) {});
  EXPECT_NE(error, "none");
}

TEST_F(Loops, ThatDoNotComeBackAreNamedAtTheDeadline) {
  Simulation simulation(file("synchronous", "[network]\ndeadline = \"300 ms\"\n"));
  const std::string error = error_of(simulation, [&](int rank) {
    Toy toy;
    Session session = simulation.join(rank, toy.tensors);
    session.step();
    if (rank == 1) std::this_thread::sleep_for(std::chrono::milliseconds(900));
    while (session.step()) {
    }
  });
  EXPECT_EQ(error.find("worker 1's loop has not come back in step 2 within 0.3"), 0U) << error;
}

TEST_F(Loops, ThatDivergeAreNamed) {
  Simulation simulation(file("synchronous"));
  const std::string error = error_of(simulation, [&](int rank) {
    Toy toy;
    Session session = simulation.join(rank, toy.tensors);
    if (rank == 1) toy.add(std::numeric_limits<float>::infinity());
    while (session.step()) {
    }
  });
  EXPECT_EQ(error.find("training diverged: a parameter of worker 1 is not finite after step 1"), 0U) << error;
}

TEST_F(Loops, RefuseParametersThatCannotBeTrained) {
  const auto refused = [&](const std::vector<at::Tensor>& parameters) {
    Simulation simulation(file("local", "", 1));
    return error_of(simulation, [&](int rank) { simulation.join(rank, parameters); });
  };
  const at::Tensor good = at::zeros({3});
  EXPECT_NE(refused({}).find("worker 0 has no parameters"), std::string::npos);
  EXPECT_NE(refused({good, at::zeros({2}, at::kDouble)}).find("parameter 1 is of Double"), std::string::npos);
  EXPECT_NE(refused({good, at::Tensor()}).find("parameter 1 is undefined"), std::string::npos);
  EXPECT_NE(refused({good, at::zeros({0})}).find("parameter 1 has no elements"), std::string::npos);
  EXPECT_NE(refused({good, at::zeros({1}).expand({4})}).find("parameter 1 has gaps or overlaps"), std::string::npos);
  EXPECT_NE(refused({good, at::zeros({2}), good}).find("share memory"), std::string::npos);
  const at::Tensor whole = at::zeros({6});
  EXPECT_NE(refused({whole.narrow(0, 0, 4), whole.narrow(0, 3, 3)}).find("share memory"), std::string::npos);
}

TEST_F(Loops, RefuseAStartThatIsNotFinite) {
  Simulation simulation(file("local", "", 1));
  const std::string error = error_of(simulation, [&](int rank) {
    Toy toy(std::numeric_limits<float>::quiet_NaN());
    simulation.join(rank, toy.tensors);
  });
  EXPECT_EQ(error.find("worker 0: parameter 0 is not finite before the first step"), 0U) << error;
}

TEST_F(Loops, RefuseWorkersOfOtherModels) {
  Simulation simulation(file("local"));
  const std::string error = error_of(simulation, [&](int rank) {
    Toy toy;
    if (rank == 1) toy.tensors[1] = at::zeros({5});
    Session session = simulation.join(rank, toy.tensors);
    while (session.step()) {
    }
  });
  EXPECT_NE(error.find("all train one model"), std::string::npos) << error;
}

TEST_F(Loops, RefuseWhatTheJobCannotSayForThem) {
  const auto refused = [&](const std::string& more, const std::string& what) {
    testing::write_text(root_.path("own.toml"), own_loop_job("name = \"local\"", 1, more));
    try {
      const Simulation simulation(root_.path("own.toml"));
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find(what), std::string::npos) << error.what();
      return;
    }
    ADD_FAILURE() << more << " was taken";
  };
  for (const char* section : {"data", "model", "optimizer", "drift", "energy", "evaluation", "checkpoint", "output"}) {
    refused("[" + std::string(section) + "]\n",
            "[" + std::string(section) + "] means nothing where the loop is your own");
  }
  EXPECT_THROW(Simulation(file("local"), {"job.epochs=2"}), UsageError);
  EXPECT_THROW(Simulation(file("local"), {"job.until=step >= 3"}), UsageError);
  EXPECT_THROW(Simulation(file("local"), {"workers.threads=2"}), UsageError);
}

}  // namespace
}  // namespace laconic
