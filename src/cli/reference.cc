#include "cli/reference.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "cli/commands.h"
#include "job/schema.h"
#include "strategies/registry.h"

namespace laconic {
namespace {

// Text in a cell of a Markdown table.
std::string cell(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    if (letter == '|') result += '\\';
    result += letter;
  }
  return result;
}

std::string code(std::string_view text) { return "`" + cell(text) + "`"; }

std::string default_text(const OptionSpec& spec) {
  if (spec.required) return "required";
  return spec.default_value.empty() ? "none" : code(spec.default_value);
}

std::string key_table(std::span<const OptionSpec> options) {
  std::string text = "| key | what it may be | default | meaning |\n|---|---|---|---|\n";
  for (const OptionSpec& spec : options) {
    const std::string condition = spec.only_with.option.empty() ? ""
                                                                : " Only with " + code(spec.only_with.option) + " " +
                                                                      cell(spec.only_with.values()) + ".";
    text += "| " + code(spec.name) + " | " + cell(type_text(spec)) + " | " + default_text(spec) + " | " +
            cell(spec.help) + "." + condition + " |\n";
  }
  return text;
}

std::string section_text(const SchemaSection& section) {
  std::string text = "\n## [" + std::string(section.name) + "]\n\n" + std::string(section.help) + "\n\n";
  if (!section.options.empty()) text += key_table(section.options);
  std::string without;
  for (const SchemaSection::Variant& variant : section.variants) {
    const std::string name = std::string(section.variant_key) + " = \"" + std::string(variant.name) + "\"";
    if (variant.options.empty()) {
      without += (without.empty() ? "" : ", ") + code(variant.name);
      continue;
    }
    text += "\n### " + std::string(section.name) + ": " + code(name) + "\n\n" + std::string(variant.help) + "\n\n" +
            key_table(variant.options);
  }
  if (!without.empty()) text += "\nWithout further keys: " + without + ".\n";
  return text;
}

// The file of a strategy, in src/strategies.
std::string file_of(const StrategyRow& row) {
  return row.file.empty() ? std::string(row.name) + ".cc" : std::string(row.file);
}

std::string speaks(Talks talks) {
  switch (talks) {
    case Talks::kNobody:
      return "with nobody";
    case Talks::kCollectives:
      break;
    case Talks::kCoordinator:
      return "with the coordinator";
    case Talks::kGraph:
      return "with its neighbours on an undirected graph: `[topology] graph`";
    case Talks::kLinks:
      return "over directed links, which may change: `[topology] graph`";
  }
  return "with all workers, over `network.collective`: a coordinator or a ring";
}

// What a worker keeps; empty where that is its model alone.
std::string memory_text(const StrategyRow& row, const StrategyMemory& memory) {
  const bool may_keep_more =
      variant_where(row, [](const Demands& demands) { return demands.memory.per_neighbor; }) != nullptr;
  if (memory.vectors == 0 && !memory.per_neighbor && !may_keep_more) return {};
  return "- A worker keeps " + std::to_string(memory.vectors) + (memory.vectors == 1 ? " vector" : " vectors") +
         " of the model's size beside its model" +
         (memory.per_neighbor ? ", and more for each neighbour"
          : may_keep_more     ? ", and with some options more for each neighbour"
                              : "") +
         "\n";
}

std::string absence_text(const StrategyRow& row) {
  const bool can = variant_where(row, [](const Demands& of) { return of.tolerates_absence; }) != nullptr;
  if (!can) return {};
  std::string except;
  for (const Variant& variant : variants_of(row)) {
    const Options options = options_of(row, variant, row.name);
    const OptionSpec* const against =
        row.demands(options).tolerates_absence
            ? nullptr
            : option_against(row, options, [](const Demands& of) { return of.tolerates_absence; });
    if (against == nullptr) continue;
    const std::string text = "`" + std::string(against->name) + "` \"" + options.text(against->name) + "\"";
    if (except.find(text) == std::string::npos) except += (except.empty() ? ", except with " : " or ") + text;
  }
  return "- Goes on while workers are absent (`workers.least`)" + except + "\n";
}

// Text of a man page: a hyphen that is a minus, a backslash, and no line that begins with a macro's dot.
std::string roff(std::string_view text) {
  std::string result;
  bool is_first = true;
  for (const char letter : text) {
    if (is_first && (letter == '.' || letter == '\'')) result += "\\&";
    if (letter == '-') {
      result += "\\-";
    } else if (letter == '\\') {
      result += "\\e";
    } else {
      result += letter;
    }
    is_first = letter == '\n';
  }
  return result;
}

bool is_help(const CLI::Option& option) { return option.check_lname("help"); }

std::vector<const CLI::App*> commands_of(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

std::string man_option(const CLI::Option& option) {
  std::string text = ".TP\n";
  if (option.get_positional()) {
    text += "\\fI" + roff(option.get_name()) + "\\fR\n";
  } else {
    const bool may_have_value = option.get_items_expected_max() > 0;
    const bool needs_value = option.get_items_expected_min() > 0;
    text += "\\fB" + roff(option.get_name(false, true)) + "\\fR" +
            (needs_value      ? " \\fIvalue\\fR"
             : may_have_value ? " [\\fIvalue\\fR]"
                              : "") +
            "\n";
  }
  return text + roff(option.get_description()) + "\n";
}

// As it stands, line by line.
std::string man_verbatim(const std::string& text) { return ".nf\n" + roff(text) + "\n.fi\n"; }

// For a completion.
std::string words(std::span<const std::string_view> items) {
  std::string text;
  for (const std::string_view item : items) text += (text.empty() ? "" : " ") + std::string(item);
  return text;
}

struct KeyWords {
  std::set<std::string> keys;                        // "strategy.threshold"
  std::map<std::string, std::set<std::string>> may;  // of those that take one of several words
};

KeyWords key_words() {
  KeyWords result;
  const auto add = [&](const SchemaSection& section, std::span<const OptionSpec> options) {
    for (const OptionSpec& spec : options) {
      const std::string key = std::string(section.name) + "." + std::string(spec.name);
      result.keys.insert(key);
      for (const std::string_view choice : spec.choices) result.may[key].emplace(choice);
      if (spec.type == OptionType::kFlag) result.may[key] = {"true", "false"};
    }
  };
  for (const SchemaSection& section : schema()) {
    add(section, section.options);
    for (const SchemaSection::Variant& variant : section.variants) add(section, variant.options);
  }
  return result;
}

std::string joined(const std::set<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : " ") + item;
  return text;
}

}  // namespace

std::string key_reference() {
  std::string text =
      "# Every key of a job file\n\nThis page lists every key of a job file with its default. `laconic docs keys` "
      "generates it; a test fails when it is stale.\n`laconic list options` shows the same on a terminal. Durations "
      "(`10 ms`, `5 s`), rates (`100 Mbit/s`), sizes (`20 MB`)\nand lengths (`100 steps`, `0.5 epochs`) are text with "
      "their unit.\n";
  for (const SchemaSection& section : schema()) text += section_text(section);
  return text;
}

std::string strategy_reference() {
  std::string text =
      "# Strategies\n\nThis page lists every strategy with its source, its needs and its keys. `laconic docs "
      "strategies` generates it; a test fails\nwhen it is stale. The linked page of each strategy says when to take "
      "it, how to choose its keys, and how to see that it\nworks ([algorithms/](algorithms/README.md)). The linked "
      "source opens with the algorithm: update and symbols as in the\npaper, differences from the paper with reasons, "
      "assumptions, invariants, and the messages of a round.\n";
  for (const StrategyRow* row : strategies()) {
    const std::string name(row->name);
    const Demands demands = default_demands(*row);
    text += "\n## " + name + "\n\n" + std::string(row->help) + ".\n\n";
    text += "- Paper: " + std::string(row->source) + "\n";
    text += "- How to use it: [algorithms/" + name + ".md](algorithms/" + name + ".md)\n";
    text += "- Source code: [src/strategies/" + file_of(*row) + "](../src/strategies/" + file_of(*row) + ")\n";
    text += "- Communicates " + speaks(demands.talks) + "\n";
    if (demands.compression == Compression::kRequired) text += "- Needs `[compression] operator`\n";
    if (demands.compression == Compression::kOptional) {
      text += "- Optional `[compression]`; without it whole models are sent\n";
    }
    if (row->groups != nullptr) text += "- Needs `[between]`: the strategy between its groups\n";
    if (demands.local_step == LocalStep::kPlainGradient) {
      text += "- Has its own momentum: needs `sgd` without momentum\n";
    }
    text += absence_text(*row);
    text += memory_text(*row, demands.memory);
    if (!row->options.empty()) text += "\n" + key_table(row->options);
  }
  return text;
}

std::string man_page(const CLI::App& app) {
  std::string text = ".TH LACONIC 1 \"\" \"laconic " LACONIC_VERSION "\" \"User Commands\"\n.SH NAME\nlaconic \\- " +
                     roff("train one neural network on many workers' data with few bytes between them") +
                     "\n.SH SYNOPSIS\n.B laconic\n.I command\n[\\fIargument\\fR ...]\n.SH DESCRIPTION\n" +
                     roff(app.get_description()) + "\n.SH COMMANDS\n";
  for (const CLI::App* command : commands_of(app)) {
    text += ".SS \"laconic " + roff(command->get_name()) + "\"\n" + roff(command->get_description()) + ".\n";
    for (const CLI::Option* option : command->get_options()) {
      if (!is_help(*option)) text += man_option(*option);
    }
  }
  text += ".SH \"JOB FILES\"\n" +
          roff("TOML, with these sections. laconic list options shows their keys, with defaults and units.") + "\n";
  for (const SchemaSection& section : schema())
    text += ".TP\n\\fB[" + roff(section.name) + "]\\fR\n" + roff(section.help) + "\n";
  text +=
      ".SH FILES\n.TP\n.I runs/NAME\n" +
      roff(
          "The results of a run: report.html to look at, job.resolved.toml, metrics.jsonl, summary.json, workers.json, "
          "model.safetensors, and events for TensorBoard.") +
      "\n.TP\n.I runs/NAME.checkpoint\nIts checkpoints.\n";
  const std::string footer = app.get_footer();
  const std::size_t codes = footer.find("Exit codes: ");
  text += ".SH \"EXIT STATUS\"\n" + roff(footer.substr(codes + std::string_view("Exit codes: ").size())) + "\n";
  text += ".SH EXAMPLES\n" + man_verbatim(footer.substr(footer.find('\n') + 1, codes - footer.find('\n') - 2));
  return text;
}

std::string bash_completion(const CLI::App& app) {
  const KeyWords keys = key_words();
  std::string commands;
  std::string options;
  for (const CLI::App* command : commands_of(app)) {
    commands += (commands.empty() ? "" : " ") + command->get_name();
    std::string names;
    for (const CLI::Option* option : command->get_options()) {
      for (const std::string& name : option->get_lnames()) names += " --" + name;
    }
    options += "    " + command->get_name() + ") options='" + names.substr(names.empty() ? 0 : 1) + "' ;;\n";
  }
  std::string values;
  for (const auto& [key, may] : keys.may) values += "    " + key + ") echo '" + joined(may) + "' ;;\n";
  std::string text = R"bash(# Completion of laconic for bash.

_laconic_values() {
  case $1 in
@VALUES@  esac
}

# KEY=VALUE: the keys of a job, and behind the sign the words a key takes.
_laconic_setting() {
  local word=$1 key
  if [[ $word == *=* ]]; then
    key=${word%%=*}
    mapfile -t COMPREPLY < <(compgen -W "$(_laconic_values "$key")" -- "${word#*=}")
    [[ $COMP_WORDBREAKS == *=* ]] || COMPREPLY=("${COMPREPLY[@]/#/$key=}")
  else
    mapfile -t COMPREPLY < <(compgen -S = -W '@KEYS@' -- "$word")
    compopt -o nospace 2>/dev/null
  fi
}

_laconic() {
  # The shell may have parted words at "=".
  local line=${COMP_LINE:0:COMP_POINT} words word command options=
  read -ra words <<<"$line"
  [[ $line == *' ' ]] && words+=('')
  word=${words[${#words[@]} - 1]}
  COMPREPLY=()
  if ((${#words[@]} <= 2)); then
    mapfile -t COMPREPLY < <(compgen -W '@COMMANDS@ help version --help --version' -- "$word")
    return
  fi
  command=${words[1]}
  case $command in
@OPTIONS@  esac
  local before=$((${#words[@]} - 2))
  while [[ ${words[before]} == *=* && ${words[before]} != -* && $command =~ ^(run|compare|evaluate)$ ]]; do ((before--)); done
  if [[ ${words[before]} == --set ]]; then
    _laconic_setting "$word"
  elif [[ $command == help ]]; then
    mapfile -t COMPREPLY < <(compgen -W '@COMMANDS@' -- "$word")
  elif [[ ${words[${#words[@]} - 2]} =~ ^(--file|--minus|--json|--csv|--model|--output|--resume|-o)$ ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    compopt -o filenames 2>/dev/null
  elif [[ $word == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$word")
  elif [[ $command == list ]]; then
    mapfile -t COMPREPLY < <(compgen -W '@TOPICS@' -- "$word")
  elif [[ $command == docs ]]; then
    mapfile -t COMPREPLY < <(compgen -W 'completion keys man strategies' -- "$word")
  elif [[ $command == sweep && ${#words[@]} -gt 3 ]]; then
    _laconic_setting "$word"
    # Another job file.
    if ((${#COMPREPLY[@]} == 0)); then
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      compopt -o filenames 2>/dev/null
    fi
  elif [[ $command == codec ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_laconic_values compression.operator)" -- "$word")
  else
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    compopt -o filenames 2>/dev/null
  fi
}

complete -F _laconic laconic
)bash";
  const auto fill = [&](const std::string& place, const std::string& with) {
    for (std::size_t at = text.find(place); at != std::string::npos; at = text.find(place, at + with.size()))
      text.replace(at, place.size(), with);
  };
  fill("@VALUES@", values);
  fill("@KEYS@", joined(keys.keys));
  fill("@COMMANDS@", commands);
  fill("@OPTIONS@", options);
  fill("@TOPICS@", words(list_topics()));
  return text;
}

}  // namespace laconic
