#include "cli/remedies.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>

#include "base/spelling.h"
#include "cli/commands.h"
#include "job/bare_key.h"
#include "job/foreign_words.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

struct Translation {
  std::string_view words;  // of other programs, with "|" between
  std::string_view ours;
};

constexpr std::array kCommandWords = {
    Translation{"train|start|fit|launch|exec|execute|simulate|submit|begin", "run job.toml"},
    Translation{"resume|continue|restart", "run --resume runs/NAME"},
    Translation{"eval|test|validate|predict|infer|score|measure", "evaluate runs/NAME"},
    Translation{"plot|chart|show|view|visualize|visualise|page|html|dashboard|tensorboard", "report runs/NAME"},
    Translation{"tune|grid|search|gridsearch|hparams|hyperopt|hpo", "sweep job.toml strategy.threshold=0.5,1,2"},
    Translation{"diff|cmp|versus|vs|table", "compare a.toml b.toml"},
    Translation{"graph|network|graphs", "topology ring:16"},
    Translation{"gossip|average", "consensus ring:16"},
    Translation{"compress|compression|compressor|quantize|quantise", "codec top_k --ratio 0.01"},
    Translation{"plan|dryrun|dry-run|check|estimate", "run job.toml --dry-run"},
    Translation{"serve|watch|ui", "run job.toml --serve"},
    Translation{"keys|options|config|schema", "list options"},
    Translation{"man|completion", "docs man"},
    Translation{"ls", "list"},
};

// Short options, and those of files and times, with the key of a job that says the same; job/foreign_words.h has the others.
constexpr std::array kOptionKeys = {
    Translation{"e", "job.epochs"},
    Translation{"b", "data.batch"},
    Translation{"n|np|k", "workers.count"},
    Translation{"j", "workers.threads"},
    Translation{"s", "job.seed"},
    Translation{"opt", "optimizer.name"},
    Translation{"o|out|output|outdir|output-dir|save-dir|logdir|log-dir|results", "output.dir"},
    Translation{"save-every|checkpoint-every", "checkpoint.every"},
    Translation{"eval-every|evaluate-every|test-every", "evaluation.every"},
    Translation{"graph", "topology.graph"},
};

constexpr std::string_view kDataWords =
    "data|dataset|data-dir|data-path|data-file|dataset-path|data-root|test-data|test-file|test-set|test-dir|input";

bool has_word(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const std::size_t end = std::min(words.find('|'), words.size());
    if (words.substr(0, end) == word) return true;
    words.remove_prefix(std::min(end + 1, words.size()));
  }
  return false;
}

const CLI::App* find_command(const CLI::App& app, const std::string& name) {
  const auto commands = app.get_subcommands([&](const CLI::App* command) { return command->get_name() == name; });
  return name.empty() || commands.empty() ? nullptr : commands.front();
}

template <typename Table>
std::string_view translated(const Table& table, std::string_view word) {
  for (const Translation& row : table) {
    if (has_word(row.words, word)) return row.ours;
  }
  return {};
}

std::string joined(std::span<const std::string> words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

bool is_option(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && std::isdigit(static_cast<unsigned char>(word[1])) == 0;
}

// "--lr=0.1" as "lr" and "0.1"; without a value in it the one of the next word, which may be none of its own.
struct WrittenOption {
  std::string name;
  std::string next;

  WrittenOption(const std::string& word, const std::vector<std::string>& words) {
    const std::size_t equals = std::min(word.find('='), word.size());
    name = word.substr(0, equals);
    name.erase(0, std::min(name.find_first_not_of('-'), name.size()));
    const auto here = std::find(words.begin(), words.end(), word);
    if (equals < word.size()) {
      next = word.substr(equals + 1);
    } else if (here != words.end() && here + 1 != words.end() && !is_option(*(here + 1))) {
      next = *(here + 1);
    }
  }
  // A file is sooner a word of the command.
  std::string value(const std::string& otherwise) const {
    std::error_code error;
    return next.empty() || fs::exists(next, error) ? otherwise : next;
  }
};

// What `--data FILE` or `--data FOLDER` of another program sets; the file by its whole path, as data.dir stays.
std::string for_data(const std::string& command, const std::string& path) {
  std::error_code error;
  if (fs::is_directory(path, error)) return "write --set data.dir=" + path;
  const std::string ending = fs::path(path).extension().string();
  const bool is_data = ending == ".csv" || ending == ".gz" || ending == ".npy" || ending == ".npz";
  if (!is_data && !fs::is_regular_file(path, error)) return {};
  return "write --set data." + std::string(command == "evaluate" ? "test_file=" : "train_file=") +
         fs::absolute(path, error).lexically_normal().string();
}

std::string without_quotes(std::string_view toml) {
  const bool is_text = toml.size() >= 2 && toml.front() == '"' && toml.back() == '"';
  return std::string(is_text ? toml.substr(1, toml.size() - 2) : toml);
}

// Of a command that takes a job's keys.
std::string for_job_command(const std::string& command, const WrittenOption& option) {
  const std::string& name = option.name;
  if (has_word("config|cfg|conf|job|file|f|c|config-file", name)) {
    return "give the job file itself: laconic " + command + " " + (option.next.empty() ? "job.toml" : option.next);
  }
  if (has_word("v|verbose|debug|log-level", name)) {
    return "a run shows its progress by itself; laconic --version shows the version";
  }
  if (has_word("q|quiet|silent|no-progress", name)) return "write --set output.progress=off";
  if (has_word("mpi|launcher|hostfile", name)) {
    return "a launcher starts the processes: mpirun -n 8 laconic run job.toml";
  }
  if (has_word("port|dashboard|ui|web", name)) {
    return "write --serve " + option.value("8080");
  }
  if (has_word("resume|checkpoint|load", name) && command != "run") {
    return command == "sweep" ? "the same sweep goes on by itself: start it again"
                              : "laconic run --resume runs/NAME goes on";
  }
  if (has_word(kDataWords, name)) {
    if (std::string remedy = for_data(command, option.next); !remedy.empty()) return remedy;
  }
  const std::string key = key_of_option(name);
  const ForeignKey* foreign = find_foreign_key("", name);
  if (key.empty() && foreign != nullptr) return std::string(foreign->note);
  if (key.empty()) {
    std::string several = name;
    std::replace(several.begin(), several.end(), '-', '_');
    std::string text;
    for (const std::string& candidate : keys_named(several)) {
      text += (text.empty() ? "write --set " : " or --set ") + candidate + "=" + option.value("VALUE");
    }
    return text;
  }
  const bool is_foreign = foreign != nullptr && foreign->key == key;
  std::string value = option.value("VALUE");
  if (is_foreign && !foreign->same_value) value = without_quotes(foreign->example);
  return "write --set " + key + "=" + value +
         (is_foreign && !foreign->note.empty() ? " (" + std::string(foreign->note) + ")" : "");
}

std::string unknown_option_text(const std::string& word, const CLI::App& command,
                                const std::vector<std::string>& words) {
  const std::string name = command.get_name();
  const WrittenOption option(word, words);
  const std::string begin = "laconic " + name + " has no option " + word.substr(0, word.find('=')) + "; ";
  std::vector<std::string> known;
  for (const CLI::Option* own : command.get_options()) {
    for (const std::string& long_name : own->get_lnames()) known.push_back(long_name);
  }
  const std::vector<std::string_view> views(known.begin(), known.end());
  const bool takes_job = std::find(known.begin(), known.end(), "set") != known.end() && name != "consensus";
  if (takes_job) {
    const std::string remedy = for_job_command(name, option);
    if (!remedy.empty()) return begin + remedy;
  }
  const std::string_view near = option.name.empty() ? std::string_view() : nearest(option.name, views);
  if (!near.empty()) return begin + "did you mean --" + std::string(near) + "?";
  return begin + "laconic " + name + " --help shows those that it has";
}

// An option where the command should be.
std::string misplaced_option_text(const CLI::App& app, const std::vector<std::string>& words) {
  const std::string& first = words.front();
  const WrittenOption option(first, words);
  if (has_word("v|V|Version|ver", option.name))
    return "'" + first + "' is no option; laconic --version shows the version";
  if (has_word("config|cfg|conf|job|file|f|c", option.name)) {
    const std::string file = words.size() > 1 ? words[1] : "job.toml";
    return "'" + first + "' is no option; give the job file itself: laconic run " + file;
  }
  const auto command = std::find_if(words.begin(), words.end(),
                                    [&](const std::string& word) { return find_command(app, word) != nullptr; });
  const std::string begin = "'" + first + "' stands before the command; write laconic ";
  if (command == words.end()) return begin + "run " + joined(words);
  return begin + joined(std::span(command, words.end())) + " " + joined(std::span(words.begin(), command));
}

std::string surplus_word_text(const std::string& word, const std::string& command,
                              const std::vector<std::string>& words) {
  const bool is_setting = word.find('=') != std::string::npos && word.find('/') == std::string::npos;
  const bool takes_set = command == "run" || command == "compare" || command == "evaluate";
  if (takes_set && is_setting) return "'" + word + "': write --set " + word;
  if (command == "run") {
    return "'" + word + "' is one job too many for run; laconic compare " + joined(std::span(words).subspan(1)) +
           " runs several";
  }
  if (command.empty()) return "'" + word + "' is too much; laconic --help shows the commands";
  return "laconic " + command + " can do nothing with '" + word + "'; laconic " + command +
         " --help shows what it takes";
}

// "run job.toml" with the file or the folder that stands behind the command in the place of our example's.
std::string with_their_files(std::string ours, const std::vector<std::string>& words) {
  const auto behind = std::span(words).subspan(1);
  const auto is_of_run = [](const std::string& word) {
    std::error_code error;
    return !is_option(word) && word.find('=') == std::string::npos &&
           (word.find('/') != std::string::npos || fs::exists(word, error));
  };
  const auto is_job = [](const std::string& word) { return word.ends_with(".toml"); };
  std::string example = "job.toml";
  auto theirs = std::find_if(behind.begin(), behind.end(), is_job);
  if (ours.ends_with("runs/NAME")) {
    example = "runs/NAME";
    theirs = std::find_if(behind.begin(), behind.end(), is_of_run);
  } else if (ours.ends_with("a.toml b.toml")) {
    example = "a.toml b.toml";
    if (behind.size() > 1 && std::none_of(behind.begin(), behind.end(), is_option)) {
      return ours.replace(ours.find(example), example.size(), joined(behind));
    }
    return ours;
  }
  const std::size_t at = ours.find(example);
  if (at == std::string::npos || theirs == behind.end()) return ours;
  return ours.replace(at, example.size(), *theirs);
}

// The first example of a command's help.
std::string example_of(const CLI::App& command) {
  const std::string footer = command.get_footer();
  const std::size_t begin = footer.find("laconic ");
  return begin == std::string::npos ? "laconic " + command.get_name() + " --help"
                                    : footer.substr(begin, footer.find('\n', begin) - begin);
}

}  // namespace

std::string key_of_option(std::string_view option) {
  while (option.starts_with('-')) option.remove_prefix(1);
  std::string key(option);
  if (key.empty()) return key;
  if (const std::string_view ours = translated(kOptionKeys, key); !ours.empty()) return std::string(ours);
  std::replace(key.begin(), key.end(), '-', '_');
  const std::size_t dot = key.find('.');
  const std::vector<std::string> named = keys_named(dot == std::string::npos ? key : key.substr(dot + 1));
  if (dot != std::string::npos) return std::find(named.begin(), named.end(), key) == named.end() ? "" : key;
  if (std::string of_section = key_of_section(key); !of_section.empty()) return of_section;
  if (named.size() == 1 || (!named.empty() && named.front().starts_with("job."))) return named.front();
  const ForeignKey* foreign = find_foreign_key("", key);
  return std::string(foreign == nullptr ? std::string_view() : foreign->key);
}

std::string unknown_command_text(const std::vector<std::string>& words, std::span<const std::string_view> commands) {
  const std::string& word = words.front();
  if (word.empty()) return "the command is empty; laconic --help shows the commands";
  const std::string quoted = "'" + word + "'";
  std::error_code error;
  if (fs::is_directory(word, error)) {
    return quoted + " is a folder; laconic report " + word + " or laconic evaluate " + word +
           " look at a run's results";
  }
  if (word.ends_with(".toml") || fs::is_regular_file(word, error)) {
    const bool is_model = word.ends_with(".pt") || word.ends_with(".safetensors");
    return quoted + " is no command; write laconic " + (is_model ? "evaluate " : "run ") + joined(words);
  }
  std::string lower = word;
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const std::string_view topic : list_topics()) {
    if (lower == topic) return quoted + " is no command; write laconic list " + lower;
  }
  if (const std::string_view ours = translated(kCommandWords, lower); !ours.empty()) {
    return quoted + " is no command; write laconic " + with_their_files(std::string(ours), words);
  }
  const std::string_view near = nearest(lower, commands);
  if (!near.empty()) {
    const std::string rest = joined(std::span(words).subspan(1));
    return quoted + " is no command; did you mean laconic " + std::string(near) + (rest.empty() ? "" : " " + rest) +
           "?";
  }
  return quoted + " is no command; there are " + listed(commands);
}

std::string parse_error_text(const CLI::ParseError& error, const CLI::App& app, const std::vector<std::string>& words) {
  if (!words.empty() && is_option(words.front())) return misplaced_option_text(app, words);
  const CLI::App* command = words.empty() ? nullptr : find_command(app, words.front());
  if (command == nullptr) return std::string(error.what()) + "; laconic --help shows the commands";
  const std::string name = command->get_name();
  std::vector<std::string> surplus = command->remaining();
  for (const std::string& word : app.remaining()) surplus.push_back(word);
  for (const std::string& word : surplus) {
    if (is_option(word)) return unknown_option_text(word, *command, words);
  }
  if (dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr && !surplus.empty()) {
    return surplus_word_text(surplus.front(), name, words);
  }
  const std::string what = error.what();
  if (dynamic_cast<const CLI::RequiredError*>(&error) != nullptr) {
    return "laconic " + name + ": " + what.substr(0, what.find(" is required")) +
           " is missing; such as: " + example_of(*command);
  }
  if (what.ends_with(" missing") && what.find(": ") != std::string::npos) {
    return "laconic " + name + " " + what.substr(0, what.find(": ")) +
           ": its value is missing; such as: " + example_of(*command);
  }
  return "laconic " + name + ": " + what + "; laconic " + name + " --help shows how it is written";
}

}  // namespace laconic
