#include "cli/commands.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/supervision.h"
#include "cli/cluster.h"
#include "cli/execute.h"
#include "cli/first_folder.h"
#include "cli/work_display.h"
#include "job/job.h"
#include "job/plan.h"
#include "job/results.h"
#include "job/run_set.h"
#include "job/wiring.h"
#include "report/comparison.h"
#include "report/comparison_page.h"
#include "report/class_metrics.h"
#include "report/evaluation_text.h"
#include "report/format.h"
#include "report/score.h"
#include "training/formats/safetensors.h"

namespace laconic {
namespace {

bool same_folder(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::weakly_canonical(a, error) == std::filesystem::weakly_canonical(b, error);
}

void tell_left_out(Console& console, const RunSet& set) {
  for (const std::string& line : set.left_out) print_warning(console.err, line);
}

}  // namespace

ExitCode run_command(Console& console, const RunArguments& arguments) {
  console.page.reset();
  if (arguments.serve) console.page = serve::parse_address(*arguments.serve);
  const std::optional<links::Launch> launch = links::find_launch();
  if (launch && !arguments.dry_run) return run_on_cluster(console, arguments, *launch);
  if (launch && launch->rank > 0) return ExitCode::kDone;  // one plan is enough
  Execution execution = simulated_execution(console);
  std::optional<FirstFolder> folder;
  Job job;
  if (arguments.resume.empty()) {
    job = load_job(arguments.job_file, arguments.overrides);
  } else {
    const RuntimeKind kind = launch ? RuntimeKind::kProcesses : RuntimeKind::kSimulator;
    RunToResume run = find_run_to_resume(arguments.resume, kind);
    for (const std::string& line : run.passed_over) print_warning(console.err, "passed over " + line);
    std::string job_file = arguments.job_file;
    folder.emplace(run, job_file);
    job = job_to_resume(run, job_file, arguments.overrides);
    execution.resume = resumption_of(run, job);
    execution.set_up = [&folder, set_up = execution.set_up](const Job& of) {
      return folder->explained([&] { return set_up(of); });
    };
  }
  if (!arguments.dry_run) return execute(console, job, execution);
  WorkDisplay work(console);
  const Supervision supervision(work);
  const std::string plan = plan_text(job, execution.set_up(job), console.width);
  work.end();
  console.out << plan << std::flush;
  return ExitCode::kDone;
}

ExitCode compare_command(Console& console, const CompareArguments& arguments) {
  // All jobs are read before the first is run.
  struct Entry {
    std::string folder;
    std::optional<Job> job;  // unset: a folder of results was given
  };
  std::vector<Entry> entries;
  for (const std::string& argument : arguments.jobs_or_folders) {
    std::error_code error;
    Entry entry;
    if (std::filesystem::is_directory(argument, error)) {
      entry.folder = argument;
      RunSet readable;
      add_runs(argument, readable);
    } else {
      entry.job = load_job(argument, arguments.overrides);
      entry.folder = entry.job->output_dir;
      for (const Entry& other : entries) {
        if (other.job && same_folder(other.folder, entry.folder) && other.job->identity() != entry.job->identity()) {
          throw UsageError(argument + ": writes " + entry.folder +
                           " as another of these jobs does; give them different names");
        }
      }
    }
    entries.push_back(std::move(entry));
  }

  RunSet set;
  for (const Entry& entry : entries) {
    if (entry.job) {
      const std::optional<StoredRun> stored = load_run(entry.folder);
      if (!stored || !is_result_of(*stored, *entry.job)) {
        const ExitCode code = execute(console, *entry.job, simulated_execution(console));
        console.out << std::endl;
        if (code != ExitCode::kDone) return code;
      }
    }
    add_runs(entry.folder, set);
  }
  tell_left_out(console, set);
  const Comparison comparison = compare_set(set);
  if (!arguments.json.empty()) write_result(arguments.json, comparison_json("", comparison));
  if (!arguments.csv.empty()) write_result(arguments.csv, comparison_csv(comparison));
  console.out << comparison_text(comparison, console.width) << std::flush;
  return ExitCode::kDone;
}

ExitCode report_command(Console& console, const ReportArguments& arguments) {
  RunSet set;
  for (const std::string& folder : arguments.folders) add_runs(folder, set);
  check_pages(set);
  tell_left_out(console, set);
  if (set.runs.empty()) throw UsageError("no run is left to show; run the jobs again");
  std::string output = arguments.output;
  if (output.empty()) {
    output = arguments.folders.size() == 1 ? (std::filesystem::path(arguments.folders.front()) / "report.html").string()
                                           : "report.html";
  }
  FigureAxes axes{.logarithmic = arguments.logarithmic};
  if (arguments.against) axes.against = parse_chart_axis(*arguments.against);
  const std::vector<ChartFolder> folders = chart_folders(arguments.charts, output);
  make_chart_folders(folders);
  std::string page;
  ChartFiles files;
  if (set.runs.size() == 1) {
    const PageRun run = load_page_run(set.runs.front().folder);
    page = report_page(run);
    if (!folders.empty()) files.figures = figures_of(run, axes);
  } else {
    const Comparison comparison = compare_set(set);
    const std::vector<RunGroup> groups = pages_of(set, comparison);
    page = comparison_page(comparison, groups);
    if (!folders.empty()) files = {figures_of(comparison, groups, axes), comparison_csv(comparison)};
  }
  write_result(output, page);
  console.out << output << std::endl;
  for (const std::string& line : write_charts(files, folders)) console.out << line << std::endl;
  return ExitCode::kDone;
}

ExitCode evaluate_command(Console& console, const EvaluateArguments& arguments) {
  const Job job = load_job(arguments.job_file, arguments.overrides);
  WorkDisplay work(console);
  const Supervision supervision(work);
  const JobSetup setup = set_up(job, Purpose::kEvaluate);
  const std::vector<float> tensors = read_safetensors(arguments.model_file, setup.training->stored_layout());
  const auto params = std::span(tensors).first(setup.training->dimension());
  const auto buffers = std::span(tensors).subspan(params.size());
  const bool of_numbers = setup.data->numbers > 0;
  std::vector<Table::Column> columns = {
      {"split", Table::Align::kLeft}, {"samples"}, {"loss"}, {std::string(score_name(of_numbers))}};
  if (of_numbers) columns.push_back({"MAE"});
  Table table(std::move(columns));
  const bool has_names = setup.data->input == Input::kImages;
  const std::vector<std::string> classes = has_names ? setup.data->class_names : std::vector<std::string>();
  std::vector<SplitEvaluation> splits;
  std::string classes_lines;
  const auto add = [&](const std::string& name, Split split) {
    const Evaluation result = setup.training->evaluate(params, buffers, split);
    if (result.samples == 0) return;
    splits.push_back({.split = name, .evaluation = result});
    if (result.confusion) classes_lines += name + ": " + classes_text(*result.confusion, classes) + "\n";
    std::vector<std::string> cells = {name, grouped(result.samples), significant(result.loss, 4), score_text(result)};
    if (result.regression) cells.push_back(significant(result.regression->mean_absolute_error, 4));
    table.add_row(std::move(cells));
  };
  add("test", Split::kTest);
  add("validation", Split::kValidation);
  work.end();
  if (arguments.json) {
    console.out << evaluation_text(arguments.model_file, job.name, splits, classes) << std::flush;
  } else {
    console.out << table.text(console.width) << classes_lines << std::flush;
  }
  return ExitCode::kDone;
}

ExitCode report_error(Console& console) {
  const std::exception_ptr error = std::current_exception();
  const ExitCode code = exit_code_of(error);
  if (code == ExitCode::kInterrupted) {
    console.err << "laconic: " << error_text(error) << "; nothing is written" << std::endl;
  } else {
    print_error(console.err, error_text(error));
  }
  return code;
}

}  // namespace laconic
