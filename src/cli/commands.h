// The commands of the program. Each prints to the console and returns the exit code; bad usage and bad jobs are thrown
// as UsageError before anything was started or written.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/options.h"
#include "cli/chart_files.h"
#include "cli/console.h"
#include "job/exit_code.h"

namespace laconic {

struct RunArguments {
  std::string job_file;  // may be empty where the folder of a run to resume is given: its checkpoint holds the job
  std::vector<std::string> overrides;
  bool dry_run = false;
  // The results of a run to go on from its newest checkpoint; empty: those of the job file. Unset: begin at the beginning.
  std::optional<std::string> resume = {};
  // Where the page is served while the run goes on, as serve::parse_address takes it; unset: nowhere.
  std::optional<std::string> serve = {};
};
// The form of `arguments` where --resume was given as users write it: the folder of the results, their job.resolved.toml,
// the job file, or nothing beside a job file. Throws UsageError for two job files, and for none.
RunArguments with_resume(RunArguments arguments, const std::string& value);
// The folder of the results of the run to resume. Throws UsageError as load_job() does.
std::string folder_to_resume(const RunArguments& arguments);
// In the simulator, or, where a launcher has started this process as one of several, over MPI.
ExitCode run_command(Console& console, const RunArguments& arguments);

// Job files, which are run unless their folder holds the identical run already, and folders of results and of sweeps.
// Runs that differ in their seed alone are one line.
struct CompareArguments {
  std::vector<std::string> jobs_or_folders;
  std::vector<std::string> overrides;  // of the job files
  std::string json = {};               // files that get the comparison; empty: none
  std::string csv = {};
};
ExitCode compare_command(Console& console, const CompareArguments& arguments);

// Jobs run with every combination of values of some of their keys. Runs that are there already, as for compare_command,
// are not run again; one that broke off goes on from its newest checkpoint. A run that fails does not keep the others
// from running; the exit code tells.
struct SweepArguments {
  std::vector<std::string> jobs_and_values;  // job files, and what parse_swept_key takes, in any order
  std::vector<std::string> overrides;
  bool dry_run = false;
};
ExitCode sweep_command(Console& console, const SweepArguments& arguments);

// The page of a run, or of several side by side: those that differ in their seed alone as one line with a band.
struct ReportArguments {
  std::vector<std::string> folders;         // of results, or of sweeps
  std::string output;                       // empty: report.html in the only folder given, or here
  std::vector<ChartFolder> charts = {};     // its charts as files; an empty path: "charts" beside the page
  std::optional<std::string> against = {};  // of these, as parse_chart_axis takes it; unset: steps
  bool logarithmic = false;                 // of these
};
ExitCode report_command(Console& console, const ReportArguments& arguments);

// Models measured on the data of a job.
struct EvaluateArguments {
  // A model's file, a job file, or a folder of results, which has both; of two the order is free. A model alone is
  // measured on the job beside it, a job alone measures the models of its results.
  std::vector<std::string> files;
  std::string model = {};  // the model's file, where it is given by name
  std::vector<std::string> overrides = {};
  bool json = false;  // all of it as JSON, the classes one by one with their confusion matrix
};
ExitCode evaluate_command(Console& console, const EvaluateArguments& arguments);

// What the compression operators make of a vector.
struct CodecArguments {
  std::string compressor = {};                      // empty: all, side by side
  std::map<std::string, std::string> options = {};  // of the operators; where all are compared, of each that takes it
  std::optional<std::string> random = {};           // elements of a drawn vector; unset and no file: a million
  std::string distribution = {};                    // of its elements; empty: normal
  std::string file = {};                            // or the model that is the vector,
  std::string minus = {};                           // less this one
  std::string seed = "1";
  std::optional<std::string> repetitions = {};  // messages that are measured; unset: as many as take a moment
  std::vector<std::string> unknown = {};        // words of the command line without a meaning; refused
};
ExitCode codec_command(Console& console, const CodecArguments& arguments);

// The options of all operators, each name once.
struct CodecOption {
  std::string_view name;
  std::string operators;  // that take it: "top_k, random_k"
};
std::vector<CodecOption> codec_options();

// A graph, and what its mixing weights promise.
struct TopologyArguments {
  std::string spec;
  std::string weights = "metropolis";
  std::optional<double> omega = {};  // of gamma*; a few usual ones when unset
  std::uint64_t seed = 1;            // of random graphs
  bool dot = false;                  // print the graph for Graphviz instead
};
ExitCode topology_command(Console& console, const TopologyArguments& arguments);

// Gossip alone. Words and numbers are checked by the command.
struct ConsensusArguments {
  std::string graph;
  std::map<std::string, std::string> options = {};           // of consensus_command_options()
  std::map<std::string, std::string> operator_options = {};  // of codec_options()
  std::vector<std::string> strategy_options = {};            // NAME=VALUE, of the strategy
  bool tune = false;
  std::string file = {};  // of the vectors; empty: drawn
  std::string csv = {};   // where to write the course; empty: nowhere
};
// A run that diverged is a failure: ExitCode::kFailed.
ExitCode consensus_command(Console& console, const ConsensusArguments& arguments);
std::span<const OptionSpec> consensus_command_options();

// A job's strategy on learners of a few parameters, through the runtime over processes and its sessions in virtual time,
// with faults that a seed draws.
struct SimulateFaultsArguments {
  std::string job_file;
  std::vector<std::string> overrides = {};
  std::string seeds = "1..1000";         // FIRST..LAST
  std::optional<std::string> seed = {};  // this one alone, with all that happens in it
  std::string canary = {};               // the name of a mistake to plant (base/canary.h); empty: none
};
// ExitCode::kFailed for the first seed whose run does not end as it has to, with the command that repeats it. Throws
// UsageError for a strategy that needs all workers all the time.
ExitCode simulate_faults_command(Console& console, const SimulateFaultsArguments& arguments);

// What `list` can show, and showing it. Throws UsageError for another word.
std::span<const std::string_view> list_topics();
ExitCode list_command(Console& console, const std::string& topic);

// The one line of an error on its way out, and its exit code. To be called in a catch block.
ExitCode report_error(Console& console);

}  // namespace laconic
