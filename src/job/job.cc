#include "job/job.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <sstream>
#include <utility>

#include "base/error.h"
#include "job/job_file.h"
#include "job/job_paths.h"
#include "job/job_sections.h"
#include "job/schema.h"
#include "job/strategy_needs.h"
#include "job/stray_words.h"
#include "job/text/job_text.h"
#include "strategies/registry.h"
#include "topology/topology.h"
#include "training/data/data_files.h"
#include "training/data/partition.h"

namespace laconic {
namespace {

[[noreturn]] void refuse_unused(const std::string& where, const SchemaSection& section, const StrategyRow& strategy,
                                const StrategyRow* between) {
  std::string users;
  for (const StrategyRow* row : strategies()) {
    if (section.used_by(*row, default_demands(*row))) users += (users.empty() ? "" : ", ") + std::string(row->name);
  }
  throw UsageError(where + ": [" + std::string(section.name) + "] means nothing to strategy " +
                   std::string(strategy.name) + (between == nullptr ? "" : " with " + std::string(between->name)) +
                   (between == nullptr ? "" : " between the groups") + "; remove it, or choose one of " + users);
}

[[noreturn]] void refuse_in_own_loop(const std::string& where, std::string_view section) {
  throw UsageError(where + ": [" + std::string(section) +
                   "] means nothing where the loop is your own, with its data, model and optimiser; remove it");
}

std::vector<Seconds> parse_step_cost(const std::string& text, std::uint32_t workers) {
  std::vector<Seconds> costs;
  std::istringstream list(text);
  for (std::string part; std::getline(list, part, ',');) costs.push_back(parse_seconds(part));
  if (costs.size() == 1) costs.resize(workers, costs.front());
  if (costs.size() != workers) {
    throw UsageError("a list of " + std::to_string(costs.size()) + " durations for " + std::to_string(workers) +
                     " workers; give one for all, or one for each");
  }
  return costs;
}

void check_name(const std::string& name) {
  const bool fits =
      !name.empty() && name.size() <= 200 && name.front() != '.' && std::all_of(name.begin(), name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
               c == '-';
      });
  if (!fits) {
    throw UsageError("'" + name + "' cannot name a folder; use letters, digits, '.', '_' and '-', not '.' first");
  }
}

// The graph of a job over directed links that names none.
constexpr const char* kDefaultLinks = "base:1";

void check_topology(Job& job, const std::string& file) {
  if (!job.sections.contains("topology")) return;
  Options& options = job.sections.find("topology")->second;
  if (const std::string& graph = options.text("graph"); !graph.empty()) {
    job.at("topology", "graph", [&] { require_known_topology(graph); });
  }
  if (job.demands().talks != Talks::kLinks) {
    if (options.text("graph").empty()) {
      throw UsageError(file +
                       ": 'topology.graph' is missing (a row of `laconic list topologies`); write [topology] graph "
                       "= \"ring\"");
    }
    if (options.number("up") != 1.0) {
      throw UsageError(options.place("up") +
                       ": links may fail only for strategies over directed links, such as sgp; "
                       "remove it");
    }
    return;
  }
  if (options.text("weights") != mixing_weights().front().name) {
    throw UsageError(options.place("weights") +
                     ": over directed links each sender divides evenly, unless the topology "
                     "has weights of its own; remove it");
  }
  if (!(options.number("up") > 0.0)) {
    throw UsageError(options.place("up") + ": with 0 no link is ever there; give a probability above 0");
  }
  if (options.text("graph").empty()) options = options.with("graph", kDefaultLinks);
}

// Folders of their own say which worker has which samples, and no statistic goes from one to the other.
void check_data(const Job& job) {
  const Options& data = job.section("data");
  job.at("data", "partition", [&] { require_known_partition(data.text("partition")); });
  const bool by_rank = job.at("data", "dir", [&] { return names_rank(data.text("dir")); });
  if (!by_rank) return;
  if (data.given("partition")) {
    throw UsageError(data.place("partition") +
                     ": data.dir names a folder for each worker with {rank}, which is the partition; remove it");
  }
  for (const OptionSpec& option : job.dataset->options) {
    if (option.name != "normalise" || !data.flag("normalise")) continue;
    throw UsageError((data.given("normalise") ? data.place("normalise") : data.place("dir")) +
                     ": with {rank} no worker knows the mean and deviation over all training images; set "
                     "data.normalise = false");
  }
}

void check_network(const Job& job) {
  const Options& network = job.section("network");
  if (network.text("collective") != "star" && !job.demands().uses_collectives()) {
    const bool can = variant_where(*job.strategy, [](const Demands& demands) { return demands.uses_collectives(); });
    throw UsageError(network.place("collective") + ": strategy " + std::string(job.strategy->name) +
                     " uses no collective" + (can ? " as it is set here" : "") + "; remove it");
  }
  if (network.seconds("deadline").value <= 0.0) {
    throw UsageError(network.place("deadline") + ": nobody can answer within 0 s; give some minutes");
  }
}

void read_length(Job& job, const std::string& file, JobLoop loop) {
  const Options& options = job.section("job");
  const bool steps = options.given("steps");
  const bool epochs = options.given("epochs");
  if (steps && epochs) {
    throw UsageError(options.place("epochs") + ": job.steps is given too; keep one of the two");
  }
  if (!steps && loop == JobLoop::kOwn) {
    if (epochs) {
      throw UsageError(options.place("epochs") + ": what an epoch is only your own loop knows; give job.steps");
    }
    throw UsageError(file + ": job.steps is not given; write [job] steps = 1000, or how long to train");
  }
  if (!steps && !epochs) {
    throw UsageError(file +
                     ": neither job.steps nor job.epochs is given; write [job] epochs = 1, or how long to train");
  }
  try {
    job.length = steps ? TrainingLength{.in_epochs = false, .numerator = options.integer("steps"), .denominator = 1}
                       : length_of(options.number("epochs"), true);
    if (job.length.numerator == 0) throw UsageError("not above 0");
  } catch (const UsageError& error) {
    const std::string key = steps ? "steps" : "epochs";
    throw UsageError(options.place(key) + ": " + error.what() + "; a run has at least one step");
  }
}

// Reads a key's text further; an error gets the key's place and name.
template <typename Read>
auto read_further(const Options& options, std::string_view key, Read&& read) {
  try {
    return read(options.text(key));
  } catch (const UsageError& error) {
    throw UsageError(options.place(key) + ": " + error.what());
  }
}

// Where one worker takes the step of several, what those others have of their own is trained by nobody.
void check_local_tensors(const Job& job) {
  const Options& model = job.section("model");
  if (model.text("local").empty() || job.strategy->groups == nullptr) return;
  throw UsageError(model.place("local") + ": strategy " + std::string(job.strategy->name) +
                   " takes the step of a group at one of its workers, so that the other ones' own tensors would never "
                   "be trained; remove it, or choose another strategy");
}

// Data, model and optimiser, of a job that names them.
void read_training(Job& job) {
  const Options& data = job.section("data");
  job.dataset = &find_dataset(data.text("dataset"));
  check_data(job);
  job.drift = read_drift(job.section("drift"));
  job.sampling = parse_sampling(data.text("sampling"));
  job.model = &find_model(job.section("model").text("name"));
  if (job.model->input.value_or(job.dataset->input) != job.dataset->input) {
    const bool text = job.dataset->input == Input::kText;
    throw UsageError(job.section("model").place("name") + ": " + std::string(job.model->name) + " learns " +
                     (text ? "images" : "text") + ", but data.dataset is '" + std::string(job.dataset->name) + "', " +
                     (text ? "text; take lstm" : "images; take another model"));
  }
  job.optimizer = &find_optimizer(job.section("optimizer").text("name"));
  job.optimizer->check(job.section("optimizer"));
  check_momentum(job, *job.strategy, job.demands());
  if (job.between != nullptr) check_momentum(job, *job.between, job.demands_between());
  check_local_tensors(job);
}

// What a loop of the user's cannot do.
void check_own_loop(const Job& job) {
  if (job.demands().drive == LoopDrive::kNone) {
    std::string names;
    for (const StrategyRow* row : strategies()) {
      if (default_demands(*row).drive != LoopDrive::kNone)
        names += (names.empty() ? "" : ", ") + std::string(row->name);
    }
    throw UsageError(job.section("strategy").place("name") + ": strategy " + std::string(job.strategy->name) +
                     " cannot be driven by a loop of your own; choose one of " + names);
  }
  const Options& options = job.section("job");
  if (!options.text("until").empty()) {
    throw UsageError(options.place("until") + ": your own loop measures, and ends when it likes; remove it");
  }
  if (options.integer("patience") > 0) {
    throw UsageError(options.place("patience") + ": your own loop measures, and ends when it likes; remove it");
  }
  const Options& workers = job.section("workers");
  if (workers.given("threads")) {
    throw UsageError(workers.place("threads") + ": a worker computes in the thread of its own loop; remove it");
  }
}

// Throws UsageError, for the key that ends the run early, where the strategy needs all its steps.
void check_early_end(const Job& job, std::string_view key) {
  if (!job.demands().needs_all_steps) return;
  constexpr auto may_end = [](const Demands& demands) { return !demands.needs_all_steps; };
  const OptionSpec* against = option_against(*job.strategy, job.section("strategy"), may_end);
  const Variant* earlier = variant_where(*job.strategy, may_end);
  std::string text = "remove it";
  if (against != nullptr) {
    text += ", or strategy." + std::string(against->name);
  } else if (earlier != nullptr) {
    text += ", or merge earlier, as with " + text_of(*job.strategy, *earlier, "strategy");
  }
  throw UsageError(job.section("job").place(key) + ": strategy " + std::string(job.strategy->name) +
                   " merges the models at the end of its steps, which a run that ends earlier never reaches; " + text);
}

// What is measured and kept, when, and where.
void read_measuring(Job& job) {
  const Options& options = job.section("job");
  job.evaluation_interval = read_further(job.section("evaluation"), "every", parse_length);
  if (!job.section("checkpoint").text("every").empty()) {
    job.checkpoint_interval = read_further(job.section("checkpoint"), "every", parse_length);
  }
  if (!options.text("until").empty()) {
    job.until = read_further(options, "until", parse_until);
    check_early_end(job, "until");
    if (job.until->needs_validation() && job.section("data").number("validation") == 0.0 &&
        !job.dataset->has_validation) {
      throw UsageError(options.place("until") + ": no data are held out; set data.validation, such as 0.1");
    }
  }
  if (options.integer("patience") > 0) check_early_end(job, "patience");
  const Options& checkpoint = job.section("checkpoint");
  if (checkpoint.flag("keep_last") && !job.checkpoint_interval) {
    throw UsageError(checkpoint.place("keep_last") +
                     ": no checkpoints are made; set checkpoint.every, such as \"1 epoch\"");
  }
  const std::string& dir = job.section("output").text("dir");
  job.output_dir = dir.empty() ? "runs/" + job.name : dir;
}

std::string value_text(const Options& options, const Options::Resolved& option) {
  std::array<char, 64> buffer{};
  switch (option.spec->type) {
    case OptionType::kInteger:
      return std::to_string(options.integer(option.spec->name));
    case OptionType::kNumber: {
      if (options.is_word(option.spec->name) || options.schedule(option.spec->name)) return toml_quoted(option.text);
      const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), options.number(option.spec->name));
      return {buffer.data(), end.ptr};
    }
    case OptionType::kFlag:
      return option.text;
    default:
      return toml_quoted(option.text);
  }
}

// All keys but those that `leaves_out` is true for.
template <typename LeavesOut>
std::string write(const Job& job, LeavesOut&& leaves_out) {
  std::string text;
  for (const SchemaSection& section : schema()) {
    if (!job.sections.contains(section.name)) continue;
    const Options& options = job.section(section.name);
    std::string keys;
    for (const Options::Resolved& option : options.resolved()) {
      const std::string_view key = option.spec->name;
      if (leaves_out(section.name, key)) continue;
      if (section.name == "job" && (key == "steps" || key == "epochs") && !options.given(key)) continue;
      if (section.name == "data" && key == "partition" && names_rank(options.text("dir"))) continue;
      const bool is_name = section.name == "job" && key == "name";
      keys += std::string(key) + " = " + (is_name ? toml_quoted(job.name) : value_text(options, option)) + "\n";
    }
    if (!keys.empty()) text += (text.empty() ? "[" : "\n[") + std::string(section.name) + "]\n" + keys;
  }
  return text;
}

}  // namespace

const Options& Job::section(std::string_view section_name) const {
  const auto found = sections.find(section_name);
  LACONIC_CHECK(found != sections.end(), "no section '" << section_name << "'");
  return found->second;
}

std::string Job::place_of(std::string_view section_name, std::string_view key) const {
  const Options& options = section(section_name);
  if (!options.given(key)) return {};
  const std::string place = options.place(key);
  return place.substr(0, place.size() - section_name.size() - 1 - key.size());
}

std::string Job::checkpoint_dir() const {
  std::filesystem::path path = std::filesystem::path(output_dir).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "results/" is "results"
  return path.string() + ".checkpoint";
}

std::string Job::resolved_text() const {
  const std::string head = has_relative_paths(*this) ? folder_line(kPathsAreTakenFrom, folder) : std::string();
  return head + write(*this, [](std::string_view, std::string_view) { return false; });
}

std::string Job::identity() const { return write(*this, changes_no_result); }

std::string Job::seedless_identity() const {
  return write(*this, [](std::string_view in, std::string_view key) {
    return changes_no_result(in, key) || (in == "job" && key == "seed");
  });
}
std::string Job::identity_here() const { return (has_relative_paths(*this) ? folder + "\n" : "") + identity(); }

std::string Job::continued_identity(bool other_workers) const {
  return write(*this, [&](std::string_view in, std::string_view key) {
    return changes_no_result(in, key) || may_change_on_resume(in, key) ||
           (other_workers && may_change_with_workers(in, key));
  });
}

Job parse_job_text(std::string_view text, const std::string& file, std::span<const std::string> overrides,
                   JobLoop loop) {
  WrittenJob written = read_job_text(text, file);
  for (const auto& [name, section] : written) {
    if (name == kOutside) refuse_outside(section.keys.begin()->first, section.keys.begin()->second);
    if (find_section(name) == nullptr) refuse_section(section.where, name);
  }
  name_model_of_file(written);
  Job job;
  job.folder = folder_of_paths(text, file);
  for (const std::string& text_of_change : overrides) {
    Override change = parse_override(text_of_change);
    take_from(job.folder, change);
    apply_override(change, written);
  }
  name_model_of_file(written);

  for (const SchemaSection& section : schema()) {
    const auto found = written.find(std::string(section.name));
    if (loop == JobLoop::kOwn && !section.in_own_loop) {
      if (found != written.end()) refuse_in_own_loop(found->second.where, section.name);
      continue;
    }
    if (section.used_by != nullptr && !section.used_by(*job.strategy, job.demands()) &&
        (job.between == nullptr || !section.used_by(*job.between, job.demands_between()))) {
      if (found != written.end()) refuse_unused(found->second.where, section, *job.strategy, job.between);
      continue;
    }
    if (section.optional_for != nullptr && section.optional_for(job.demands()) && found == written.end()) continue;
    const auto resolved = job.sections.emplace(
        section.name, resolve_section(section, found == written.end() ? nullptr : &found->second, file));
    // Which of the sections behind them a job has depends on these two.
    if (section.name == "strategy") {
      job.strategy = &find_strategy(resolved.first->second.text("name"));
      if (job.strategy->check != nullptr) job.strategy->check(resolved.first->second);
    }
    if (section.name == "between") job.between = &find_strategy(resolved.first->second.text("name"));
  }
  const Options& options = job.section("job");
  job.name = options.given("name") ? options.text("name") : std::filesystem::path(file).stem().string();
  try {
    check_name(job.name);
  } catch (const UsageError& error) {
    throw UsageError((options.given("name") ? options.place("name") : file + ": job.name, taken from the file's") +
                     ": " + error.what());
  }
  job.seed = options.integer("seed");
  read_length(job, file, loop);

  if (loop == JobLoop::kOurs) read_training(job);
  if (loop == JobLoop::kOwn) check_own_loop(job);

  const Options& workers = job.section("workers");
  job.workers = static_cast<std::uint32_t>(workers.integer("count"));
  if (job.demands().single_worker && job.workers != 1) {
    throw UsageError(workers.place("count") + ": strategy " + std::string(job.strategy->name) +
                     " is for one worker, not " + std::to_string(job.workers) + "; set workers.count = 1");
  }
  const std::uint64_t least = workers.integer("least");
  job.least = least == 0 ? job.workers : static_cast<std::uint32_t>(least);
  job.patience = workers.seconds("patience");
  if (job.patience.value == 0.0) job.patience = job.section("network").seconds("deadline");
  if (job.strategy->groups != nullptr) job.groups = job.strategy->groups(job.section("strategy"), job.workers);
  job.step_cost =
      read_further(workers, "compute", [&](const std::string& value) { return parse_step_cost(value, job.workers); });
  check_topology(job, file);
  check_network(job);
  check_absence(job);
  check_schedules(job);
  check_faults(job);
  if (loop == JobLoop::kOurs) read_measuring(job);
  return job;
}

Job load_job(const std::string& path, std::span<const std::string> overrides, JobLoop loop) {
  return parse_job_text(read_job_file(path), path, overrides, loop);
}

}  // namespace laconic
