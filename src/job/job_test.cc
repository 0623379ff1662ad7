#include "job/job.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "job/job_test.h"

namespace laconic {
namespace {

TEST(Job, HasWhatTheFileSaysAndDefaultsElsewhere) {
  const Job job = parse(joined(kGood));
  EXPECT_EQ(job.name, "job") << "the file's name";
  EXPECT_EQ(job.output_dir, "runs/job");
  EXPECT_EQ(job.seed, 1u);
  EXPECT_TRUE(job.length.in_epochs);
  EXPECT_EQ(job.length.numerator, 2u);
  EXPECT_EQ(job.dataset->name, "fashion_mnist");
  EXPECT_EQ(job.model->name, "lenet5");
  EXPECT_EQ(job.optimizer->name, "adam");
  EXPECT_EQ(job.strategy->name, "fda");
  EXPECT_EQ(job.workers, 8u);
  EXPECT_EQ(job.step_cost, std::vector<Seconds>(8, Seconds{0.010}));
  EXPECT_EQ(job.section("strategy").number("threshold"), 2.5);
  EXPECT_EQ(job.section("strategy").text("monitor"), "linear");
  EXPECT_FALSE(job.until);
}

TEST(Job, TakesDurationsOfEachWorkerAsTextOrArray) {
  const std::vector<Seconds> costs = {{0.010}, {0.020}};
  EXPECT_EQ(parse(with_line(10, "count = 2\ncompute = \"10 ms, 20 ms\"")).step_cost, costs);
  EXPECT_EQ(parse(with_line(10, "count = 2\ncompute = [\"10 ms\", \"20 ms\"]")).step_cost, costs);
}

TEST(Job, ADataSetBringsKeysOfItsOwn) {
  const std::string text = with_line(4, "dataset = \"cifar10\"\naugment = true");
  EXPECT_TRUE(parse(text).section("data").flag("augment"));
  EXPECT_TRUE(parse(text).section("data").flag("normalise"));
  // Another data set puts them aside.
  EXPECT_EQ(parse(text, {"data.dataset=mnist"}).dataset->name, "mnist");
  EXPECT_EQ(
      refusal(with_line(4, "dataset = \"mnist\"\naugment = true")),
      "job.toml:5: 'data.augment' is an option of idx, cifar10, image_folder, numpy, but data.dataset is 'mnist'; "
      "remove it, or change the dataset");
}

TEST(Job, ModelAndDataSetFitEachOther) {
  EXPECT_EQ(
      refusal(with_line(6, "name = \"lstm\"")),
      "job.toml:6: model.name: lstm learns text, but data.dataset is 'fashion_mnist', images; take another model");
  EXPECT_EQ(refusal(with_line(4, "dataset = \"wikitext2\"")),
            "job.toml:6: model.name: lenet5 learns images, but data.dataset is 'wikitext2', text; take lstm");
  const Job job =
      parse(with_line(6, "name = \"lstm\"\nlayers = 2"), {"data.dataset=wikitext2", "data.vocabulary=5000"});
  EXPECT_EQ(job.section("data").text("tokens"), "words");
  // wikitext2 has a validation split without data.validation.
  EXPECT_NO_THROW(parse(with_line(6, "name = \"lstm\""), {"data.dataset=wikitext2", "job.until=validation_loss <= 5"}));
}

TEST(Job, WithAModelInAFileNeedsNoNameForIt) {
  const std::string text = with_line(6, "file = \"net.pt\"");
  EXPECT_EQ(parse(text).model->name, "torchscript");
  EXPECT_EQ(parse(text).identity(), parse(with_line(6, "name = \"torchscript\"\nfile = \"net.pt\"")).identity());
  EXPECT_EQ(parse(text, {"model.file=other.pt"}).section("model").text("file"), "other.pt");
  EXPECT_EQ(parse(text, {"model.name=lenet5"}).model->name, "lenet5");
  EXPECT_EQ(parse(text, {"data.dataset=wikitext2"}).model->name, "torchscript");
  EXPECT_EQ(
      refusal(joined(kGood), {"model.file=net.pt"}),
      "--set: 'model.file' is an option of torchscript, but model.name is 'lenet5'; remove it, or change the name");
}

TEST(Job, TakesAScheduleOfTheLearningRate) {
  const std::string array = "name = \"sgd\"\nschedule = \"milestones\"\nmilestones = [\"1 epoch\", \"1.5 epochs\"]";
  const Job job = parse(with_line(8, array + "\nwarmup = \"10 steps\""));
  EXPECT_EQ(job.section("optimizer").text("milestones"), "1 epoch, 1.5 epochs");
  EXPECT_EQ(parse(job.resolved_text()).identity(), job.identity());
  // Another schedule puts aside what has no meaning with it.
  EXPECT_EQ(parse(with_line(8, array), {"optimizer.schedule=cosine"}).section("optimizer").text("schedule"), "cosine");
  EXPECT_EQ(refusal(with_line(8, "name = \"sgd\"\nschedule = \"milestones\"")),
            "optimizer.milestones: the schedule \"milestones\" needs some, such as [\"150 epochs\", \"225 epochs\"]");
  EXPECT_EQ(refusal(with_line(8, "name = \"sgd\"\nwarmup = \"5 epoch s\"")),
            "job.toml:9: optimizer.warmup: '5 epoch s' is not a number of epochs or steps, such as \"1 epoch\" or "
            "\"100 steps\"");
}

struct BadInput {
  std::size_t line;
  std::string text;
  std::string refusal;
};

TEST(Job, RefusesBadInputWithOneLineThatNamesPlaceKeyAndRemedy) {
  const std::vector<BadInput> cases = {
      {11, "[stategy]", "job.toml:11: unknown section [stategy]; did you mean [strategy]?"},
      {14, "[zebra]",
       "job.toml:14: unknown section [zebra]; known are: [job], [data], [drift], [model], [optimizer], [workers], "
       "[strategy], "
       "[between], [topology], [compression], [network], [energy], [evaluation], [checkpoint], [output]"},
      {13, "treshold = 2.5", "job.toml:13: unknown key 'strategy.treshold'; did you mean 'threshold'?"},
      {15, "latncy = \"10 ms\"", "job.toml:15: unknown key 'network.latncy'; did you mean 'latency'?"},
      {2, "epochs = 2\nbatch = 32",
       "job.toml:3: unknown key 'job.batch'; it belongs to [data]: write [data] batch = 32"},
      {13, "period = 4",
       "job.toml:13: 'strategy.period' is an option of periodic, fedavg, fedopt, relay, but strategy.name is 'fda'; "
       "remove "
       "it, or "
       "change the name"},
      {12, "name = \"fdaa\"",
       "job.toml:12: strategy.name: 'fdaa' is not one of: fda, fda_opt, dma, synchronous, periodic, fedavg, fedopt, "
       "all_reduce, "
       "d_psgd, "
       "qg_dsgdm, power_gossip, choco, dcd_psgd, ecd_psgd, deep_squeeze, sgp, sparse_push, scsp, quantized_push_sum, "
       "relay, hierarchical, local, "
       "serial; did you mean 'fda'?"},
      {12, "",
       "job.toml:11: 'strategy.name' is missing (a row of `laconic list strategies`); write [strategy] name = "
       "\"fda\""},
      {13, "threshold = -1",
       "job.toml:13: strategy.threshold: '-1' is not a number of at least 0 or 'budget', such as threshold = 2.5"},
      {13, "threshold = \"2.5\"", "job.toml:13: strategy.threshold: a number takes no quotes; write threshold = 2.5"},
      {13, "threshold = nan",
       "job.toml:13: strategy.threshold: 'nan' is not a number of at least 0 or 'budget', such as threshold = 2.5"},
      {10, "count = \"eight\"", "job.toml:10: workers.count: takes a whole number, not text, such as count = 8"},
      {10, "count = 0", "job.toml:10: workers.count: '0' is not a whole number from 1 to 100000, such as count = 8"},
      {2, "steps = -1",
       "job.toml:2: job.steps: '-1' is not a whole number from 0 to 1000000000000, such as steps = 1000"},
      {10, "count = 2.5",
       "job.toml:10: workers.count: '2.5' is not a whole number from 1 to 100000, such as count = 8"},
      {10, "", "job.toml:9: 'workers.count' is missing (number of workers); write [workers] count = 8"},
      {10, "count = 8\ncompute = [\"1 ms\", \"2 ms\"]",
       "job.toml:11: workers.compute: a list of 2 durations for 8 workers; give one for all, or one for each"},
      {10, "count = 8\ncompute = \"10 ticks\"",
       "job.toml:11: workers.compute: '10 ticks' is not a number with one of the units us, ms, s, min, h, d, such as "
       "\"20 "
       "ms\""},
      {15, "latency = 10",
       "job.toml:15: network.latency: needs a unit, in quotes; write latency = \"10 ms\", or another unit"},
      {15, "latency = \"10\"",
       "job.toml:15: network.latency: '10' has no unit; write one of us, ms, s, min, h, d, such as \"10 ms\""},
      {15, "up = \"100 Mb\"",
       "job.toml:15: network.up: '100 Mb' is not a number with one of the units bit/s, kbit/s, Mbit/s, Gbit/s, kB/s, "
       "MB/s, GB/s, such as \"100 Mbit/s\""},
      {15, "channel = \"1 Mbit/s\"",
       "job.toml:15: network.channel: has no meaning with network.model = \"interfaces\"; remove it, or choose model "
       "\"shared\""},
      {15, "model = \"shared\"\nup = \"1 Mbit/s\"",
       "job.toml:16: network.up: has no meaning with network.model = \"shared\"; remove it, or choose model "
       "\"interfaces\""},
      {15, "deadline = \"0 s\"", "job.toml:15: network.deadline: nobody can answer within 0 s; give some minutes"},
      {15, "loss = 1", "job.toml:15: network.loss: '1' is not a number from 0 to 0.99, such as loss = 0.01"},
      {15, "duplication = -0.1",
       "job.toml:15: network.duplication: '-0.1' is not a number from 0 to 0.99, such as duplication = 0.01"},
      {15, "loss = 0.2",
       "job.toml:15: network.loss: strategy fda needs each frame once; remove it, or choose one of sgp, sparse_push, "
       "scsp, local, serial"},
      {15, "duplication = 0.1",
       "job.toml:15: network.duplication: strategy fda needs each frame once; remove it, or choose one of sgp, "
       "sparse_push, scsp, local, "
       "serial"},
      {2, "epochs = 2\nsteps = 100", "job.toml:2: job.epochs: job.steps is given too; keep one of the two"},
      {2, "", "job.toml: neither job.steps nor job.epochs is given; write [job] epochs = 1, or how long to train"},
      {2, "steps = 0", "job.toml:2: job.steps: not above 0; a run has at least one step"},
      {2, "epochs = 0", "job.toml:2: job.epochs: not above 0; a run has at least one step"},
      {2, "epochs = 1\nname = \"a/b\"",
       "job.toml:3: job.name: 'a/b' cannot name a folder; use letters, digits, '.', '_' and '-', not '.' first"},
      {2, "epochs = 1\nname = 5", "job.toml:3: job.name: takes text in quotes, not a number; write name = \"5\""},
      {2, "epochs = 1\nuntil = \"accuracy >= 98\"",
       "job.toml:3: job.until: 'accuracy >= 98': an accuracy is a fraction from 0 to 1, such as 0.98, or a "
       "percentage: 98%"},
      {2, "epochs = 1\nuntil = \"validation_loss < 1\"",
       "job.toml:3: job.until: no data are held out; set data.validation, such as 0.1"},
      {17, "every = \"often\"",
       "job.toml:17: evaluation.every: 'often' is not a number of epochs or steps, such as \"1 epoch\" or \"100 "
       "steps\""},
      {17, "every = \"1.5 steps\"",
       "job.toml:17: evaluation.every: '1.5 steps' is not a number of epochs or steps, such as \"1 epoch\" or \"100 "
       "steps\""},
      {8, "name = \"sgd\"\nnesterov = true",
       "job.toml:9: optimizer.nesterov: Nesterov's form needs a momentum above 0; set optimizer.momentum"},
      {8, "name = \"sgd\"\nnesterov = 1",
       "job.toml:9: optimizer.nesterov: takes true or false, not a number; write nesterov = true"},
      {12, "name = \"serial\"\n[output]",
       "job.toml:14: unknown key 'output.threshold'; it belongs to [strategy]: write [strategy] threshold = 2.5"},
      {1, "steps = 1\n[job]", "job.toml:1: 'steps' is outside any section; put it under [job]"},
  };
  for (const BadInput& bad : cases) {
    const std::string line = refusal(with_line(bad.line, bad.text));
    EXPECT_EQ(line, bad.refusal);
    EXPECT_EQ(line.find('\n'), std::string::npos);
  }
}

TEST(Job, TakesAThresholdOrABudgetAndNotBoth) {
  std::vector<std::string> lines = kGood;
  lines[12] = "";
  EXPECT_EQ(refusal(joined(lines)).find("'strategy.threshold' is missing: Theta: "), 0U);
  lines[12] = "budget = \"20 MB/1000 steps\"";
  EXPECT_EQ(refusal(joined(lines)), "accepted");
  EXPECT_EQ(refusal(joined(kGood), {"strategy.budget=1 MB/min"}),
            "--set: strategy.budget: there is a threshold too; remove one of them");
  lines[12] = "budget = \"20 MB\"";
  EXPECT_EQ(refusal(joined(lines)).find("job.toml:13: strategy.budget: '20 MB' is no budget: give bytes for"), 0U);
}

TEST(Job, RefusesSerialWithMoreThanOneWorker) {
  std::vector<std::string> lines = kGood;
  lines[11] = "name = \"serial\"";
  lines[12] = "";
  EXPECT_EQ(refusal(joined(lines)),
            "job.toml:10: workers.count: strategy serial is for one worker, not 8; set workers.count = 1");
}

std::vector<std::string> gossip_job() {
  std::vector<std::string> lines = kGood;
  lines[11] = "name = \"choco\"";
  lines[12] = "gamma = 0.4";
  for (const char* line : {"[topology]", "graph = \"ring\"", "[compression]", "operator = \"top_k\"", "ratio = 0.05"})
    lines.emplace_back(line);
  return lines;
}

TEST(Job, OnAGraphHasATopologyAndACompression) {
  const Job job = parse_job_text(joined(gossip_job()), "job.toml");
  EXPECT_EQ(job.section("topology").text("graph"), "ring");
  EXPECT_EQ(job.section("topology").text("weights"), "metropolis");
  EXPECT_EQ(job.section("compression").number("ratio"), 0.05);
  EXPECT_EQ(job.section("compression").text("values"), "float32");
  const Job again = parse_job_text(job.resolved_text(), "again.toml");
  EXPECT_EQ(again.identity(), job.identity());
}

TEST(Job, TakesAWordInThePlaceOfANumberWhereTheTableHasOne) {
  std::vector<std::string> lines = gossip_job();
  lines[12] = "gamma = \"auto\"";
  const Job job = parse_job_text(joined(lines), "job.toml");
  EXPECT_TRUE(job.section("strategy").is_word("gamma"));
  EXPECT_NE(job.resolved_text().find("gamma = \"auto\"\n"), std::string::npos);
  EXPECT_EQ(parse_job_text(job.resolved_text(), "again.toml").identity(), job.identity());
  lines[12] = "gamma = \"fast\"";
  EXPECT_EQ(
      refusal(joined(lines)),
      "job.toml:13: strategy.gamma: 'fast' is not a number from 0 to 1 or 'auto' or one that changes (\"0.2 -> 0.01 "
      "over 2 epochs\"), such as gamma = 0.4");
}

TEST(Job, WithAStrategyThatBringsItsMomentumNeedsThePlainGradientStep) {
  std::vector<std::string> lines = kGood;
  lines[11] = "name = \"qg_dsgdm\"";
  lines[12] = "momentum = 0.9\n[topology]\ngraph = \"ring\"";
  const std::string reason = "strategy qg_dsgdm brings its own momentum to the plain gradient step; ";
  EXPECT_EQ(refusal(joined(lines)),
            "job.toml:8: optimizer.name: " + reason + "set optimizer.name = \"sgd\" and optimizer.momentum = 0");
  lines[7] = "name = \"sgd\"\nmomentum = 0.5";
  EXPECT_EQ(refusal(joined(lines)), "job.toml:9: optimizer.momentum: " + reason + "set optimizer.momentum = 0");
  lines[7] = "name = \"sgd\"\nweight_decay = 0.01";
  const Job job = parse(joined(lines));
  EXPECT_EQ(job.section("strategy").number("momentum"), 0.9);
  EXPECT_FALSE(job.section("strategy").flag("nesterov"));
}

TEST(Job, RefusesSectionsThatItsStrategyHasNoUseFor) {
  const auto error_of = [](const std::vector<std::string>& lines) -> std::string {
    try {
      parse_job_text(joined(lines), "job.toml");
    } catch (const UsageError& error) {
      return error.what();
    }
    return {};
  };
  std::vector<std::string> lines = gossip_job();
  lines[11] = "name = \"synchronous\"";
  lines[12] = "";
  EXPECT_NE(error_of(lines).find("[topology] means nothing to strategy synchronous"), std::string::npos);
  lines = gossip_job();
  lines[11] = "name = \"d_psgd\"";
  lines[12] = "";
  EXPECT_NE(error_of(lines).find("[compression] means nothing to strategy d_psgd"), std::string::npos);
  lines = gossip_job();
  lines.resize(lines.size() - 3);
  EXPECT_NE(error_of(lines).find("'compression.operator' is missing"), std::string::npos);
  lines = gossip_job();
  lines.emplace_back("levels = 3");
  EXPECT_NE(error_of(lines), "");
}

std::vector<std::string> hierarchical_job() {
  std::vector<std::string> lines = gossip_job();
  lines[11] = "name = \"hierarchical\"";
  lines[12] = "groups = 4";
  for (const char* line : {"[between]", "name = \"choco\"", "gamma = 0.4"}) lines.emplace_back(line);
  return lines;
}

TEST(Job, WithGroupsHasWhatRunsBetweenThemAndTheSectionsOfThat) {
  const Job job = parse(joined(hierarchical_job()));
  EXPECT_EQ(job.strategy->name, "hierarchical");
  EXPECT_EQ(job.groups, 4U);
  ASSERT_NE(job.between, nullptr);
  EXPECT_EQ(job.between->name, "choco");
  EXPECT_EQ(job.section("between").number("gamma"), 0.4);
  EXPECT_EQ(job.section("between").text("order"), "overlap");
  EXPECT_EQ(job.section("topology").text("graph"), "ring");
  EXPECT_EQ(job.section("compression").text("operator"), "top_k");
  const Job again = parse_job_text(job.resolved_text(), "again.toml");
  EXPECT_EQ(again.identity(), job.identity());
  EXPECT_NE(parse(joined(hierarchical_job()), {"between.gamma=0.3"}).identity(), job.identity());
  EXPECT_EQ(parse(joined(kGood)).between, nullptr);
}

TEST(Job, TakesANetworkWithFaultsWhereTheStrategyGoesOnWithThem) {
  const std::vector<std::string> faults = {"network.loss=0.2", "network.duplication=0.1"};
  const Job job = parse(with_line(13, ""), {"strategy.name=local", faults[0], faults[1]});
  EXPECT_EQ(job.section("network").number("loss"), 0.2);
  EXPECT_EQ(job.section("network").number("duplication"), 0.1);
  EXPECT_EQ(refusal(joined(hierarchical_job()), faults),
            "--set: network.loss: strategy hierarchical needs each frame once; remove it, or choose one of sgp, "
            "sparse_push, scsp, local, "
            "serial");
}

TEST(Job, WithGroupsRefusesBadInputWithOneLineThatSaysWhatToDo) {
  const auto without = [](std::size_t first, std::size_t count) {
    std::vector<std::string> lines = hierarchical_job();
    for (std::size_t i = first; i < first + count; ++i) lines.at(i) = "";
    return joined(lines);
  };
  const std::string good = joined(hierarchical_job());
  EXPECT_EQ(refusal(good, {"strategy.groups=3"}),
            "--set: strategy.groups: 8 workers do not make 3 equal groups; give a divisor, such as 2 or 4");
  EXPECT_EQ(refusal(good, {"strategy.groups=1"}),
            "--set: strategy.groups: '1' is not a whole number from 2 to 100000, such as strategy.groups=4");
  EXPECT_EQ(refusal(without(12, 1)).find("job.toml:11: 'strategy.groups' is missing (number of groups of "), 0U);
  // [between] missing, with no gossip, with groups of its own, where nobody has groups.
  EXPECT_EQ(
      refusal(without(22, 3)),
      "job.toml: 'between.name' is missing (a gossip strategy on an undirected graph, whose nodes are the groups); "
      "write [between] name = \"choco\"");
  for (const std::string name : {"fda", "hierarchical"}) {
    EXPECT_EQ(refusal(good, {"between.name=" + name}),
              "--set: between.name: '" + name +
                  "' is not one of: d_psgd, qg_dsgdm, power_gossip, choco, dcd_psgd, ecd_psgd, "
                  "deep_squeeze");
  }
  EXPECT_EQ(refusal(joined(kGood) + "[between]\nname = \"choco\"\n"),
            "job.toml:18: [between] means nothing to strategy fda; remove it, or choose one of hierarchical");
  EXPECT_EQ(refusal(without(19, 3), {"between.name=qg_dsgdm"})
                .find("job.toml:8: optimizer.name: strategy qg_dsgdm "
                      "brings its own momentum to the plain gradient step; "),
            0U);
  // Its options stand under it.
  EXPECT_EQ(refusal(good, {"strategy.gamma=0.5"}),
            "--set: 'strategy.gamma' is an option of what runs between the groups of hierarchical; put it under "
            "[between]");
  EXPECT_EQ(refusal(good, {"between.groups=4"}),
            "--set: unknown key 'between.groups'; it belongs to [strategy]: write strategy.groups=4");
  // [compression] as it needs one.
  EXPECT_EQ(refusal(without(19, 3)).find("job.toml: 'compression.operator' is missing"), 0U);
  EXPECT_EQ(refusal(good, {"between.name=d_psgd"}),
            "job.toml:20: [compression] means nothing to strategy hierarchical with d_psgd between the groups; remove "
            "it, or choose one of fda, fda_opt, dma, synchronous, periodic, fedavg, fedopt, choco, dcd_psgd, ecd_psgd, "
            "deep_squeeze, sparse_push, scsp, quantized_push_sum, relay");
  EXPECT_EQ(refusal(without(17, 2)).find("job.toml: 'topology.graph' is missing"), 0U);
}

TEST(Job, OverDirectedLinksRefusesBadInputWithOneLineThatSaysWhatToDo) {
  const std::string job =
      "[job]\nname = \"x\"\nsteps = 10\n[data]\ndataset = \"fashion_mnist\"\n[model]\nname = \"lenet5\"\n[optimizer]\n"
      "name = \"sgd\"\nlearning_rate = 0.1\n[workers]\ncount = 8\n[strategy]\nname = \"sgp\"\n";
  EXPECT_EQ(refusal(job), "accepted") << "the graph has a default";
  EXPECT_EQ(refusal(job, {"topology.graph=one_peer", "topology.up=0.9"}), "accepted");
  EXPECT_EQ(
      refusal(job, {"topology.weights=uniform"}),
      "--set: topology.weights: over directed links each sender divides evenly, unless the topology has weights of "
      "its own; remove it");
  EXPECT_EQ(refusal(job, {"topology.up=0"}),
            "--set: topology.up: with 0 no link is ever there; give a probability above 0");
  EXPECT_EQ(
      refusal(job, {"network.loss=0.1"}),
      "--set: network.loss: strategy sgp needs each frame once, except with strategy.order = \"asynchronous\"; set "
      "that, or remove network.loss");
  EXPECT_EQ(refusal(job, {"network.loss=0.1", "strategy.order=asynchronous"}), "accepted");
  EXPECT_EQ(refusal(job, {"network.collective=ring"}),
            "--set: network.collective: strategy sgp uses no collective as it is set here; remove it");
  EXPECT_EQ(
      refusal(job, {"strategy.name=choco", "topology.graph=ring", "compression.operator=sign", "topology.up=0.5"}),
      "--set: topology.up: links may fail only for strategies over directed links, such as sgp; remove it");
  const std::vector<std::string> merged = {"strategy.name=scsp", "compression.operator=sign"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), merged.begin(), merged.end());
    return refusal(job, more);
  };
  EXPECT_EQ(with({"job.until=loss <= 0.1"}),
            "--set: job.until: strategy scsp merges the models at the end of its steps, which a run that ends "
            "earlier never reaches; remove it, or merge earlier, as with strategy.every = 7");
  EXPECT_EQ(
      refusal(job, {"job.patience=3", "strategy.finish=average"}),
      "--set: job.patience: strategy sgp merges the models at the end of its steps, which a run that ends earlier "
      "never reaches; remove it, or strategy.finish");
  EXPECT_EQ(with({"job.until=loss <= 0.1", "strategy.every=5"}), "accepted");
  EXPECT_EQ(with({"job.patience=3"}).find("--set: job.patience: strategy scsp merges the models at the end"), 0U);
  EXPECT_EQ(with({"job.patience=3", "strategy.every=5"}), "accepted");
}

TEST(Job, OverDirectedLinksThatNamesNoneHasBaseGraphs) {
  const Job job = parse_job_text(
      "[job]\nname = \"x\"\nsteps = 10\n[data]\ndataset = \"fashion_mnist\"\n[model]\nname = \"lenet5\"\n[optimizer]\n"
      "name = \"sgd\"\nlearning_rate = 0.1\n[workers]\ncount = 8\n[strategy]\nname = \"sgp\"\n",
      "job.toml");
  EXPECT_EQ(job.section("topology").text("graph"), "base:1");
  EXPECT_NE(job.resolved_text().find("graph = \"base:1\""), std::string::npos);
}

TEST(Job, RefusesAFileThatIsNotThere) {
  EXPECT_THROW(load_job("no/such/job.toml"), UsageError);
  EXPECT_THROW(load_job("src"), UsageError) << "a folder";
}

}  // namespace
}  // namespace laconic
