#include "job/wiring.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

#include "base/error.h"
#include "cli/commands.h"
#include "job/plan.h"
#include "job/results.h"
#include "job/tiny_job_test.h"

namespace laconic {
namespace {

using testing::TemporaryFolder;

// resnet8 on 8x8 images, each worker alone: their batch-norm statistics part.
std::string resnet_job(const TemporaryFolder& root) {
  for (const auto& [stem, count] : {std::pair{"train", 60U}, std::pair{"t10k", 40U}}) {
    RandomStream stream(count, "tiny images");
    std::vector<std::uint8_t> pixels;
    std::vector<std::uint8_t> labels;
    for (std::uint32_t i = 0; i < count; ++i) {
      labels.push_back(static_cast<std::uint8_t>(i % 10));
      for (std::uint32_t pixel = 0; pixel < 64; ++pixel) {
        pixels.push_back(static_cast<std::uint8_t>((pixel % 10 == i % 10 ? 160 : 0) + stream.below(95)));
      }
    }
    testing::write_idx(root.path(std::string(stem) + "-images-idx3-ubyte"), {count, 8, 8}, pixels);
    testing::write_idx(root.path(std::string(stem) + "-labels-idx1-ubyte"), {count}, labels);
  }
  return "[job]\nsteps = 6\n[data]\ndataset = \"mnist\"\ndir = \"" + root.path() +
         "\"\nbatch = 8\n[model]\nname = \"resnet8\"\n[optimizer]\nname = \"sgd\"\n[workers]\ncount = 3\nthreads = "
         "2\n" +
         "[strategy]\nname = \"local\"\n[evaluation]\nevery = \"3 steps\"\n[output]\ndir = \"" + root.path("run") +
         "\"\nprogress = \"off\"\n";
}

TEST(Wiring, TheAverageModelIsMeasuredWithTheAverageOfTheWorkersBuffers) {
  const TemporaryFolder root;
  const Job job = parse_job_text(resnet_job(root), "job.toml");
  const JobSetup setup = set_up(job);
  std::vector<std::unique_ptr<Learner>> learners;
  std::vector<Learner*> views;
  for (Rank rank{0}; rank.value < 3; ++rank.value) {
    learners.push_back(setup.training->learner(rank));
    views.push_back(learners.back().get());
  }
  std::vector<Measurement> measurements;
  RunObserver observer;
  observer.on_measurement = [&](const Measurement& measurement) { measurements.push_back(measurement); };
  const Outcome outcome = sim::simulate(setup.simulation, views,
                                        job.strategy->make(job.section("strategy"), setup.strategy_setting), observer);
  ASSERT_FALSE(outcome.error);

  const auto mean_of = [&](auto&& part_of) {
    std::vector<float> mean;
    for (std::size_t i = 0; i < part_of(*learners[0]).size(); ++i) {
      double sum = 0.0;
      for (const auto& learner : learners) sum += part_of(*learner)[i];
      mean.push_back(static_cast<float>(sum / 3.0));
    }
    return mean;
  };
  const std::vector<float> params = mean_of([](Learner& learner) { return learner.params(); });
  const std::vector<float> buffers = mean_of([](Learner& learner) { return learner.buffers(); });
  EXPECT_NE(learners[0]->buffers()[0], learners[1]->buffers()[0]);
  ASSERT_EQ(outcome.buffers.size(), buffers.size());
  for (std::size_t i = 0; i < buffers.size(); ++i) EXPECT_FLOAT_EQ(outcome.buffers[i], buffers[i]);
  ASSERT_EQ(measurements.size(), 2U);
  EXPECT_NEAR(measurements[1].test.loss, setup.training->evaluate(params, buffers, Split::kTest).loss, 1e-5);
  // The workers' own models are measured with their own.
  double accuracy = 0.0;
  for (const auto& learner : learners) {
    accuracy += learner->evaluate(learner->params(), learner->buffers(), Split::kTest).accuracy / 3.0;
  }
  ASSERT_TRUE(measurements[1].workers);
  EXPECT_NEAR(measurements[1].workers->mean, accuracy, 1e-12);
  // At the end on the worker's own samples too, each worker's model on its own.
  EXPECT_TRUE(measurements[0].by_worker.empty());
  ASSERT_EQ(measurements[1].by_worker.size(), 3U);
  for (std::size_t k = 0; k < 3; ++k) {
    const Evaluation own =
        learners[k]->evaluate_on_data_of({static_cast<std::int32_t>(k)}, learners[k]->params(), learners[k]->buffers());
    EXPECT_EQ(own.samples, setup.partition[k].size());
    EXPECT_EQ(measurements[1].by_worker[k].own_samples, own.samples);
    EXPECT_EQ(measurements[1].by_worker[k].own_data, own.accuracy) << "worker " << k;
    EXPECT_EQ(measurements[1].by_worker[k].test,
              learners[k]->evaluate(learners[k]->params(), learners[k]->buffers(), Split::kTest).accuracy);
  }
}

TEST(Wiring, TheCumulativeLossIsThatOfEveryBatchOfEveryWorkerAtTheModelBeforeItsStep) {
  const TemporaryFolder root;
  testing::write_tiny_data(root.path("data"));
  const std::string text = testing::tiny_job_text(root, "local", "name = \"local\"");
  const std::vector<std::string> on = {"evaluation.prequential=true"};
  const Job job = parse_job_text(text, "job.toml", on);
  const JobSetup setup = set_up(job);
  const RunResult result = run_job(job, setup);
  ASSERT_FALSE(result.outcome.error);
  ASSERT_EQ(result.measurements.size(), 4U);

  // By hand: workers that nobody talks to.
  std::vector<double> cumulative(5, 0.0);
  for (Rank rank{0}; rank.value < 4; ++rank.value) {
    const auto learner = setup.training->learner(rank);
    for (std::uint64_t step = 0; step < 40; ++step) {
      cumulative[step / 10 + 1] += 8.0 * learner->local_step({step}).loss;
    }
  }
  for (std::size_t i = 0; i < 4; ++i) {
    cumulative[i + 1] += cumulative[i];
    const Prequential& measured = result.measurements[i].prequential;
    EXPECT_NEAR(measured.loss, cumulative[i + 1], 1e-9 * cumulative[i + 1]);
    EXPECT_EQ(measured.samples, 4U * 8 * 10 * (i + 1));
  }

  const Job quiet = parse_job_text(text, "job.toml");
  const RunResult without = run_job(quiet, set_up(quiet));
  EXPECT_EQ(without.measurements.back().prequential.samples, 0U);
  EXPECT_EQ(without.outcome.trace_hash, result.outcome.trace_hash);
  EXPECT_EQ(without.outcome.model, result.outcome.model);
}

TEST(Wiring, TheCumulativeLossCountsEverySampleOnceWhoeverTakesTheStep) {
  const TemporaryFolder root;
  testing::write_tiny_data(root.path("data"));
  const std::string groups =
      "name = \"hierarchical\"\ngroups = 2\n[between]\nname = \"d_psgd\"\n[topology]\ngraph "
      "= \"complete\"\n";
  for (const std::string& strategy : {std::string("name = \"all_reduce\""), groups,
                                      std::string("name = \"dma\"\nthreshold = 0.1\nclock = \"asynchronous\"")}) {
    const std::vector<std::string> on = {"evaluation.prequential=true", "optimizer.name=sgd"};
    const Job job = parse_job_text(testing::tiny_job_text(root, "each", strategy), "job.toml", on);
    const RunResult result = run_job(job, set_up(job));
    ASSERT_FALSE(result.outcome.error) << strategy;
    double mean = 0.0;
    for (const Measurement& measurement : result.measurements) {
      mean += measurement.train_loss / static_cast<double>(result.measurements.size());
    }
    const Prequential& total = result.measurements.back().prequential;
    EXPECT_EQ(total.samples, 4U * 8 * 40) << strategy;
    EXPECT_NEAR(total.loss / static_cast<double>(total.samples), mean, 1e-9) << strategy;
  }
}

TEST(Wiring, ADriftIsRefusedWhereItMakesNoSenseAndToldWhereItDoes) {
  const TemporaryFolder root;
  testing::write_tiny_data(root.path("data"));
  const std::string text = testing::tiny_job_text(root, "drift", "name = \"local\"");
  const auto refusal = [&](const std::string& section) {
    try {
      set_up(parse_job_text(text + section, "job.toml"));
    } catch (const UsageError& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  const auto line = std::count(text.begin(), text.end(), '\n');
  const std::string second = "job.toml:" + std::to_string(line + 2) + ": ";
  const std::string third = "job.toml:" + std::to_string(line + 3) + ": ";
  EXPECT_EQ(refusal("[drift]\nkind = \"redraw\"\nat = [10]\n"),
            second +
                "drift.kind: nothing of mnist can be drawn anew, only data.dataset = \"graphical_model\"; take "
                "labels or rotation");
  EXPECT_EQ(refusal("[drift]\nkind = \"labels\"\nat = [10, 40]\n"),
            third + "drift.at: no step follows on step 40 in a run of 40; remove it, or run longer");
  EXPECT_EQ(refusal("[drift]\nat = [10]\n").find(second + "drift.at: nothing drifts without a kind"), 0U);

  const Job job = parse_job_text(text + "[drift]\nkind = \"rotation\"\nat = [10, 25]\n", "job.toml");
  EXPECT_EQ(parse_job_text(job.resolved_text(), "again.toml").drift.at, (std::vector<std::uint64_t>{10, 25}));
  const JobSetup setup = set_up(job);
  EXPECT_NE(plan_text(job, setup, 100).find("drift         rotation, after step 10, 25\n"), std::string::npos);
  const RunResult result = run_job(job, setup);
  EXPECT_EQ(summarise(job, setup, result, RuntimeKind::kSimulator).drifts, (std::vector<std::uint64_t>{10, 25}));
}

TEST(Wiring, AStreamIsAJobWithoutFiles) {
  const std::string text =
      "[job]\nsteps = 60\n[data]\ndataset = \"graphical_model\"\ninputs = 20\nbatch = 10\n[model]\nname = "
      "\"mlp\"\nhidden = 8\n[drift]\nkind = \"redraw\"\nprobability = 0.05\n[optimizer]\nname = "
      "\"sgd\"\n[workers]\ncount = 3\n[strategy]\nname = \"dma\"\nthreshold = 0.1\n[evaluation]\nevery = \"20 "
      "steps\"\nprequential = true\n";
  const Job job = parse_job_text(text, "job.toml");
  const JobSetup setup = set_up(job);
  EXPECT_FALSE(setup.training->drifts().empty());
  const RunResult result = run_job(job, setup);
  ASSERT_FALSE(result.outcome.error);
  EXPECT_EQ(result.measurements.back().prequential.samples, 3U * 10 * 60);
  EXPECT_EQ(result.measurements.back().test.samples, 2000U);
  EXPECT_EQ(run_job(job, set_up(job)).outcome.trace_hash, result.outcome.trace_hash);
  const std::vector<std::string> by_label = {"data.partition=shards:2"};
  EXPECT_THROW(set_up(parse_job_text(text, "job.toml", by_label)), UsageError);
}

TEST(Wiring, AnOperatorWhoseErrorCanExceedTheVectorIsRefusedWhereErrorsAreFedBack) {
  const std::string text =
      "[job]\nsteps = 10\n[data]\ndataset = \"graphical_model\"\n[model]\nname = \"mlp\"\n[optimizer]\nname = "
      "\"sgd\"\n[workers]\ncount = 3\n[strategy]\nname = \"periodic\"\nperiod = 5\n[compression]\noperator = "
      "\"random_k\"\nratio = 0.1\n";
  const auto taken = [&](const std::string& unbiased, const std::string& ratio) {
    const std::vector<std::string> overrides = {"compression.unbiased=" + unbiased, "compression.ratio=" + ratio};
    set_up(parse_job_text(text, "job.toml", overrides));
  };
  EXPECT_NO_THROW(taken("false", "0.1"));
  EXPECT_NO_THROW(taken("true", "0.9"));
  EXPECT_THROW(taken("true", "0.1"), UsageError);
}

TEST(Wiring, AnEpochOfWorkersThatShareTheSamplesSeesEachOnce) {
  const std::string text =
      "[job]\nepochs = 2\n[data]\ndataset = \"graphical_model\"\nsamples = 1000\nbatch = 10\n[model]\nname = "
      "\"mlp\"\n[optimizer]\nname = \"sgd\"\n[workers]\ncount = 5\n[strategy]\nname = \"local\"\n";
  for (const std::string partition : {"iid", "shared"}) {
    const std::vector<std::string> overrides = {"data.partition=" + partition};
    EXPECT_EQ(set_up(parse_job_text(text, "job.toml", overrides)).training->steps(), 40U) << partition;
  }
}

TEST(Wiring, WhatDoesNotFitTheDataOrTheRunIsRefusedWithOnePlace) {
  const TemporaryFolder root;
  const std::string text = resnet_job(root);
  const auto refusal = [&](const std::vector<std::string>& overrides) -> std::string {
    try {
      set_up(parse_job_text(text, "job.toml", overrides));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal({}), "accepted");
  EXPECT_EQ(refusal({"model.name=lenet5"}).find("--set: model.name: lenet5 needs images of at least 12x12"), 0U);
  EXPECT_EQ(refusal({"optimizer.schedule=cosine", "optimizer.warmup=6 steps"}),
            "--set: optimizer.warmup: its 6 steps leave nothing of the run's 6 for the cosine; shorten it");
}

TEST(Wiring, TheNetworkHasTheJobsFaults) {
  const TemporaryFolder root;
  const Job job =
      parse_job_text(resnet_job(root), "job.toml",
                     std::vector<std::string>{"strategy.name=local", "network.loss=0.2", "network.duplication=0.1"});
  const sim::NetworkOptions network = set_up(job).simulation.network;
  EXPECT_EQ(network.loss, 0.2);
  EXPECT_EQ(network.duplication, 0.1);
}

TEST(Wiring, RefusesLinksAndMergesThatDoNotFitByPlaceAndRemedy) {
  const TemporaryFolder root;
  const auto refusal = [&](const std::vector<std::string>& overrides) -> std::string {
    try {
      const Job job = parse_job_text(resnet_job(root), "job.toml", overrides);
      const JobSetup setup = set_up(job);
      job.strategy->make(setup.strategy_options, setup.strategy_setting);
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal({"strategy.name=quantized_push_sum", "compression.operator=none", "topology.graph=one_peer",
                     "workers.count=4"}),
            "--set: strategy quantized_push_sum needs links that are the same in each round, such as "
            "directed_ring, and always up; take sparse_push with memory = \"difference\" for links that change");
  const std::vector<std::string> scsp = {"strategy.name=scsp", "compression.operator=none"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), scsp.begin(), scsp.end());
    return refusal(more);
  };
  EXPECT_EQ(with({}), "accepted");
  EXPECT_EQ(
      with({"strategy.every=7"}),
      "--set: strategy.every: the run's 6 steps, less finetune, are over before the first 7; make it smaller, or 0 "
      "for one merge at the end");
  EXPECT_EQ(with({"strategy.order=asynchronous"}).find("--set: strategy.order: a merge waits for everybody"), 0U);
  EXPECT_EQ(with({"strategy.compress=update", "strategy.gamma=auto"}),
            "--set: strategy.gamma: cannot be tuned with strategy.compress as it is set: gossip alone then brings "
            "nothing together; give a number in (0, 1]");
}

TEST(Wiring, GroupsOfWorkersRunWhatIsBetweenThem) {
  const TemporaryFolder root;
  testing::write_tiny_data(root.path("data"));
  const std::string text =
      testing::tiny_job_text(root, "groups", "name = \"hierarchical\"\ngroups = 2") +
      "progress = \"off\"\n[between]\nname = \"choco\"\ngamma = 0.5\n[topology]\ngraph = \"ring\"\n" +
      "[compression]\noperator = \"sign\"\n";
  const Job job = parse_job_text(text, "job.toml");
  const JobSetup setup = set_up(job);
  EXPECT_EQ(setup.strategy_setting.mixing->nodes(), 2U);
  EXPECT_FALSE(setup.simulation.with_coordinator);
  const RunResult result = run_job(job, setup);
  ASSERT_FALSE(result.outcome.error);
  const Ledger& ledger = result.outcome.ledger;
  std::uint64_t payload = 0;
  for (std::size_t kind = 0; kind < kTrafficKinds; ++kind) {
    payload += setup.steps() * setup.traffic.per_step[kind] + result.outcome.syncs * setup.traffic.per_sync[kind] +
               setup.traffic.per_run[kind];
  }
  EXPECT_EQ(ledger.total().payload.value, payload);
  EXPECT_EQ(ledger.sent({1}).frames, setup.steps()) << "a member's gradients";
  EXPECT_LT(result.measurements.back().test.loss, result.measurements.front().test.loss);

  // Groups of one worker are no groups: what the strategy between them makes of libtorch's learners, bit for bit.
  const RunResult ones = [&] {
    const Job each = parse_job_text(text, "job.toml", std::vector<std::string>{"strategy.groups=4"});
    return run_job(each, set_up(each));
  }();
  const std::string choco = testing::tiny_job_text(root, "alone", "name = \"choco\"\ngamma = 0.5") +
                            "[topology]\ngraph = \"ring\"\n[compression]\noperator = \"sign\"\n";
  const Job alone = parse_job_text(choco, "job.toml");
  EXPECT_EQ(ones.outcome.trace_hash, run_job(alone, set_up(alone)).outcome.trace_hash);
  EXPECT_NE(ones.outcome.trace_hash, result.outcome.trace_hash);

  const auto refusal = [&](const std::vector<std::string>& overrides) -> std::string {
    try {
      set_up(parse_job_text(text, "job.toml", overrides));
    } catch (const UsageError& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_EQ(refusal({"topology.graph=torus:2x2"}),
            "--set: topology 'torus:2x2': it has 4 nodes for 2 groups; take as many groups, or another topology");
  EXPECT_EQ(refusal({"topology.graph=torus:2x2", "strategy.groups=4"}), "accepted");
}

TEST(Wiring, AnAutomaticGammaIsTunedOnTheGraphOfTheJob) {
  const TemporaryFolder root;
  testing::write_tiny_data(root.path("data"));
  const std::string text = testing::tiny_job_text(root, "auto", "name = \"choco\"\ngamma = \"auto\"") +
                           "progress = \"off\"\n[topology]\ngraph = \"ring\"\n[compression]\noperator = \"sign\"\n";
  const auto hash_of = [&](const std::string& gamma) {
    const Job job = parse_job_text(text, "job.toml", std::vector<std::string>{"strategy.gamma=" + gamma});
    return run_job(job, set_up(job)).outcome.trace_hash;
  };
  const JobSetup setup = set_up(parse_job_text(text, "job.toml"));
  const double gamma = setup.strategy_options.number("gamma");
  EXPECT_GT(gamma, 0.0);
  EXPECT_LE(gamma, 1.0);
  EXPECT_EQ(hash_of("auto"), hash_of(std::to_string(gamma)));
  EXPECT_NE(hash_of("auto"), hash_of(std::to_string(gamma / 2)));

  const JobSetup alone = set_up(parse_job_text(text, "job.toml", std::vector<std::string>{"workers.count=1"}));
  EXPECT_EQ(alone.strategy_options.number("gamma"), 1.0) << "one worker has nobody to gossip with";
}

TEST(Wiring, EpochsOfNumbersThatChangeAreStepsOfTheRun) {
  const TemporaryFolder root;
  testing::write_tiny_data(root.path("data"));
  const std::string topology = "[topology]\ngraph = \"ring\"\n";
  const auto text_of = [&](const std::string& strategy, const std::string& length) {
    return testing::tiny_job_text(root, "changing", strategy) + "progress = \"off\"\n" + topology +
           "[compression]\noperator = \"top_k\"\nratio = \"0.5 -> 0.1 over " + length + "\"\n";
  };
  const auto choco = [&](const std::string& length) {
    return text_of("name = \"choco\"\ngamma = \"0.4 -> 0.1 over " + length + "\"", length);
  };
  const JobSetup setup = set_up(parse_job_text(choco("0.5 epochs"), "job.toml"));
  const double half = setup.strategy_setting.steps_per_epoch / 2.0;
  ASSERT_GE(half, 2.0);
  const auto steps = static_cast<std::uint64_t>(std::ceil(half));
  EXPECT_EQ(setup.strategy_options.schedule("gamma")->steps(), steps);
  EXPECT_EQ(setup.strategy_setting.compressor()->changes_until(), steps);
  EXPECT_TRUE(setup.traffic.depends_on_values);

  const auto trace_of = [&](const std::string& length) {
    const Job job = parse_job_text(choco(length), "job.toml");
    const RunResult result = run_job(job, set_up(job));
    EXPECT_FALSE(result.outcome.error) << length;
    return result.outcome.trace_hash;
  };
  EXPECT_EQ(trace_of("0.5 epochs"), trace_of(std::to_string(steps) + " steps"));
  EXPECT_NE(trace_of("0.5 epochs"), trace_of(std::to_string(steps + 1) + " steps"));

  const std::string grouped = text_of("name = \"hierarchical\"\ngroups = 2", "0.5 epochs") +
                              "[between]\nname = \"choco\"\ngamma = \"0.4 -> 0.1 over 0.5 epochs\"\n";
  const JobSetup groups = set_up(parse_job_text(grouped, "job.toml"));
  EXPECT_EQ(groups.strategy_setting.between_options.schedule("gamma")->steps(), steps);
}

TEST(Wiring, GammaIsTunedForTheShortestMessagesOfTheRun) {
  const TemporaryFolder root;
  testing::write_tiny_data(root.path("data"));
  const auto gamma_with = [&](const std::string& ratio) {
    const std::string text =
        testing::tiny_job_text(root, "tuned", "name = \"choco\"\ngamma = \"auto\"") +
        "progress = \"off\"\n[topology]\ngraph = \"ring\"\n[compression]\noperator = " + "\"top_k\"\nratio = " + ratio +
        "\n";
    return set_up(parse_job_text(text, "job.toml")).strategy_options.number("gamma");
  };
  const double of_shortest = gamma_with("0.05");
  EXPECT_LT(of_shortest, gamma_with("0.5"));
  EXPECT_EQ(gamma_with("\"0.5 -> 0.05 over 3 steps\""), of_shortest);
  EXPECT_EQ(gamma_with("\"0.05 -> 0.5 over 1 epoch\""), of_shortest);
}

TEST(Wiring, AStoredModelBringsItsBuffers) {
  const TemporaryFolder root;
  testing::write_text(root.path("job.toml"), resnet_job(root));
  std::ostringstream out;
  std::ostringstream err;
  Console console{.out = out, .err = err, .interrupted = {}};
  ASSERT_EQ(run_command(console, {.job_file = root.path("job.toml"), .overrides = {}, .dry_run = false}),
            ExitCode::kDone)
      << err.str();
  const auto number_behind = [](const std::string& text, const std::string& mark) {
    const std::size_t at = text.find(mark);
    return at == std::string::npos ? -1.0 : std::stod(text.substr(at + mark.size()));
  };
  ASSERT_EQ(evaluate_command(console,
                             {.files = {root.path("run/model.safetensors"), root.path("job.toml")}, .overrides = {}}),
            ExitCode::kDone)
      << err.str();
  const Job job = load_job(root.path("job.toml"));
  const RunResult again = run_job(job, set_up(job));
  // The loss as `evaluate` prints it, four digits.
  EXPECT_NEAR(number_behind(out.str(), " 40"), again.measurements.back().test.loss,
              2e-3 * again.measurements.back().test.loss)
      << out.str();
}

}  // namespace
}  // namespace laconic
