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
      {.name = "strategy", .help = "how the workers agree on a model", .options = {}, .variants = {}},
      [](const StrategyRow&, const Demands&) { return true; }, "a row of `laconic list strategies`");
}

SchemaSection between_section() {
  return with_strategies(
      {.name = "between",
       .help = "what runs between the groups of a hierarchical strategy",
       .options = {},
       .variants = {},
       .used_by = [](const StrategyRow& row, const Demands&) { return row.groups != nullptr; }},
      [](const StrategyRow& row, const Demands& demands) {
        return demands.talks == Talks::kGraph && row.groups == nullptr;
      },
      "a strategy that gossips on a graph, whose nodes are the groups");
}

SchemaSection topology_section() {
  SchemaSection section{.name = "topology",
                        .help = "who talks with whom",
                        .options = {},
                        .variants = {},
                        .used_by = [](const StrategyRow&, const Demands& demands) { return demands.gossips(); }};
  section.options.push_back(
      {.name = "graph",
       .default_value = "",
       .help = "a row of `laconic list topologies`, such as \"ring\" or \"erdos_renyi:0.3\"; to be given "
               "but for strategies over directed links, which take \"base:1\" else"});
  section.options.push_back({.name = "weights",
                             .type = OptionType::kChoice,
                             .default_value = mixing_weights().front().name,
                             .choices = names_of(mixing_weights()),
                             .help = "how much a worker takes of each neighbour's model, on an undirected graph"});
  section.options.push_back({.name = "up",
                             .type = OptionType::kNumber,
                             .default_value = "1",
                             .minimum = 0,
                             .maximum = 1,
                             .help =
                                 "over directed links: the probability that a link, or both directions of an edge, is "
                                 "there in a round"});
  return section;
}

SchemaSection compression_section() {
  SchemaSection section{
      .name = "compression",
      .help = "what is sent of a vector",
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
      {.name = "name", .default_value = "", .help = "names the results' folder; by default the job file's name"},
      {.name = "seed",
       .type = OptionType::kInteger,
       .default_value = "1",
       .minimum = 0,
       .help = "of everything random: start, data, order, strategy"},
      {.name = "steps",
       .type = OptionType::kInteger,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1e12,
       .help = "local steps of each worker; this or epochs"},
      {.name = "epochs",
       .type = OptionType::kNumber,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1e6,
       .help = "passes over the training data; an epoch is its size / (batch * workers) steps, the fraction carried "
               "over"},
      {.name = "until",
       .default_value = "",
       .help =
           "ends the run at the measurement where it holds: accuracy, loss, validation_accuracy, validation_loss, of "
           "numbers r2, mae, validation_r2 or validation_mae, bytes, time or step, then >=, >, <= or <, then a value"},
      {.name = "patience",
       .type = OptionType::kInteger,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1e9,
       .help = "ends the run after so many measurements in a row that are no better than one before them, by "
               "evaluation.best; 0: never"},
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
           "folder of the data set's files, which starts at the job file's folder; by default where its package has "
           "them; {rank} in it becomes each worker's rank: its own data, without a partition"},
      {.name = "partition",
       .default_value = "iid",
       .help = "which worker has which samples: a row of `laconic list partitions`, such as \"dirichlet:0.3\""},
      {.name = "batch",
       .type = OptionType::kInteger,
       .default_value = "32",
       .minimum = 1,
       .maximum = 1e6,
       .help = "samples of a worker's step"},
      {.name = "sampling",
       .type = OptionType::kChoice,
       .default_value = "fresh",
       .choices = {"fresh", "epoch"},
       .help = "each batch drawn anew from the worker's samples, or passes over them"},
      {.name = "validation",
       .type = OptionType::kNumber,
       .default_value = "0",
       .minimum = 0,
       .maximum = 0.9,
       .help = "fraction of the training data held out, to tune on"},
  };
}

SchemaSection data_section() {
  SchemaSection section{.name = "data",
                        .help = "what is learnt from, and who has it",
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
       .help = "time of a local step on the run's clock; one for all, or a list with one for each worker"},
      {.name = "threads",
       .type = OptionType::kInteger,
       .default_value = "0",
       .minimum = 0,
       .maximum = 1024,
       .help = "threads that compute; 0: one for each core; no result depends on it"},
  };
}

std::vector<OptionSpec> network_options() {
  return {
      {.name = "model",
       .type = OptionType::kChoice,
       .default_value = "interfaces",
       .choices = {"interfaces", "shared"},
       .help = "every node has an interface of its own, or all share one channel"},
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
       .help = "time from a frame's last bit sent to its first received"},
      {.name = "loss",
       .type = OptionType::kNumber,
       .default_value = "0",
       .minimum = 0,
       .maximum = 0.99,
       .help = "probability that a frame is lost on its way"},
      {.name = "duplication",
       .type = OptionType::kNumber,
       .default_value = "0",
       .minimum = 0,
       .maximum = 0.99,
       .help = "probability that a frame that is not lost comes a second time, later"},
      {.name = "collective",
       .type = OptionType::kChoice,
       .default_value = "star",
       .choices = {"star", "ring"},
       .help = "averages through a coordinator, or between the workers alone"},
      {.name = "deadline",
       .type = OptionType::kDuration,
       .default_value = "10 min",
       .help = "how long a node waits for another before the run fails, on the run's clock; the coordinator waits half "
               "as long for a worker's part, so that the others still hear of it"},
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
       .help = "joules of a bit on the wire, both ends together; a radio takes some 1e-7"},
      {.name = "per_step",
       .type = OptionType::kNumber,
       .default_value = "0",
       .minimum = 0,
       .maximum = kMost,
       .help = "joules of a worker's local step"},
  };
}

std::vector<OptionSpec> evaluation_options() {
  return {
      {.name = "every",
       .default_value = "1 epoch",
       .help = "how often the average model is measured: \"2 epochs\", \"100 steps\""},
      {.name = "workers",
       .type = OptionType::kChoice,
       .default_value = "end",
       .choices = {"never", "end", "always"},
       .help = "when the workers' own models are measured too"},
      {.name = "sample",
       .type = OptionType::kInteger,
       .default_value = "256",
       .minimum = 0,
       .maximum = 100000,
       .help = "in the simulator, of more workers than this so many, drawn at random, have their own models measured; "
               "0: all"},
      {.name = "best",
       .type = OptionType::kChoice,
       .default_value = "accuracy",
       .choices = {"accuracy", "loss"},
       .help = "what makes a measurement the best, for model.best and job.patience: the highest accuracy (of two alike "
               "the smaller loss) or the smallest loss, on the validation split, or the test split where nothing is "
               "held out"},
      {.name = "average",
       .type = OptionType::kFlag,
       .default_value = "false",
       .help = "of a run over several processes: send all models to worker 0 and measure their average, whose bytes "
               "count as evaluation; else what worker 0 has is measured: the model last synchronised. The simulator "
               "always measures the average, which costs nothing there"},
      {.name = "prequential",
       .type = OptionType::kFlag,
       .default_value = "false",
       .help = "each worker's model is tested on every batch before it is trained with it; the losses add up"},
  };
}

std::vector<OptionSpec> checkpoint_options() {
  return {
      {.name = "every",
       .default_value = "",
       .help =
           "how often all workers stop, once no message is on its way, and are saved: \"1 epoch\", \"500 steps\"; by "
           "default never. `laconic run --resume` goes on from the newest checkpoint"},
      {.name = "keep",
       .type = OptionType::kInteger,
       .default_value = "2",
       .minimum = 1,
       .maximum = 1000,
       .help = "how many checkpoints stay, the newest ones"},
      {.name = "keep_last",
       .type = OptionType::kFlag,
       .default_value = "false",
       .help = "keeps them when the run has come to its end too: `laconic run --resume` with a larger job.steps or "
               "job.epochs then goes on from the newest, as if the run had been longer"},
  };
}

std::vector<OptionSpec> output_options() {
  return {
      {.name = "dir", .default_value = "", .help = "folder of the results; by default runs/<job.name>"},
      {.name = "best",
       .type = OptionType::kFlag,
       .default_value = "true",
       .help = "stores the model of the best measurement too (evaluation.best); it takes one more model of memory"},
      {.name = "progress",
       .type = OptionType::kChoice,
       .default_value = "auto",
       .choices = {"auto", "live", "plain", "off"},
       .help = "one live line, a line for each measurement, or nothing; auto: live on a terminal, else plain"},
      {.name = "preprocess",
       .type = OptionType::kFlag,
       .default_value = "false",
       .help = "model.pt does to raw samples what was done to the data (normalising, scaling), and takes predicted "
               "numbers back to the unit of the file: a TorchScript module for torch.jit.load, whatever the model"},
  };
}

// A section that a user's own loop does without.
// What every model takes, beside its own options.
SchemaSection model_section() {
  SchemaSection section = named_section("model", "what is trained", "a row of `laconic list models`", models());
  section.options.push_back({.name = "start",
                             .default_value = "",
                             .help = "a safetensors file with the model's tensors by their names, such as the "
                                     "model.safetensors of a run, from which all workers start"});
  section.options.push_back({.name = "local",
                             .default_value = "",
                             .help = "tensors that stay with each worker, never sent and never averaged: a list of "
                                     "names in which * stands for any characters and ? for one, such as \"fc2.*\""});
  return section;
}

SchemaSection for_our_loop(SchemaSection section) {
  section.in_own_loop = false;
  return section;
}

}  // namespace

const std::vector<SchemaSection>& schema() {
  static const std::vector<SchemaSection> sections = {
      {.name = "job", .help = "what is run, and for how long", .options = job_options(), .variants = {}},
      for_our_loop(data_section()),
      {.name = "drift",
       .help = "how the data change in the course of a run",
       .options = {drift_options().begin(), drift_options().end()},
       .variants = {},
       .in_own_loop = false},
      for_our_loop(model_section()),
      for_our_loop(
          named_section("optimizer", "how a worker takes a step", "a row of `laconic list optimizers`", optimizers())),
      {.name = "workers", .help = "who trains", .options = workers_options(), .variants = {}},
      strategy_section(),
      between_section(),
      topology_section(),
      compression_section(),
      {.name = "network", .help = "what lies between the workers", .options = network_options(), .variants = {}},
      {.name = "energy",
       .help = "what a run costs in joules",
       .options = energy_options(),
       .variants = {},
       .in_own_loop = false},
      {.name = "evaluation",
       .help = "what is measured, and when",
       .options = evaluation_options(),
       .variants = {},
       .in_own_loop = false},
      {.name = "checkpoint",
       .help = "what a run can be resumed from",
       .options = checkpoint_options(),
       .variants = {},
       .in_own_loop = false},
      {.name = "output", .help = "where results go", .options = output_options(), .variants = {}, .in_own_loop = false},
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
  return section == "topology" || (section == "workers" && (key == "count" || key == "compute"));
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
