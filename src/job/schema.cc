#include "job/schema.h"

#include <cmath>
#include <iomanip>
#include <sstream>
#include <string>

#include "protocol/strategy.h"
#include "strategies/registry.h"
#include "training/data/dataset.h"
#include "training/data/drift.h"
#include "training/models/models.h"
#include "training/optimizers/optimizers.h"

namespace laconic {
namespace {

template <typename Rows>
std::vector<std::string_view> names_of(const Rows& rows) {
  std::vector<std::string_view> names;
  for (const auto& row : rows) names.push_back(row.name);
  return names;
}

// The key `name` of a section, and what each name adds.
template <typename Rows>
SchemaSection named_section(std::string_view name, std::string_view help, std::string_view help_of_name,
                            const Rows& rows) {
  SchemaSection section{.name = name, .help = help, .options = {}, .variants = {}};
  section.options.push_back(
      {.name = "name", .type = OptionType::kChoice, .required = true, .choices = names_of(rows), .help = help_of_name});
  for (const auto& row : rows) section.variants.push_back({row.name, row.summary, row.options});
  return section;
}

// Gives `section` the strategies for which `takes` holds, by their names.
SchemaSection with_strategies(SchemaSection section, bool (*takes)(const StrategyRow&, const Demands&),
                              std::string_view help) {
  std::vector<std::string_view> names;
  for (const StrategyRow* row : strategies()) {
    if (!takes(*row, default_demands(*row))) continue;
    names.push_back(row->name);
    section.variants.push_back({row->name, row->help, row->options});
  }
  section.options.push_back(
      {.name = "name", .type = OptionType::kChoice, .required = true, .choices = names, .help = help});
  return section;
}

SchemaSection strategy_section() {
  return with_strategies(
      {.name = "strategy", .help = "the strategy: how workers agree on a model", .options = {}, .variants = {}},
      [](const StrategyRow&, const Demands&) { return true; }, "a row of `laconic list strategies`");
}

SchemaSection between_section() {
  return with_strategies(
      {.name = "between",
       .help = "the strategy between the groups of hierarchical",
       .options = {},
       .variants = {},
       .used_by = [](const StrategyRow& row, const Demands&) { return row.groups != nullptr; }},
      [](const StrategyRow& row, const Demands& demands) {
        return demands.talks == Talks::kGraph && row.groups == nullptr;
      },
      "a gossip strategy on an undirected graph, whose nodes are the groups");
}

SchemaSection topology_section() {
  SchemaSection section{.name = "topology",
                        .help = "the graph: which workers exchange messages",
                        .options = {},
                        .variants = {},
                        .used_by = [](const StrategyRow&, const Demands& demands) { return demands.gossips(); }};
  section.options.push_back(
      {.name = "graph",
       .default_value = "",
       .help = "a row of `laconic list topologies`, such as \"ring\" or \"erdos_renyi:0.3\"; required, except for "
               "strategies over directed links, whose default is \"base:1\""});
  section.options.push_back(
      {.name = "weights",
       .type = OptionType::kChoice,
       .default_value = mixing_weights().front().name,
       .choices = names_of(mixing_weights()),
       .help = "mixing weights on an undirected graph: how much a worker takes of each neighbour's model"});
  section.options.push_back(
      {.name = "up",
       .type = OptionType::kNumber,
       .default_value = "1",
       .minimum = 0,
       .maximum = 1,
       .help = "over directed links: probability that a link, or both directions of an edge, works in a round"});
  return section;
}

SchemaSection compression_section() {
  SchemaSection section{
      .name = "compression",
      .help = "the compression operator of messages",
      .options = {},
      .variants = {},
      .variant_key = "operator",
      .used_by = [](const StrategyRow&, const Demands& demands) { return demands.compression != Compression::kNever; },
      .optional_for = [](const Demands& demands) { return demands.compression == Compression::kOptional; }};
  std::vector<std::string_view> names;
  for (const CompressorRow* row : compressors()) {
    names.push_back(row->name);
    section.variants.push_back({row->name, row->help, row->options});
  }
  section.options.push_back({.name = "operator",
                             .type = OptionType::kChoice,
                             .required = true,
                             .choices = names,
                             .help = "a row of `laconic list compressors`"});
  return section;
}

std::vector<OptionSpec> job_options() {
  return {
      {.name = "name", .default_value = "", .help = "name of the results' folder; by default the job file's name"},
      {.name = "seed",
       .type = OptionType::kInteger,
       .default_value = "1",
       .minimum = 0,
       .help = "seed of everything random: first model, data, order of samples, strategy"},
      {.name = "steps",
       .type = OptionType::kInteger,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1e12,
       .help = "local steps of each worker; give steps or epochs"},
      {.name = "epochs",
       .type = OptionType::kNumber,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1e6,
       .help = "passes over the training data; an epoch is (training samples) / (batch * workers) steps, fractions "
               "carried over"},
      {.name = "until",
       .default_value = "",
       .help = "ends the run at the first measurement where this holds: accuracy, loss, validation_accuracy, "
               "validation_loss, bytes, time, step, or for regression r2, mae, validation_r2, validation_mae; then >=, "
               ">, <= or <; then a value"},
      {.name = "patience",
       .type = OptionType::kInteger,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1e9,
       .help = "early stopping: ends the run after this many measurements in a row without a new best one "
               "(evaluation.best); 0: never"},
  };
}

std::vector<OptionSpec> data_options() {
  return {
      {.name = "dataset",
       .type = OptionType::kChoice,
       .required = true,
       .choices = names_of(datasets()),
       .help = "a row of `laconic list datasets`"},
      {.name = "dir",
       .default_value = "",
       .help =
           "folder of the data set's files, relative to the job file; by default that of its Debian package; {rank} "
           "in it becomes each worker's rank, so that each has its own data and there is no partition"},
      {.name = "partition",
       .default_value = "iid",
       .help = "how samples are divided among workers: a row of `laconic list partitions`, such as \"dirichlet:0.3\""},
      {.name = "batch",
       .type = OptionType::kInteger,
       .default_value = "32",
       .minimum = 1,
       .maximum = 1e6,
       .help = "batch size of each worker"},
      {.name = "sampling",
       .type = OptionType::kChoice,
       .default_value = "fresh",
       .choices = {"fresh", "epoch"},
       .help = "fresh: each batch is drawn at random from the worker's samples; epoch: shuffled passes over them"},
      {.name = "validation",
       .type = OptionType::kNumber,
       .default_value = "0",
       .minimum = 0,
       .maximum = 0.9,
       .help = "fraction of the training data held out for validation; choose settings on it, not on the test set"},
  };
}

SchemaSection data_section() {
  SchemaSection section{.name = "data",
                        .help = "training data, and which worker has which",
                        .options = data_options(),
                        .variants = {},
                        .variant_key = "dataset"};
  for (const DatasetRow& row : datasets()) section.variants.push_back({row.name, row.summary, row.options});
  return section;
}

std::vector<OptionSpec> workers_options() {
  return {
      {.name = "count",
       .type = OptionType::kInteger,
       .required = true,
       .minimum = 1,
       .maximum = 100000,
       .help = "number of workers"},
      {.name = "compute",
       .default_value = "10 ms",
       .help = "simulated time of a local step; one duration for all, or a list with one per worker"},
      {.name = "threads",
       .type = OptionType::kInteger,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1024,
       .help = "compute threads; 0: one per core; no result depends on it"},
      {.name = "least",
       .type = OptionType::kInteger,
       .default_value = "0",
       .minimum = 0,
       .maximum = 100000,
       .help = "how many workers must be present for the run to go on; 0: all. Below workers.count it needs a strategy "
               "whose workers may be absent. In the simulator nobody is ever absent, so there this key and the four "
               "after it "
               "change nothing"},
      {.name = "patience",
       .type = OptionType::kDuration,
       .default_value = "0 s",
       .help = "how long a run waits while fewer than workers.least are present, before it fails; 0 s: as long as "
               "network.deadline"},
      {.name = "returning",
       .type = OptionType::kChoice,
       .default_value = "drop",
       .choices = {"drop", "keep"},
       .help = "what a worker that was absent does with its own changes since the last common model: drop them, or "
               "keep them on top of the present common model (dma: keep its whole model)"},
      {.name = "alone",
       .type = OptionType::kChoice,
       .default_value = "wait",
       .choices = {"wait", "train"},
       .help = "what a worker does that is cut off: wait, or take local steps, which count where returning = \"keep\""},
      {.name = "alone_steps",
       .type = OptionType::kInteger,
       .default_value = "1000",
       .minimum = 1,
       .maximum = 1e15,
       .only_with = {"alone", "train"},
       .help = "how many local steps a worker takes at most each time that it is cut off"},
  };
}

std::vector<OptionSpec> network_options() {
  return {
      {.name = "model",
       .type = OptionType::kChoice,
       .default_value = "interfaces",
       .choices = {"interfaces", "shared"},
       .help = "interfaces: every node has its own network interface; shared: all share one channel"},
      {.name = "up",
       .type = OptionType::kRate,
       .default_value = "100 Mbit/s",
       .only_with = {"model", "interfaces"},
       .help = "rate at which a worker sends"},
      {.name = "down",
       .type = OptionType::kRate,
       .default_value = "100 Mbit/s",
       .only_with = {"model", "interfaces"},
       .help = "rate at which a worker receives"},
      {.name = "coordinator_up",
       .type = OptionType::kRate,
       .default_value = "1 Gbit/s",
       .only_with = {"model", "interfaces"},
       .help = "rate at which the coordinator sends"},
      {.name = "coordinator_down",
       .type = OptionType::kRate,
       .default_value = "1 Gbit/s",
       .only_with = {"model", "interfaces"},
       .help = "rate at which the coordinator receives"},
      {.name = "channel",
       .type = OptionType::kRate,
       .default_value = "100 Mbit/s",
       .only_with = {"model", "shared"},
       .help = "rate of the channel"},
      {.name = "latency",
       .type = OptionType::kDuration,
       .default_value = "10 ms",
       .help = "time from sending a frame's last bit to receiving its first"},
      {.name = "loss",
       .type = OptionType::kNumber,
       .default_value = "0",
       .minimum = 0,
       .maximum = 0.99,
       .help = "probability that a frame is lost"},
      {.name = "duplication",
       .type = OptionType::kNumber,
       .default_value = "0",
       .minimum = 0,
       .maximum = 0.99,
       .help = "probability that a frame arrives a second time, later"},
      {.name = "collective",
       .type = OptionType::kChoice,
       .default_value = "star",
       .choices = {"star", "ring"},
       .help = "star: averages go through a coordinator; ring: between the workers only"},
      {.name = "deadline",
       .type = OptionType::kDuration,
       .default_value = "10 min",
       .help = "how long a node waits for another before the run fails, on the run's clock; the coordinator waits half "
               "as long, so that it can still tell the others"},
  };
}

std::vector<OptionSpec> energy_options() {
  constexpr double kMost = 1e6;
  return {
      {.name = "per_bit",
       .type = OptionType::kNumber,
       .default_value = "0",
       .minimum = 0,
       .maximum = kMost,
       .help = "joules per bit on the wire, both ends together; a radio takes about 1e-7"},
      {.name = "per_step",
       .type = OptionType::kNumber,
       .default_value = "0",
       .minimum = 0,
       .maximum = kMost,
       .help = "joules per local step of a worker"},
  };
}

std::vector<OptionSpec> evaluation_options() {
  return {
      {.name = "every",
       .default_value = "1 epoch",
       .help = "how often the average model is measured, such as \"2 epochs\" or \"100 steps\""},
      {.name = "workers",
       .type = OptionType::kChoice,
       .default_value = "end",
       .choices = {"never", "end", "always"},
       .help = "when the workers' own models are measured too; at the end also on the samples that each trains on"},
      {.name = "sample",
       .type = OptionType::kInteger,
       .default_value = "256",
       .minimum = 0,
       .maximum = 100000,
       .help =
           "in the simulator: the largest number of workers, drawn at random, whose own models are measured; 0: all"},
      {.name = "best",
       .type = OptionType::kChoice,
       .default_value = "accuracy",
       .choices = {"accuracy", "loss"},
       .help = "the best measurement, for model.best and job.patience: highest accuracy (ties: smallest loss) or "
               "smallest loss, on the validation split, or on the test split if nothing is held out"},
      {.name = "average",
       .type = OptionType::kFlag,
       .default_value = "false",
       .help = "over MPI; true: all models are sent to worker 0 and their average is measured, and the bytes count as "
               "evaluation; false: worker 0 measures the model last synchronised. The simulator always measures the "
               "average, at no cost"},
      {.name = "prequential",
       .type = OptionType::kFlag,
       .default_value = "false",
       .help =
           "test each worker's model on every batch before training on it, and add up the losses (test-then-train)"},
  };
}

std::vector<OptionSpec> checkpoint_options() {
  return {
      {.name = "every",
       .default_value = "",
       .help = "how often a checkpoint is made, such as \"1 epoch\" or \"500 steps\"; by default never. `laconic run "
               "--resume` continues from the newest one"},
      {.name = "keep",
       .type = OptionType::kInteger,
       .default_value = "2",
       .minimum = 1,
       .maximum = 1000,
       .help = "how many of the newest checkpoints are kept"},
      {.name = "keep_last",
       .type = OptionType::kFlag,
       .default_value = "false",
       .help = "keep them after the end of the run too: `laconic run --resume` with a larger job.steps or job.epochs "
               "then trains on, as if the run had been longer"},
  };
}

std::vector<OptionSpec> output_options() {
  return {
      {.name = "dir", .default_value = "", .help = "folder of the results; by default runs/<job.name>"},
      {.name = "best",
       .type = OptionType::kFlag,
       .default_value = "true",
       .help = "also store the model of the best measurement (evaluation.best); needs memory for one more model"},
      {.name = "progress",
       .type = OptionType::kChoice,
       .default_value = "auto",
       .choices = {"auto", "live", "plain", "off"},
       .help =
           "live: one line that is updated; plain: one line per measurement; off: only the summary at the end; auto: "
           "live on a terminal, else plain"},
      {.name = "preprocess",
       .type = OptionType::kFlag,
       .default_value = "false",
       .help = "model.pt takes raw samples: a TorchScript module (torch.jit.load) that normalises them as in training, "
               "and returns predicted numbers in the unit of the file"},
  };
}

// A section that a user's own loop does without.
// What every model takes, beside its own options.
SchemaSection model_section() {
  SchemaSection section = named_section("model", "the model", "a row of `laconic list models`", models());
  section.options.push_back({.name = "start",
                             .default_value = "",
                             .help = "a safetensors file from which all workers start, with the model's tensors by "
                                     "name, such as the model.safetensors of a run"});
  section.options.push_back({.name = "local",
                             .default_value = "",
                             .help = "tensors that stay with each worker, never sent and never averaged: a list of "
                                     "names where * matches any characters and ? one, such as \"fc2.*\""});
  return section;
}

SchemaSection for_our_loop(SchemaSection section) {
  section.in_own_loop = false;
  return section;
}

}  // namespace

const std::vector<SchemaSection>& schema() {
  static const std::vector<SchemaSection> sections = {
      {.name = "job", .help = "name, seed and length of the run", .options = job_options(), .variants = {}},
      for_our_loop(data_section()),
      {.name = "drift",
       .help = "how the data change during a run",
       .options = {drift_options().begin(), drift_options().end()},
       .variants = {},
       .in_own_loop = false},
      for_our_loop(model_section()),
      for_our_loop(named_section("optimizer", "the optimizer of each worker", "a row of `laconic list optimizers`",
                                 optimizers())),
      {.name = "workers", .help = "number and speed of the workers", .options = workers_options(), .variants = {}},
      strategy_section(),
      between_section(),
      topology_section(),
      compression_section(),
      {.name = "network",
       .help = "the network between the workers; rates, latency and faults are for the simulator",
       .options = network_options(),
       .variants = {}},
      {.name = "energy",
       .help = "energy of a run in joules",
       .options = energy_options(),
       .variants = {},
       .in_own_loop = false},
      {.name = "evaluation",
       .help = "when the model is measured, and how",
       .options = evaluation_options(),
       .variants = {},
       .in_own_loop = false},
      {.name = "checkpoint",
       .help = "checkpoints, from which a run can be resumed",
       .options = checkpoint_options(),
       .variants = {},
       .in_own_loop = false},
      {.name = "output",
       .help = "results and progress",
       .options = output_options(),
       .variants = {},
       .in_own_loop = false},
  };
  return sections;
}

bool is_list(std::string_view section, std::string_view key) {
  return (section == "workers" && key == "compute") || (section == "model" && (key == "hidden" || key == "local")) ||
         (section == "drift" && key == "at") || (section == "optimizer" && key == "milestones");
}

bool changes_no_result(std::string_view section, std::string_view key) {
  return section == "output" || section == "energy" || (section == "workers" && key == "threads") ||
         (section == "checkpoint" && key == "keep") || (section == "job" && key == "name");
}

bool may_change_on_resume(std::string_view section, std::string_view key) {
  if (section == "job") return key == "steps" || key == "epochs" || key == "until" || key == "patience";
  return section == "checkpoint" && key == "keep_last";
}

bool may_change_with_workers(std::string_view section, std::string_view key) {
  return section == "topology" || (section == "workers" && (key == "count" || key == "compute" || key == "least"));
}

std::string type_text(const OptionSpec& spec) {
  std::ostringstream text;
  switch (spec.type) {
    case OptionType::kInteger:
    case OptionType::kNumber: {
      text << (spec.type == OptionType::kInteger ? "whole number" : "number");
      if (spec.type == OptionType::kInteger) text << std::fixed << std::setprecision(0);
      const bool below = std::isfinite(spec.minimum);
      const bool above = std::isfinite(spec.maximum);
      if (below) text << " from " << spec.minimum;
      if (above) text << (below ? " to " : " up to ") << spec.maximum;
      for (const std::string_view word : spec.choices) text << " | " << word;
      if (spec.scheduled) text << " | A -> B over LENGTH";
      break;
    }
    case OptionType::kText:
      text << "text";
      break;
    case OptionType::kChoice: {
      std::string_view separator;
      for (const std::string_view choice : spec.choices) {
        text << separator << choice;
        separator = " | ";
      }
      break;
    }
    case OptionType::kFlag:
      text << "true | false";
      break;
    case OptionType::kBytes:
      text << "bytes, such as \"10 MB\"";
      break;
    case OptionType::kDuration:
      text << "duration, such as \"20 ms\"";
      break;
    case OptionType::kRate:
      text << "rate, such as \"100 Mbit/s\", or \"unlimited\"";
      break;
  }
  return text.str();
}

}  // namespace laconic
