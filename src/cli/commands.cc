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
#include "cli/work_display.h"
#include "job/first_folder.h"
#include "job/job.h"
#include "job/plan.h"
#include "job/results.h"
#include "job/run_set.h"
#include "job/wiring.h"
#include "report/class_metrics.h"
#include "report/comparison.h"
#include "report/comparison_page.h"
#include "report/evaluation_text.h"
#include "report/format.h"

namespace laconic {
namespace {

bool same_folder(const std::string& a, const std::string& b) {
  std::error_code error;
  return std::filesystem::weakly_canonical(a, error) == std::filesystem::weakly_canonical(b, error);
}

void tell_left_out(Console& console, const RunSet& set) {
  for (const std::string& line : set.left_out) print_warning(console.err, line);
}

// Throws UsageError for what cannot hold results, with what was meant.
void require_folder(const std::string& path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) return;
  if (path.ends_with(".toml")) {
    throw UsageError(path + ": is a job file; give the folder of its results, which laconic run " + path + " writes");
  }
  throw UsageError(path + (std::filesystem::exists(path, error) ? ": is no folder" : ": no such folder") +
                   "; give a folder of results, such as runs/NAME");
}

// Throws UsageError for a name of nothing that may have been meant as a folder of results. What may have been meant as a
// job file load_job answers.
void require_some_file(const std::string& path) {
  std::error_code error;
  const std::filesystem::path name(path);
  if (path.empty() || name.extension() == ".toml" || std::filesystem::exists(name, error) ||
      std::filesystem::exists(path + ".toml", error)) {
    return;
  }
  throw UsageError(path + ": no such job file or folder of results; give one, such as job.toml or runs/NAME");
}

}  // namespace

RunArguments with_resume(RunArguments arguments, const std::string& value) {
  const std::filesystem::path path(value);
  std::error_code error;
  const bool is_job = path.extension() == ".toml" || std::filesystem::is_regular_file(path, error);
  arguments.resume = value;
  if (path.filename() == kJobFile) {
    arguments.resume = path.has_parent_path() ? path.parent_path().string() : ".";
  } else if (is_job) {
    if (!arguments.job_file.empty() && arguments.job_file != value) {
      throw UsageError("--resume " + value + ": a job file is given already, " + arguments.job_file +
                       "; give the folder of the run's results, or one of the two");
    }
    arguments.job_file = value;
    arguments.resume = "";
  }
  if (arguments.resume->empty() && arguments.job_file.empty()) {
    throw UsageError("--resume: which run? Give the folder of its results, such as laconic run --resume runs/job");
  }
  return arguments;
}

std::string folder_to_resume(const RunArguments& arguments) {
  if (!arguments.resume->empty()) return *arguments.resume;
  return load_job(arguments.job_file, arguments.overrides).output_dir;
}

ExitCode run_command(Console& console, const RunArguments& arguments) {
  console.page.reset();
  if (arguments.serve) console.page = serve::parse_address(*arguments.serve);
  const std::optional<links::Launch> launch = links::find_launch();
  if (launch && !arguments.dry_run) return run_on_cluster(console, arguments, *launch);
  if (launch && launch->rank > 0) return ExitCode::kDone;  // one plan is enough
  Execution execution = simulated_execution(console);
  RunToResume run;
  Job job;
  if (!arguments.resume) {
    job = load_job(arguments.job_file, arguments.overrides);
  } else {
    const RuntimeKind kind = launch ? RuntimeKind::kProcesses : RuntimeKind::kSimulator;
    run = find_run_to_resume(folder_to_resume(arguments), kind);
    for (const std::string& line : run.passed_over) print_warning(console.err, "passed over " + line);
    job = job_to_resume(run, arguments.job_file, arguments.overrides);
    execution.resume = resumption_of(run, job);
    execution.set_up = [&run, set_up = execution.set_up](const Job& of) {
      return set_up_resumed(run, of, [&] { return set_up(of); });
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
      require_some_file(argument);
      entry.job = load_job(argument, arguments.overrides);
      entry.folder = entry.job->output_dir;
      for (const Entry& other : entries) {
        if (other.job && same_folder(other.folder, entry.folder) &&
            other.job->identity_here() != entry.job->identity_here()) {
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
  for (const std::string& folder : arguments.folders) {
    require_folder(folder);
    add_runs(folder, set);
  }
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
    if (!folders.empty()) files = {figures_of(run, axes), tables_of(run)};
  } else {
    const Comparison comparison = compare_set(set);
    const std::vector<RunGroup> groups = pages_of(set, comparison);
    page = comparison_page(comparison, groups);
    if (!folders.empty()) files = {figures_of(comparison, groups, axes), {{"comparison", comparison_csv(comparison)}}};
  }
  write_result(output, page);
  console.out << output << std::endl;
  for (const std::string& line : write_charts(files, folders)) console.out << line << std::endl;
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
