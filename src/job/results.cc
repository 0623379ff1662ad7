#include "job/results.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <new>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/supervision.h"
#include "job/job_data.h"
#include "report/tensorboard.h"
#include "report/workers.h"
#include "training/data/preprocessing.h"
#include "training/formats/safetensors.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kJobFile = "job.resolved.toml";
constexpr std::string_view kMetricsFile = "metrics.jsonl";
constexpr std::string_view kModelFile = "model.safetensors";
constexpr std::string_view kPythonFile = "model.pt";
constexpr std::string_view kBestFile = "model.best.safetensors";
constexpr std::string_view kBestPythonFile = "model.best.pt";
constexpr std::string_view kPreprocessFile = "preprocess.json";
constexpr std::string_view kSummaryFile = "summary.json";
constexpr std::string_view kWorkersFile = "workers.json";
constexpr std::string_view kPageFile = "report.html";
constexpr std::array kFiles = {kJobFile,        kMetricsFile,    kTensorBoardFile, kModelFile,   kPythonFile, kBestFile,
                               kBestPythonFile, kPreprocessFile, kWorkersFile,     kSummaryFile, kPageFile};

std::string join(const std::string& folder, std::string_view file) { return (fs::path(folder) / file).string(); }

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

std::string read_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

// A folder that this program may replace: absent, or with nothing but results in it.
void check_replaceable(const Job& job, const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error)) return;
  const std::string place = job.place_of("output", "dir");
  if (!fs::is_directory(path, error)) {
    throw UsageError(place + path + ": is no folder; give another output.dir or job.name");
  }
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    const std::string name = entry.path().filename().string();
    if (std::find(kFiles.begin(), kFiles.end(), name) == kFiles.end()) {
      throw UsageError(place + path + ": holds '" + name +
                       "', which is no result of a run, and would be replaced; move it, or give another output.dir");
    }
  }
}

// `folder` takes the place of `path`, and what was there goes away.
void replace_folder(const std::string& folder, const std::string& path, std::error_code& error) {
  if (!fs::exists(path)) {
    fs::rename(folder, path, error);
    return;
  }
  std::error_code ignored;
  if (renameat2(AT_FDCWD, folder.c_str(), AT_FDCWD, path.c_str(), RENAME_EXCHANGE) == 0) {
    fs::remove_all(folder, ignored);
    return;
  }
  // Not every file system can exchange two folders.
  const std::string former = folder + ".former";
  fs::remove_all(former, error);
  if (!error) fs::rename(path, former, error);
  if (!error) fs::rename(folder, path, error);
  if (!error) fs::remove_all(former, ignored);
}

// Whether the folder's results are of a run that came to its end; a summary that cannot be read is taken for one.
bool holds_finished_run(const std::string& path) {
  std::error_code error;
  const std::string summary = join(path, kSummaryFile);
  if (!fs::is_regular_file(summary, error)) return false;
  try {
    return read_summary(read_file(summary)).finished;
  } catch (const DecodeError&) {
    return true;
  }
}

Summary::End end_of(Outcome::End end) {
  switch (end) {
    case Outcome::End::kSteps:
      return Summary::End::kSteps;
    case Outcome::End::kUntil:
      return Summary::End::kUntil;
    case Outcome::End::kPatience:
      return Summary::End::kPatience;
    case Outcome::End::kInterrupted:
      return Summary::End::kInterrupted;
    case Outcome::End::kFailed:
      return Summary::End::kFailed;
  }
  return Summary::End::kFailed;
}

Summary::Source source_of(Outcome::Source source) {
  switch (source) {
    case Outcome::Source::kStart:
      return Summary::Source::kStart;
    case Outcome::Source::kMeasured:
      return Summary::Source::kMeasured;
    case Outcome::Source::kAverageAtEnd:
      return Summary::Source::kAverageAtEnd;
    case Outcome::Source::kSynchronised:
      return Summary::Source::kSynchronised;
    case Outcome::Source::kOfWorker0:
      return Summary::Source::kOfWorker0;
  }
  return Summary::Source::kMeasured;
}

// Links and labels that workers.json has at most; more would say nothing in a picture.
constexpr std::size_t kMostRounds = 24;
constexpr std::size_t kMostLinks = 50'000;
constexpr std::size_t kMostCounts = 100'000;

std::vector<std::vector<std::uint64_t>> labels_by_worker(const JobSetup& setup) {
  const std::size_t classes = setup.data->classes;
  const std::vector<std::uint16_t>& labels = setup.data->train.labels;
  const bool has_all =
      std::all_of(setup.partition.begin(), setup.partition.end(), [](const auto& part) { return !part.empty(); });
  if (labels.empty() || !has_all || classes * setup.partition.size() > kMostCounts) return {};
  std::vector<std::vector<std::uint64_t>> counts;
  for (const auto& part : setup.partition) {
    std::vector<std::uint64_t>& own = counts.emplace_back(classes);
    for (const std::uint32_t sample : part) ++own.at(labels.at(sample));
  }
  return counts;
}

std::vector<std::vector<std::string>> users_by_worker(const JobSetup& setup) {
  const Dataset& data = *setup.data;
  const bool has_all =
      std::all_of(setup.partition.begin(), setup.partition.end(), [](const auto& part) { return !part.empty(); });
  if (data.user_names.empty() || !has_all) return {};
  std::size_t count = 0;
  std::vector<std::vector<std::string>> names;
  for (const auto& part : setup.partition) {
    std::set<std::uint32_t> users;
    for (const std::uint32_t sample : part) users.insert(data.train.users.at(sample));
    count += users.size();
    if (count > kMostCounts) return {};
    std::vector<std::string>& own = names.emplace_back();
    for (const std::uint32_t user : users) own.push_back(data.user_names.at(user));
  }
  return names;
}

std::optional<WorkersRecord::Graph> graph_of(const StrategySetting& setting) {
  WorkersRecord::Graph graph;
  if (setting.mixing) {
    graph.nodes = static_cast<std::uint32_t>(setting.mixing->nodes());
    graph.period = 1;
    auto& edges = graph.rounds.emplace_back();
    for (std::uint32_t node = 0; node < graph.nodes; ++node) {
      for (const WeightedNeighbor& neighbor : setting.mixing->neighbors({static_cast<std::int32_t>(node)})) {
        const auto other = static_cast<std::uint32_t>(neighbor.rank.value);
        if (node < other && edges.size() < kMostLinks) edges.emplace_back(node, other);
      }
    }
    return graph;
  }
  if (!setting.links) return std::nullopt;
  graph.nodes = setting.links->nodes();
  graph.directed = true;
  graph.period = setting.links->period();
  std::size_t links = 0;
  const std::size_t rounds = std::min<std::size_t>(setting.links->typical_rounds(), kMostRounds);
  for (std::uint64_t round = 0; round < rounds && links < kMostLinks; ++round) {
    const std::shared_ptr<const LinkMatrix> matrix = setting.links->at(round);
    auto& list = graph.rounds.emplace_back();
    for (std::uint32_t node = 0; node < graph.nodes; ++node) {
      for (const WeightedNeighbor& receiver : matrix->receivers({static_cast<std::int32_t>(node)}))
        list.emplace_back(node, static_cast<std::uint32_t>(receiver.rank.value));
    }
    links += list.size();
  }
  return graph;
}

WorkersRecord workers_record(const JobSetup& setup) {
  WorkersRecord record;
  record.labels = labels_by_worker(setup);
  if (!record.labels.empty()) record.classes = setup.data->class_names;
  record.users = users_by_worker(setup);
  record.graph = graph_of(setup.strategy_setting);
  return record;
}

fs::path path_of(const Job& job) {
  fs::path path = fs::path(job.output_dir).lexically_normal();
  return path.has_filename() ? path : path.parent_path();  // "results/" is "results"
}

// Where results lie until their run ends.
std::string temporary_of(const fs::path& path) {
  return (path.parent_path() / ("." + path.filename().string() + ".tmp")).string();
}

// Whether the folder that is open is the one at `path`.
bool is_folder(const std::string& path, int open_folder) {
  struct stat here {};
  struct stat there {};
  return fstat(open_folder, &here) == 0 && stat(path.c_str(), &there) == 0 && here.st_dev == there.st_dev &&
         here.st_ino == there.st_ino;
}

// What is known of it before its first step.
Summary summary_at_start(const Job& job, const JobSetup& setup, RuntimeKind runtime) {
  Summary summary;
  summary.runtime = runtime == RuntimeKind::kProcesses ? Summary::Runtime::kProcesses : Summary::Runtime::kSimulator;
  summary.average = runtime == RuntimeKind::kSimulator || job.section("evaluation").flag("average");
  summary.program_version = LACONIC_VERSION;
  summary.job = job.name;
  summary.strategy = job.strategy->name;
  summary.model = job.model->name;
  summary.dataset = job.dataset->name;
  if (setup.data->input == Input::kImages) summary.classes = setup.data->class_names;
  summary.seed = job.seed;
  summary.workers = job.workers;
  summary.parameters = setup.strategy_setting.dimension;
  if (setup.tuned) summary.tuned_gamma = setup.tuned->gamma;
  summary.planned_steps = setup.steps();
  return summary;
}

}  // namespace

void write_result(const std::string& path, const std::string& text) {
  errno = 0;
  std::ofstream stream(path, std::ios::binary);
  stream << text;
  stream.close();
  if (!stream) {
    const std::string problem = errno != 0 ? std::strerror(errno) : "no reason is given";
    throw RunError(path + ": cannot be written (" + problem + ")");
  }
}

bool is_being_written(const Job& job) {
  const int folder = open(temporary_of(path_of(job)).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return false;
  const bool is_free = flock(folder, LOCK_EX | LOCK_NB) == 0;
  close(folder);
  return !is_free;
}

RunFolder::RunFolder(const Job& job) : path_(path_of(job).string()), temporary_(temporary_of(path_of(job))) {
  check_replaceable(job, path_);
  std::error_code error;
  // Whoever wrote it may have put it in its place between the opening and the lock: then the lock is on results.
  for (bool is_ours = false; !is_ours;) {
    fs::create_directories(temporary_, error);
    lock_ = open(temporary_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (error || lock_ < 0) {
      throw UsageError(job.place_of("output", "dir") + temporary_ + ": cannot be made; give another output.dir");
    }
    if (flock(lock_, LOCK_EX | LOCK_NB) != 0) {
      close(lock_);
      throw RunInUse(temporary_ + ": another run is writing it; wait for it, or give another job.name");
    }
    is_ours = is_folder(temporary_, lock_);
    if (!is_ours) close(lock_);
  }
  for (const std::string_view file : kFiles) fs::remove(join(temporary_, file), error);
  metrics_.open(join(temporary_, kMetricsFile), std::ios::binary);
  write_result(join(temporary_, kJobFile), job.resolved_text());
}

RunFolder::~RunFolder() {
  std::error_code error;
  if (!temporary_.empty()) fs::remove_all(temporary_, error);
  close(lock_);
}

std::string RunFolder::metrics() const { return read_file(join(temporary_, kMetricsFile)); }

void RunFolder::set_metrics(const std::string& lines) {
  metrics_.close();
  write_result(join(temporary_, kMetricsFile), lines);
  metrics_.open(join(temporary_, kMetricsFile), std::ios::binary | std::ios::app);
}

void RunFolder::add_metric(const std::string& line) {
  metrics_ << line << '\n' << std::flush;
  if (!metrics_) throw RunError(join(temporary_, kMetricsFile) + ": cannot be written; is the disk full?");
}

std::string RunFolder::publish(const Job& job, const JobSetup& setup, const RunResult& result, const Summary& summary) {
  metrics_.close();
  std::string missing;
  std::string reason;
  // A disk that has no room for a page may have some for a model.
  const auto attempt = [&](std::string_view file, const std::function<void(const std::string&)>& write) {
    const std::string path = join(temporary_, file);
    try {
      write(path);
    } catch (const std::exception& problem) {
      std::error_code ignored;
      fs::remove(path, ignored);
      missing += (missing.empty() ? "" : ", ") + std::string(file);
      if (reason.empty()) reason = one_line(problem.what());
    }
  };
  const auto store = [&](const std::vector<float>& params, const std::vector<float>& buffers, Step step,
                         std::string_view file, std::string_view python_file) {
    if (params.empty()) return;
    std::vector<float> tensors = params;
    tensors.insert(tensors.end(), buffers.begin(), buffers.end());
    attempt(file, [&](const std::string& path) {
      write_safetensors(
          path, setup.training->stored_layout(), tensors,
          {{"job", job.name}, {"model", std::string(job.model->name)}, {"step", std::to_string(step.value)}});
    });
    attempt(python_file, [&](const std::string& path) { setup.training->write_for_python(path, tensors); });
  };
  const Outcome& outcome = result.outcome;
  store(outcome.model, outcome.buffers, outcome.model_step, kModelFile, kPythonFile);
  if (outcome.best) store(outcome.best_model, outcome.best_buffers, outcome.best->step, kBestFile, kBestPythonFile);
  attempt(kPreprocessFile, [&](const std::string& path) { write_result(path, preprocess_text(*setup.data)); });
  const PageRun page{.name = job.name,
                     .job = job.resolved_text(),
                     .metrics = metrics(),
                     .summary = summary_text(summary),
                     .workers = workers_text(workers_record(setup))};
  attempt(kSummaryFile, [&](const std::string& path) { write_result(path, page.summary); });
  const auto attempt_in_time = [&](std::string_view file, const std::function<void(const std::string&)>& write) {
    attempt(file, [&](const std::string& path) {
      report_progress("writing results");
      write(path);
    });
  };
  attempt_in_time(kWorkersFile, [&](const std::string& path) { write_result(path, page.workers); });
  attempt_in_time(kTensorBoardFile,
                  [&](const std::string& path) { write_result(path, tensorboard_events(page.metrics)); });
  attempt_in_time(kPageFile, [&](const std::string& path) { write_result(path, report_page({&page, 1})); });
  if ((!summary.finished() || !missing.empty()) && holds_finished_run(path_)) {
    path_ += summary.end == Summary::End::kInterrupted ? ".interrupted" : ".failed";
    check_replaceable(job, path_);
  }
  std::error_code error;
  replace_folder(temporary_, path_, error);
  if (error) {
    const std::string kept = std::exchange(temporary_, {});
    throw RunError(path_ + ": cannot be written (" + error.message() + "); the results are in " + kept);
  }
  temporary_.clear();
  if (missing.empty()) return {};
  return path_ + ": without " + missing + ": " + reason;
}

PageRun page_at_start(const Job& job, const JobSetup& setup, RuntimeKind runtime) {
  return {.name = job.name,
          .job = job.resolved_text(),
          .metrics = {},
          .summary = summary_text(summary_at_start(job, setup, runtime)),
          .workers = workers_text(workers_record(setup))};
}

Summary summarise(const Job& job, const JobSetup& setup, const RunResult& result, RuntimeKind runtime) {
  Summary summary = summary_at_start(job, setup, runtime);
  summary.end = end_of(result.outcome.end);
  if (result.outcome.error) summary.error = error_text(result.outcome.error);
  summary.steps = result.steps_done.value;
  summary.epochs = setup.epochs(result.steps_done);
  if (!result.outcome.model.empty()) summary.model_step = result.outcome.model_step.value;
  summary.model_source = source_of(result.outcome.model_source);
  if (const std::optional<BestFigures>& best = result.outcome.best) {
    summary.best = Summary::Best{.step = best->step.value,
                                 .by_validation = best->by_validation,
                                 .of_numbers = setup.data->numbers > 0,
                                 .score = best->score,
                                 .loss = best->loss,
                                 .is_stored = !result.outcome.best_model.empty()};
  }
  summary.patience = setup.simulation.patience;
  summary.syncs = result.outcome.syncs;
  for (const std::uint64_t step : setup.training->drifts()) {
    if (step < summary.steps) summary.drifts.push_back(step);
  }
  summary.time = result.outcome.time;
  summary.wall_seconds = result.wall_seconds;
  summary.trace_hash = result.outcome.trace_hash;
  summary.paper_gb = paper_gb(job, setup.strategy_setting, summary.steps, summary.syncs);
  summary.joules = joules_of(job, result.outcome.ledger.total().framed, summary.steps);
  if (!result.measurements.empty()) {
    summary.newest = result.measurements.back();
    double best = result.measurements.front().test.score();
    for (const Measurement& measurement : result.measurements) best = std::max(best, measurement.test.score());
    summary.best_score = best;
  }
  add_ledger(result.outcome.ledger, summary);
  summary.has_all_nodes = result.outcome.ledger_is_whole;
  return summary;
}

std::string error_text(const std::exception_ptr& error) {
  std::string text = "unknown error";
  try {
    std::rethrow_exception(error);
  } catch (const std::bad_alloc&) {
    text = "out of memory; --dry-run says what a job needs: give fewer workers.count or a smaller model";
  } catch (const std::exception& known) {
    text = known.what();
  } catch (...) {
  }
  return one_line(std::move(text));
}

std::optional<double> joules_of(const Job& job, Bytes sent, std::uint64_t steps) {
  const Options& energy = job.section("energy");
  if (!(energy.number("per_bit") > 0.0 || energy.number("per_step") > 0.0)) return std::nullopt;
  const double all_steps = static_cast<double>(steps) * static_cast<double>(job.workers);
  return 8.0 * static_cast<double>(sent.value) * energy.number("per_bit") + all_steps * energy.number("per_step");
}

std::optional<double> paper_gb(const Job& job, const StrategySetting& setting, std::uint64_t steps,
                               std::uint64_t syncs) {
  // The papers' formulas are of whole models.
  if (setting.compressor || job.strategy->paper_bytes == nullptr) return std::nullopt;
  const std::optional<double> bytes = job.strategy->paper_bytes(job.section("strategy"), setting, steps, syncs);
  return bytes ? std::optional(*bytes / 1e9) : std::nullopt;
}

std::optional<StoredRun> load_run(const std::string& path) {
  std::error_code error;
  const std::string summary = join(path, kSummaryFile);
  if (!fs::is_regular_file(summary, error)) return std::nullopt;
  StoredRun run;
  try {
    run.figures = read_summary(read_file(summary));
    run.written = fs::last_write_time(summary, error);
  } catch (const DecodeError& bad) {
    throw UsageError(summary + ": " + bad.what() + "; remove the folder and run the job again");
  }
  try {
    run.identity = load_job(join(path, kJobFile)).identity_here();
  } catch (const UsageError&) {
    // Of another version of the program, or changed by hand: the same as no job of ours.
  }
  return run;
}

PageRun load_page_run(const std::string& path) {
  std::error_code error;
  if (!fs::is_regular_file(join(path, kSummaryFile), error))
    throw UsageError(path + ": holds no summary.json of a run; give a folder of results");
  fs::path place = fs::absolute(path).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();
  return {.name = place.filename().string(),
          .job = read_file(join(path, kJobFile)),
          .metrics = read_file(join(path, kMetricsFile)),
          .summary = read_file(join(path, kSummaryFile)),
          .workers = read_file(join(path, kWorkersFile))};
}

bool is_result_of(const StoredRun& run, const Job& job) {
  const bool is_same =
      run.figures.finished && run.identity == job.identity_here() && run.figures.program_version == LACONIC_VERSION;
  return is_same && !has_newer_input(job, run.written);
}

}  // namespace laconic
