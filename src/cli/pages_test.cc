// README, docs and the pages of the examples: their links lead somewhere, their jobs can be run, and their commands are
// those that the program has.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/markdown_test.h"
#include "compress/compressor.h"
#include "job/job.h"
#include "job/plan.h"
#include "job/schema.h"
#include "job/text/job_text.h"
#include "job/tiny_job_test.h"
#include "job/wiring.h"
#include "strategies/registry.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;
using testing::CodeBlock;
using testing::MarkdownPage;

using Complaints = std::vector<std::string>;

std::string joined(const Complaints& complaints) {
  std::string text;
  for (const std::string& complaint : complaints) text += complaint + "\n";
  return text;
}

// Every page that a person reads; the tests run in the project's root.
std::vector<std::string> pages() {
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(".")) files.push_back(entry.path().filename().string());
  for (const char* folder : {"docs", "examples"}) {
    for (const auto& entry : fs::recursive_directory_iterator(folder)) files.push_back(entry.path().string());
  }
  std::erase_if(files, [](const std::string& file) { return !file.ends_with(".md"); });
  std::sort(files.begin(), files.end());
  return files;
}

// Links.

Complaints about_links(const std::string& file, const std::string& text) {
  Complaints complaints;
  for (const std::string& link : testing::read_markdown(text).links) {
    if (link.starts_with("https://") || link.starts_with("http://")) continue;
    const std::size_t hash = std::min(link.find('#'), link.size());
    const fs::path target = hash == 0 ? fs::path(file) : fs::path(file).parent_path() / link.substr(0, hash);
    if (!fs::exists(target)) {
      complaints.push_back(file + ": " + link + " leads to nothing");
    } else if (hash < link.size() && target.extension() == ".md") {
      const std::vector<std::string> anchors = testing::read_markdown(testing::read_text(target.string())).anchors;
      if (std::find(anchors.begin(), anchors.end(), link.substr(hash + 1)) == anchors.end())
        complaints.push_back(file + ": " + link + " names no heading of that page");
    }
  }
  return complaints;
}

// Jobs.

// Grey images of 28 x 28 in 10 classes under the names of MNIST's files.
void write_images(const std::string& folder, const std::string& stem, std::uint32_t count) {
  RandomStream stream(count, "images of pages");
  std::vector<std::uint8_t> pixels(std::size_t{count} * 28 * 28);
  for (std::uint8_t& pixel : pixels) pixel = static_cast<std::uint8_t>(stream.below(256));
  std::vector<std::uint8_t> labels(count);
  for (std::uint32_t i = 0; i < count; ++i) labels[i] = static_cast<std::uint8_t>(i % 10);
  testing::write_idx(folder + "/" + stem + "-images-idx3-ubyte", {count, 28, 28}, pixels);
  testing::write_idx(folder + "/" + stem + "-labels-idx1-ubyte", {count}, labels);
}

// The sections that a part of a job leaves out, such as make it a job: a page shows [compression] alone.
std::string completed(const std::string& part) {
  const WrittenJob written = read_job_text(part, "part");
  std::string text = part;
  const auto add = [&](const std::string& section, const std::string& keys) {
    if (!written.contains(section)) text += "\n[" + section + "]\n" + keys + "\n";
  };
  add("job", "steps = 4000");
  add("data", "dataset = \"fashion_mnist\"");
  add("model", "name = \"lenet5\"");
  add("optimizer", "name = \"sgd\"");
  add("workers", "count = 8");
  std::string strategy = "periodic";
  if (const auto section = written.find("strategy"); section != written.end()) {
    strategy = section->second.keys.at("name").text;
  } else if (written.contains("topology")) {
    strategy = "d_psgd";
  }
  add("strategy", "name = \"" + strategy + "\"");
  Demands demands = default_demands(find_strategy(strategy));
  if (const auto between = written.find("between"); between != written.end())
    demands = default_demands(find_strategy(between->second.keys.at("name").text));
  if (demands.talks == Talks::kGraph) add("topology", "graph = \"ring\"");
  if (demands.compression == Compression::kRequired) add("compression", "operator = \"sign\"");
  return text;
}

// Whether its data are the images that the test has, and its model one of ours.
bool can_be_planned(const Job& job) {
  const std::set<std::string_view> ours = {"fashion_mnist", "mnist"};
  return ours.contains(job.dataset->name) && job.model->name != "torchscript" &&
         job.section("model").text("start").empty();
}

Complaints about_jobs(const std::string& file, const std::string& text) {
  const testing::TemporaryFolder folder;
  write_images(folder.path(), "train", 600);
  write_images(folder.path(), "t10k", 100);
  Complaints complaints;
  for (const CodeBlock& block : testing::read_markdown(text).blocks) {
    if (block.language != "toml") continue;
    const std::string place = file + ":" + std::to_string(block.line) + ": ";
    const std::string path = folder.path("page.toml");
    try {
      testing::write_text(path, completed(block.text));
      Job job = load_job(path);
      if (!can_be_planned(job)) continue;
      job = load_job(path, std::vector<std::string>{"data.dir=" + folder.path(), "workers.threads=1"});
      make_plan(job, set_up(job));
    } catch (const std::exception& error) {
      complaints.push_back(place + error.what());
    }
  }
  return complaints;
}

// Commands.

// What a shell would hand on: words, with quotes taken off; a comment ends the line, and `;`, `&&`, `|`, `>` and
// brackets stand alone.
std::vector<std::string> shell_words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool open = false;
  char quote = 0;
  const auto end_word = [&] {
    if (open) words.push_back(std::exchange(word, {}));
    open = false;
  };
  for (const char c : line) {
    if (quote != 0) {
      if (c == quote) {
        quote = 0;
      } else {
        word += c;
      }
    } else if (c == '\'' || c == '"') {
      quote = c;
      open = true;
    } else if (c == '#' && !open) {
      break;
    } else if (std::isspace(static_cast<unsigned char>(c)) != 0) {
      end_word();
    } else if (std::string_view(";&|<>()").find(c) != std::string_view::npos) {
      end_word();
      words.emplace_back(1, c);
    } else {
      word += c;
      open = true;
    }
  }
  end_word();
  return words;
}

bool is_program(const std::string& word) { return word == "laconic" || word.ends_with("/laconic"); }

// The words behind the program's name, for each of its calls in a line: at the start of a command, or behind a launcher.
std::vector<std::vector<std::string>> calls_in(const std::string& line) {
  const std::set<std::string> launchers = {"mpirun", "mpiexec", "srun", "nohup"};
  std::vector<std::vector<std::string>> calls;
  std::string first;
  bool inside = false;
  for (const std::string& word : shell_words(line)) {
    const bool separates = word.size() == 1 && std::string_view(";&|<>()").find(word[0]) != std::string_view::npos;
    if (separates || word == "$") {
      inside = false;
      first.clear();
    } else if (inside) {
      calls.back().push_back(word);
    } else if (is_program(word) && (first.empty() || launchers.contains(first))) {
      calls.emplace_back();
      inside = true;
    } else if (first.empty()) {
      first = word;
    }
  }
  return calls;
}

std::string output_of(const std::string& arguments) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(("'" LACONIC_PROGRAM "' " + arguments + " 2>&1").c_str(), "r"),
                                                   pclose);
  std::string text;
  for (int byte = 0; (byte = std::fgetc(pipe.get())) != EOF;) text += static_cast<char>(byte);
  return text;
}

// The options of a command, and the whole of its help, as the program itself shows them.
struct Command {
  std::set<std::string> options;
  std::string help;
};

const std::map<std::string, Command>& commands() {
  static const std::map<std::string, Command> all = [] {
    std::map<std::string, Command> found;
    for (const char* name : {"run", "compare", "sweep", "report", "evaluate", "codec", "topology", "consensus",
                             "simulate-faults", "list", "docs"}) {
      Command command{.options = {}, .help = output_of(std::string(name) + " --help")};
      std::istringstream lines(command.help);
      for (std::string line; std::getline(lines, line);) {
        // "  -o,--output TEXT  Where it goes"
        std::istringstream words(line);
        std::string names;
        if (!line.starts_with("  -") || !(words >> names)) continue;
        std::istringstream each(names);
        for (std::string option; std::getline(each, option, ',');) command.options.insert(option);
      }
      found.emplace(name, std::move(command));
    }
    return found;
  }();
  return all;
}

// Whether a job has a key "section.name".
bool is_job_key(std::string_view key) {
  const std::size_t dot = key.find('.');
  for (const SchemaSection& section : schema()) {
    if (key.substr(0, dot) != section.name) continue;
    const std::string_view name = key.substr(dot + 1);
    const auto has = [&](std::span<const OptionSpec> options) {
      return std::any_of(options.begin(), options.end(), [&](const OptionSpec& spec) { return spec.name == name; });
    };
    return (name == section.variant_key && !section.variants.empty()) || has(section.options) ||
           std::any_of(section.variants.begin(), section.variants.end(),
                       [&](const SchemaSection::Variant& variant) { return has(variant.options); });
  }
  return false;
}

// Whether there is such a file or folder; "*.toml" stands for all files of that ending.
bool names_files(const std::string& path) {
  const fs::path file(path);
  if (file.stem() != "*") return fs::exists(file);
  if (!fs::is_directory(file.parent_path())) return false;
  const fs::directory_iterator files(file.parent_path());
  return std::any_of(begin(files), end(files),
                     [&](const auto& entry) { return entry.path().extension() == file.extension(); });
}

// What is wrong with one call; empty: nothing. May throw UsageError in its place.
std::string objection_to(const std::vector<std::string>& call) {
  if (call.empty() || call[0] == "--help" || call[0] == "--version") return {};
  const auto command = commands().find(call[0]);
  if (command == commands().end()) return "'" + call[0] + "' is no command";
  const std::set<std::string> of_jobs = {"run", "compare", "sweep", "evaluate"};
  for (std::size_t i = 1; i < call.size(); ++i) {
    const std::string& word = call[i];
    const std::size_t equals = word.find('=');
    if (word.starts_with('-') && word.size() > 1) {
      if (!command->second.options.contains(word.substr(0, equals)))
        return call[0] + " has no option " + word.substr(0, equals);
    } else if (equals != std::string::npos && of_jobs.contains(call[0])) {
      // "strategy.threshold@fda=1": the key in one of several jobs.
      const std::string setting = full_setting(word.substr(0, std::min(word.find('@'), equals)) + "=1");
      const std::string key = setting.substr(0, setting.find('='));
      if (!is_job_key(key)) return "a job has no key " + key;
    } else if (word.starts_with("examples/") && !names_files(word)) {
      return word + " does not exist";
    }
  }
  if ((call[0] == "list" || call[0] == "docs") && call.size() > 1 && !call[1].starts_with('-') &&
      command->second.help.find(call[1]) == std::string::npos)
    return call[0] + " does not know " + call[1];
  if (call[0] == "codec" && call.size() > 1 && !call[1].starts_with('-')) find_compressor(call[1]);
  return {};
}

struct ShownLine {
  std::string place;
  std::string text;
};

// Of blocks that are no other language, and code inside prose.
std::vector<ShownLine> shell_lines(const std::string& file, const std::string& text) {
  const MarkdownPage page = testing::read_markdown(text);
  const std::set<std::string> other_languages = {"toml", "cpp", "python", "json", "cmake"};
  std::vector<ShownLine> lines;
  for (const CodeBlock& block : page.blocks) {
    if (other_languages.contains(block.language)) continue;
    std::istringstream stream(block.text);
    std::size_t number = block.line;
    for (std::string line; std::getline(stream, line); ++number)
      lines.push_back({.place = file + ":" + std::to_string(number), .text = line});
  }
  for (const std::string& span : page.spans) lines.push_back({.place = file, .text = span});
  return lines;
}

Complaints about_commands(const std::string& file, const std::string& text) {
  Complaints complaints;
  for (const ShownLine& line : shell_lines(file, text)) {
    for (const std::vector<std::string>& call : calls_in(line.text)) {
      try {
        const std::string objection = objection_to(call);
        if (!objection.empty()) complaints.push_back(line.place + ": " + objection + ": " + line.text);
      } catch (const UsageError& error) {
        complaints.push_back(line.place + ": " + error.what() + ": " + line.text);
      }
    }
  }
  return complaints;
}

// The tests.

TEST(Readme, HasAtMost130Lines) {
  const std::string text = testing::read_text("README.md");
  EXPECT_GT(text.size(), 0U);
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 130);
}

TEST(Pages, LinkToFilesAndHeadingsThatExist) {
  for (const std::string& page : pages()) {
    const Complaints complaints = about_links(page, testing::read_text(page));
    EXPECT_TRUE(complaints.empty()) << joined(complaints);
  }
}

TEST(Pages, ShowJobsThatTheProgramAcceptsAndCanPlan) {
  std::size_t jobs = 0;
  for (const std::string& page : pages()) {
    const std::string text = testing::read_text(page);
    for (const CodeBlock& block : testing::read_markdown(text).blocks) jobs += block.language == "toml" ? 1 : 0;
    const Complaints complaints = about_jobs(page, text);
    EXPECT_TRUE(complaints.empty()) << joined(complaints);
  }
  EXPECT_GT(jobs, strategies().size()) << "each strategy's page has one";
}

TEST(Pages, ShowCommandsAndOptionsThatTheProgramHas) {
  std::size_t calls = 0;
  for (const std::string& page : pages()) {
    const std::string text = testing::read_text(page);
    for (const ShownLine& line : shell_lines(page, text)) calls += calls_in(line.text).size();
    const Complaints complaints = about_commands(page, text);
    EXPECT_TRUE(complaints.empty()) << joined(complaints);
  }
  EXPECT_GT(calls, 50U) << "the pages are found, and so are their calls";
}

// What is planted is caught.

TEST(Pages, ABrokenLinkIsCaught) {
  EXPECT_EQ(about_links("docs/planted.md", "[a](keys.md) [b](../README.md#first-result)\n"), Complaints{});
  EXPECT_EQ(about_links("docs/planted.md", "[a](kees.md)\n").size(), 1U);
  EXPECT_EQ(about_links("README.md", "![a](docs/pictures/none.png)\n").size(), 1U);
  EXPECT_EQ(about_links("README.md", "[a](docs/keys.md#no-such-heading)\n").size(), 1U);
}

TEST(Pages, AJobThatCannotBeRunIsCaught) {
  const auto complaints = [](const std::string& job) { return about_jobs("planted.md", "```toml\n" + job + "```\n"); };
  EXPECT_EQ(complaints("[compression]\noperator = \"qsgd\"\n"), Complaints{});
  EXPECT_EQ(complaints("[strategy]\nname = \"choco\"\ngamma = 0.4\n"), Complaints{});
  EXPECT_EQ(complaints("[strategy]\nname = \"fda\"\ntreshold = 2.5\n").size(), 1U) << "no such key";
  EXPECT_EQ(complaints("[strategy]\nname = fda\n").size(), 1U) << "no TOML";
  EXPECT_EQ(complaints("[strategy]\nname = \"all_reduce\"\n[compression]\noperator = \"sign\"\n").size(), 1U)
      << "sections that do not go together";
  EXPECT_EQ(complaints("[strategy]\nname = \"fda\"\nbudget = \"1 kB/1000 steps\"\n").size(), 1U)
      << "only a plan knows that";
  EXPECT_EQ(complaints("[data]\ndataset = \"fashion_mnist\"\npartition = \"shards:1000\"\n").size(), 1U)
      << "only the data know that";
}

TEST(Pages, ACommandThatDoesNotExistIsCaught) {
  const auto complaints = [](const std::string& line) { return about_commands("planted.md", "\n    " + line + "\n"); };
  EXPECT_EQ(complaints("build/release/laconic run job.toml --set strategy.threshold=5   # a comment --nonsense"),
            Complaints{});
  EXPECT_EQ(complaints("mpirun -n 8 laconic run job.toml --set 'checkpoint.every=1 epoch'"), Complaints{});
  EXPECT_EQ(complaints("cmake --build build/release --target laconic --nonsense"), Complaints{}) << "no call of it";
  EXPECT_EQ(complaints("laconic train job.toml").size(), 1U);
  EXPECT_EQ(complaints("laconic run job.toml --dryrun").size(), 1U);
  EXPECT_EQ(complaints("mpirun -n 8 laconic run job.toml --set strategy.treshold=5").size(), 1U);
  EXPECT_EQ(complaints("laconic sweep job.toml seed=1..3 threshhold=1,2").size(), 1U);
  EXPECT_EQ(complaints("laconic run examples/none/job.toml && laconic list strategems").size(), 2U);
  EXPECT_EQ(complaints("laconic sweep examples/comparison/*.yaml seed=1..3").size(), 1U);
  EXPECT_EQ(complaints("laconic codec topk --ratio 0.1").size(), 1U);
  EXPECT_EQ(about_commands("planted.md", "See `laconic explain fda`.\n").size(), 1U) << "inside prose";
}

}  // namespace
}  // namespace laconic
