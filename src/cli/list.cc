// `laconic list`: the tables of the program.
#include <array>
#include <ostream>

#include "base/error.h"
#include "base/spelling.h"
#include "cli/commands.h"
#include "compress/compressor.h"
#include "job/schema.h"
#include "monitor/monitor.h"
#include "report/format.h"
#include "strategies/registry.h"
#include "topology/mixing.h"
#include "topology/topology.h"
#include "training/data/dataset.h"
#include "training/data/partition.h"

namespace laconic {
namespace {

constexpr std::array<std::string_view, 9> kTopics = {"strategies", "monitors",   "compressors", "topologies", "models",
                                                     "datasets",   "optimizers", "partitions",  "options"};
// What each is, in the same order.
constexpr std::array<std::string_view, 9> kMeanings = {
    "when workers send what: strategy.name",
    "how fda estimates that the models have drifted apart: strategy.monitor",
    "what shortens messages: compression.operator",
    "who is connected to whom: topology.graph",
    "networks to train: model.name",
    "data to train on: data.dataset",
    "how a worker steps: optimizer.name",
    "which worker has which samples: data.partition",
    "every key of a job file, with its default"};

std::string option_text(const OptionSpec& spec, std::size_t indent, std::size_t width) {
  const std::string fallback = spec.required                ? "required"
                               : spec.default_value.empty() ? "default: none"
                                                            : "default " + std::string(spec.default_value);
  const std::string condition = spec.only_with.option.empty() ? ""
                                                              : "; only with " + std::string(spec.only_with.option) +
                                                                    " " + spec.only_with.values();
  return wrapped(std::string(spec.name) + "  (" + type_text(spec) + "; " + fallback + condition + ")", indent, width) +
         wrapped(spec.help, indent + 4, width);
}

std::string row_text(std::string_view name, std::string_view help, std::size_t width) {
  return std::string(name) + "\n" + wrapped(help, 2, width);
}

const SchemaSection& section_named(std::string_view name) {
  for (const SchemaSection& section : schema()) {
    if (section.name == name) return section;
  }
  throw CheckFailed("no section " + std::string(name));
}

std::string variants_text(std::string_view section, std::size_t width) {
  std::string text;
  for (const auto& variant : section_named(section).variants) {
    text += row_text(variant.name, variant.help, width);
    for (const OptionSpec& spec : variant.options) text += option_text(spec, 4, width);
  }
  return text;
}

std::string_view drive_text(LoopDrive drive) {
  switch (drive) {
    case LoopDrive::kStep:
      return "in your own training loop: step()";
    case LoopDrive::kGradient:
      return "in your own training loop: gradient_ready(), step()";
    case LoopDrive::kNone:
      break;
  }
  return "does not work in your own training loop";
}

std::string strategies_text(std::size_t width) {
  std::string text;
  for (const StrategyRow* row : strategies()) {
    text += row_text(row->name, row->help, width) + wrapped(drive_text(default_demands(*row).drive), 4, width);
    for (const OptionSpec& spec : row->options) text += option_text(spec, 4, width);
  }
  return text;
}

std::string options_text(std::size_t width) {
  std::string text;
  for (const SchemaSection& section : schema()) {
    text += (text.empty() ? "[" : "\n[") + std::string(section.name) + "]  " + std::string(section.help) + "\n";
    for (const OptionSpec& spec : section.options) text += option_text(spec, 2, width);
    for (const auto& variant : section.variants) {
      if (variant.options.empty()) continue;
      text += "  with " + std::string(section.variant_key) + " = \"" + std::string(variant.name) + "\":\n";
      for (const OptionSpec& spec : variant.options) text += option_text(spec, 4, width);
    }
  }
  return text;
}

std::string datasets_text(std::size_t width) {
  std::string text;
  for (const DatasetRow& row : datasets()) {
    text += row_text(row.name, row.summary, width);
    const std::string place = row.is_stream ? "drawn as it is needed: no files"
                              : row.default_directory.empty()
                                  ? "data.dir must name its folder"
                                  : "data.dir: " + std::string(row.default_directory) + " by default";
    text += wrapped(place + (row.package.empty() ? "" : ", Debian package " + std::string(row.package)), 4, width);
    for (const OptionSpec& spec : row.options) text += option_text(spec, 4, width);
  }
  return text;
}

std::string partitions_text(std::size_t width) {
  std::string text;
  for (const PartitionRow& row : partitions()) {
    text += row_text(std::string(row.name) + (row.parameter.empty() ? "" : ":" + std::string(row.parameter)),
                     row.summary, width);
  }
  return text;
}

std::string monitors_text(std::size_t width) {
  std::string text;
  for (const MonitorRow& row : monitors()) text += row_text(row.name, row.help, width);
  return text;
}

std::string compressors_text(std::size_t width) {
  std::string text;
  for (const CompressorRow* row : compressors()) {
    text += row_text(row->name, std::string(row->help) + (row->source.empty() ? "" : "; " + std::string(row->source)),
                     width);
    for (const OptionSpec& spec : row->options) text += option_text(spec, 4, width);
  }
  return text;
}

std::string topologies_text(std::size_t width) {
  std::string text;
  for (const TopologyRow& row : topologies()) text += row_text(row.usage(), row.help, width);
  text += "\nmixing weights of an edge\n";
  for (const WeightsRow& row : mixing_weights()) {
    text += wrapped(std::string(row.name) + ": " + std::string(row.help), 2, width);
  }
  return text;
}

}  // namespace

std::span<const std::string_view> list_topics() { return kTopics; }

ExitCode list_command(Console& console, const std::string& topic) {
  const std::size_t width = console.width;
  if (topic.empty()) {
    for (std::size_t i = 0; i < kTopics.size(); ++i) {
      console.out << wrapped("laconic list " + std::string(kTopics[i]) + ": " + std::string(kMeanings[i]), 0, width);
    }
  } else if (topic == "strategies") {
    console.out << strategies_text(width);
  } else if (topic == "models") {
    console.out << variants_text("model", width);
  } else if (topic == "optimizers") {
    console.out << variants_text("optimizer", width);
  } else if (topic == "monitors") {
    console.out << monitors_text(width);
  } else if (topic == "compressors") {
    console.out << compressors_text(width);
  } else if (topic == "topologies") {
    console.out << topologies_text(width);
  } else if (topic == "datasets") {
    console.out << datasets_text(width);
  } else if (topic == "partitions") {
    console.out << partitions_text(width);
  } else if (topic == "options") {
    console.out << options_text(width);
  } else {
    throw UsageError("list " + topic + ": known are " + listed(kTopics) + did_you_mean(topic, kTopics));
  }
  console.out << std::flush;
  return ExitCode::kDone;
}

}  // namespace laconic
