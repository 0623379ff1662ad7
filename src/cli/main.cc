// The program: its command line, Ctrl-C, and the one place where errors end.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <csignal>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>

#include "base/canary.h"
#include "base/error.h"
#include "charts/draw.h"
#include "cli/arguments.h"
#include "cli/commands.h"
#include "cli/reference.h"
#include "cli/remedies.h"
#include "links/connection.h"

namespace {

volatile std::sig_atomic_t stop_requested = 0;

// The first Ctrl-C (or request to end) lets the run end with what there is; the second one finds the default again. What
// the program was started to ignore, as nohup has it ignore SIGHUP, it goes on ignoring.
void listen_for_interrupts() {
  struct sigaction action {};
  action.sa_handler = [](int) { stop_requested = 1; };
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    struct sigaction inherited {};
    sigaction(signal, nullptr, &inherited);
    if (inherited.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);
  }
}

// A program that was started with a standard stream closed would give its place to the next file that is opened.
void open_missing_streams() {
  int stream = open("/dev/null", O_RDWR);
  while (stream >= 0 && stream <= STDERR_FILENO) stream = open("/dev/null", O_RDWR);
  if (stream > STDERR_FILENO) close(stream);
}

// Whether what was printed did not all get to a file or a device; whoever reads a pipe may go.
bool has_lost_output() {
  std::cout.flush();
  struct stat output {};
  return !std::cout && fstat(STDOUT_FILENO, &output) == 0 && (S_ISREG(output.st_mode) || S_ISCHR(output.st_mode));
}

constexpr const char* kDescription =
    "laconic trains one neural network on many workers' data and sends few bytes between them.";

constexpr const char* kFooter = R"(Examples:
  laconic run examples/fashion_mnist_fda/fda.toml
  laconic run job.toml --set strategy.threshold=5 --set job.seed=2
  laconic run job.toml --dry-run
  laconic run --resume runs/job
  mpirun -n 8 laconic run job.toml
  laconic compare a.toml b.toml runs/earlier
  laconic sweep job.toml strategy.threshold=0.5,1,2 seed=1..3
  laconic report runs/a runs/b -o comparison.html
  laconic evaluate runs/a/model.safetensors a.toml
  laconic codec top_k --ratio 0.01 --values bfloat16
  laconic topology ring:16
  laconic consensus ring:16 --operator sign --tune
  laconic simulate-faults job.toml --seeds 1..1000
  laconic list options

Exit codes: 0 done, 1 failed, 2 bad usage or job, 3 a peer was lost, 130 interrupted.)";

// Whether a launcher has started this process as one of several, of which another is process 0.
bool is_behind_process_0() {
  try {
    const std::optional<laconic::links::Launch> launch = laconic::links::find_launch();
    return launch && launch->rank > 0;
  } catch (const laconic::UsageError&) {
    return false;  // half of a launch, which only a run has to understand
  }
}
constexpr const char* kShortHelp = R"(laconic trains one network over many workers' data and sends few bytes.

  laconic run job.toml               run a job; its results go to runs/NAME
  laconic run job.toml --dry-run     show its size, memory, bytes and time
  laconic compare a.toml b.toml      run several jobs and put them side by side
  laconic evaluate runs/NAME         measure its models again
  laconic list                       show the strategies, models, data sets ... to choose from
  laconic help                       show all commands
)";

constexpr const char* kEmpty = "is empty; give a value, or leave it out";

}  // namespace

int main(int argc, char** argv) {
  using namespace laconic;
  open_missing_streams();
  std::signal(SIGPIPE, SIG_IGN);  // whoever reads along may go; the run goes on
  CLI::App app(kDescription, "laconic");
  app.footer(kFooter);
  app.set_version_flag("--version", "laconic " LACONIC_VERSION);
  app.require_subcommand(1);
  Console console = standard_console();
  console.interrupted = [] { return stop_requested != 0; };
  std::function<ExitCode()> command;
  const std::string set_help = "Override keys of the job file: section.key=value, or key=value where that is clear";

  RunArguments run;
  CLI::App* run_app = app.add_subcommand("run", "Run a job, here or under mpirun, and write its results to runs/NAME");
  run_app->add_option("job.toml", run.job_file, "The job file; not needed with --resume");
  run_app->add_option("--set", run.overrides, set_help)->allow_extra_args(false);
  std::optional<std::string> resume;
  run_app
      ->add_option_function<std::string>(
          "--resume", [&](const std::string& value) { resume = value; },
          "Continue from the newest checkpoint of a run, given by its results folder or its job file")
      ->expected(0, 1);
  CLI::Option* dry_run =
      run_app->add_flag("--dry-run", run.dry_run, "Predict size, memory, bytes, time and checkpoints; start nothing");
  run_app
      ->add_option_function<std::string>(
          "--serve", [&](const std::string& address) { run.serve = address; },
          "Serve a live dashboard of the run at ADDRESS:PORT, ADDRESS or PORT (default 127.0.0.1:8080; port 0 picks a "
          "free one)")
      ->expected(0, 1)
      ->excludes(dry_run);
  run_app->footer(
      "Examples:\n  laconic run job.toml --set optimizer.learning_rate=0.01 --set workers.count=16\n"
      "  laconic run --resume runs/job\n  laconic run job.toml --resume\n  laconic run job.toml --serve 8080\n  mpirun "
      "-n 8 laconic run job.toml      "
      "(one worker a process)");
  run_app->callback([&] {
    if (resume) run = with_resume(std::move(run), *resume);
    if (run.job_file.empty() && !run.resume) {
      throw CLI::ValidationError("job.toml is missing; give a job file" +
                                 std::string(run.serve ? " (before --serve)" : "") +
                                 ", or --resume with the results of a run");
    }
    command = [&] { return run_command(console, run); };
  });

  CompareArguments compare;
  CLI::App* compare_app =
      app.add_subcommand("compare", "Compare runs in one table; jobs without results are run first");
  compare_app->add_option("job-or-folder", compare.jobs_or_folders, "Job files, and folders of results or of sweeps")
      ->required()
      ->expected(1, 1000);
  compare_app->add_option("--set", compare.overrides, set_help + ", in every job file given")->allow_extra_args(false);
  compare_app->add_option("--json", compare.json, "Write the comparison to this file as JSON");
  compare_app->add_option("--csv", compare.csv, "Write a line for each run to this file as CSV");
  compare_app->footer(
      "Runs that differ only in their seed are one line: mean and standard deviation.\n"
      "Examples:\n  laconic compare fda.toml synchronous.toml runs/yesterday\n"
      "  laconic compare runs/fda.sweep runs/choco.sweep --csv comparison.csv");
  compare_app->callback([&] { command = [&] { return compare_command(console, compare); }; });

  SweepArguments sweep;
  CLI::App* sweep_app =
      app.add_subcommand("sweep", "Run one or several jobs with every combination of some values, and compare");
  sweep_app
      ->add_option("job.toml-and-values", sweep.jobs_and_values,
                   "Job files, then the values to try: key=value,value or key=1..3; for a key that takes a list "
                   "key=a,b;c,d; key@JOB=values for one of several jobs")
      ->required()
      ->expected(1, 1000);
  sweep_app->add_option("--set", sweep.overrides, set_help + ", in every run")->allow_extra_args(false);
  sweep_app->add_flag("--dry-run", sweep.dry_run, "List the runs and which of them are done; start nothing");
  sweep_app->footer(
      "Examples:\n  laconic sweep job.toml strategy.threshold=0.5,1,2 seed=1..3\n  laconic sweep job.toml "
      "compression.operator=sign,top_k --set job.epochs=2\n  laconic sweep fda.toml periodic.toml "
      "strategy.threshold@fda=1,2 seed=1..3\nIf interrupted, the same command continues.");
  sweep_app->callback([&] { command = [&] { return sweep_command(console, sweep); }; });

  ReportArguments report;
  CLI::App* report_app =
      app.add_subcommand("report", "Make the report page of a run, or one page that compares several");
  report_app->add_option("folder", report.folders, "Folders of results or of sweeps")->expected(1, 1000);
  report_app->add_option(
      "-o,--output", report.output,
      "Output file; default: report.html in the only folder given, or in the current folder for several");
  for (const charts::Format format : {charts::Format::kSvg, charts::Format::kPng, charts::Format::kPdf}) {
    const std::string name(charts::to_text(format));
    report_app
        ->add_option_function<std::string>(
            "--" + name,
            [&report, format](const std::string& folder) {
              report.charts.push_back({format, folder});
            },
            "Write every chart as a file (" + name + ") with its numbers (csv) into this folder; else into charts " +
                "beside the page")
        ->expected(0, 1)
        ->type_name("DIR");
  }
  report_app
      ->add_option_function<std::string>(
          "--against", [&](const std::string& axis) { report.against = axis; },
          "Horizontal axis of the chart files: steps (default), epochs, bytes or time")
      ->type_name("AXIS");
  report_app->add_flag("--log", report.logarithmic, "Logarithmic axes in files, where all numbers are above 0");
  report_app->footer(
      "Examples:\n  laconic report runs/fda runs/synchronous -o comparison.html\n"
      "  laconic report runs/fda.sweep\n"
      "  laconic report runs/fda --svg --png                      (into runs/fda/charts)\n"
      "  laconic report runs/fda --pdf figures --against bytes");
  report_app->callback([&] {
    if (report.folders.empty()) {
      throw CLI::ValidationError("folder is missing; give folders of results" +
                                 std::string(report.charts.empty() ? "" : " before --svg, --png and --pdf"));
    }
    command = [&] { return report_command(console, report); };
  });

  EvaluateArguments evaluate;
  CLI::App* evaluate_app =
      app.add_subcommand("evaluate", "Measure the models of a run, or a model file on the data of a job");
  evaluate_app
      ->add_option(
          "model-job-or-folder", evaluate.files,
          "A model (safetensors, a state dict, TorchScript) and the job that names the data; or the results of a run")
      ->expected(1, 2);
  evaluate_app->add_option("--model", evaluate.model, "The model's file");
  evaluate_app->add_option("--set", evaluate.overrides, set_help)->allow_extra_args(false);
  evaluate_app->add_flag("--json", evaluate.json,
                         "Print JSON: also precision, recall and F1 of each class, and the confusion matrix");
  evaluate_app->footer(
      "Examples:\n  laconic evaluate runs/fda\n  laconic evaluate model.pt job.toml\n"
      "  laconic evaluate job.toml --model model.pt --set data.dir=other");
  evaluate_app->callback([&] {
    if (evaluate.files.empty() && evaluate.model.empty()) throw CLI::RequiredError("a model, or a run's results,");
    command = [&] { return evaluate_command(console, evaluate); };
  });

  CodecArguments codec;
  CLI::App* codec_app =
      app.add_subcommand("codec", "Measure the compression operators on a vector: loss, bytes, speed");
  const auto codec_text = [&](const char* name, const char* help, auto& value) {
    codec_app
        ->add_option_function<std::string>(
            name, [&value](const std::string& text) { value = text; }, help)
        ->check(CLI::Validator(
            [](const std::string& text) { return text.empty() ? std::string(kEmpty) : std::string(); }, ""));
  };
  codec_text("operator", "One of laconic list compressors; without it all are compared", codec.compressor);
  codec_text("--random", "Draw a random vector with this many elements (default 1000000)", codec.random);
  codec_text("--distribution",
             "Distribution of the elements: normal (default), uniform, heavy_tailed, constant, one_hot, zero",
             codec.distribution);
  codec_text("--file", "Take the vector from a model file (safetensors)", codec.file);
  codec_text("--minus", "Subtract this model file: measure how two models differ", codec.minus);
  codec_text("--seed", "Seed of everything random (default 1)", codec.seed);
  codec_text("--repetitions",
             "Number of messages to measure (default: as many as take a moment, more if they vary much)",
             codec.repetitions);
  for (const CodecOption& option : codec_options()) {
    codec_app
        ->add_option_function<std::string>(
            "--" + std::string(option.name),
            [&codec, name = std::string(option.name)](const std::string& text) { codec.options[name] = text; },
            "Option of " + option.operators)
        ->group("Options of operators (laconic list compressors explains them)");
  }
  codec_app->allow_extras();
  codec_app->footer(
      "Examples:\n  laconic codec --random 25000000\n  laconic codec top_k --ratio 0.001 --file a.safetensors --minus "
      "b.safetensors");
  codec_app->callback([&] {
    codec.unknown = codec_app->remaining();
    command = [&] { return codec_command(console, codec); };
  });

  TopologyArguments topology;
  CLI::App* topology_app = app.add_subcommand("topology", "Show a graph: edges, degrees, spectral gap, beta, gamma*");
  topology_app->add_option("spec", topology.spec, "The graph, such as ring:16 (laconic list topologies)")->required();
  topology_app->add_option("--weights", topology.weights, "Mixing weights: metropolis, max_degree or uniform")
      ->capture_default_str();
  CLI::Option* omega = topology_app->add_option(
      "--omega", topology.omega, "Quality omega of the compression for gamma*, above 0, at most 1 (no compression: 1)");
  topology_app->add_option("--seed", topology.seed, "Seed of a random graph")
      ->check([](const std::string& text) {
        return text.starts_with('-') ? std::string("'" + text + "' is no seed: a whole number from 0") : std::string();
      })
      ->capture_default_str();
  topology_app->add_flag("--dot", topology.dot, "Write the graph for Graphviz instead")->excludes(omega);
  topology_app->footer(
      "Example:\n  laconic topology torus:4x8 --omega 0.01\n  laconic topology davis --dot | dot -Tsvg");
  topology_app->callback([&] { command = [&] { return topology_command(console, topology); }; });

  ConsensusArguments consensus;
  CLI::App* consensus_app =
      app.add_subcommand("consensus", "Gossip without training: error against rounds and bytes, the best gamma");
  consensus_app->add_option("graph", consensus.graph, "The graph, such as ring:16 (laconic list topologies)")
      ->required();
  for (const OptionSpec& option : consensus_command_options()) {
    consensus_app
        ->add_option_function<std::string>(
            "--" + std::string(option.name),
            [&consensus, name = std::string(option.name)](const std::string& text) { consensus.options[name] = text; },
            std::string(option.help))
        ->default_str(std::string(option.default_value));
  }
  consensus_app->add_option("--set", consensus.strategy_options,
                            "An option of the strategy, such as memory=difference (laconic list strategies)");
  consensus_app->add_flag("--tune", consensus.tune, "Find the gamma that needs the fewest rounds");
  consensus_app->add_option("--file", consensus.file,
                            "Vectors (safetensors): one tensor with a row for each node, or a tensor for each");
  consensus_app->add_option("--csv", consensus.csv, "Write the error of each round to this file (CSV)");
  for (const CodecOption& option : codec_options()) {
    consensus_app
        ->add_option_function<std::string>(
            "--" + std::string(option.name),
            [&consensus, name = std::string(option.name)](const std::string& text) {
              consensus.operator_options[name] = text;
            },
            "Option of " + option.operators)
        ->group("Options of operators (laconic list compressors explains them)");
  }
  consensus_app->footer("Example:\n  laconic consensus ring:25 --operator top_k --ratio 0.01 --tune");
  consensus_app->callback([&] { command = [&] { return consensus_command(console, consensus); }; });

  SimulateFaultsArguments simulate_faults;
  CLI::App* faults_app = app.add_subcommand(
      "simulate-faults", "Try a job's strategy on tiny models under crashes, stalls and broken networks from seeds");
  faults_app->add_option("job.toml", simulate_faults.job_file, "The job file: its [strategy], [workers] and [network]")
      ->required();
  faults_app->add_option("--set", simulate_faults.overrides, set_help)->allow_extra_args(false);
  CLI::Option* seeds =
      faults_app->add_option("--seeds", simulate_faults.seeds, "The seeds to try, FIRST..LAST")->capture_default_str();
  faults_app->add_option("--seed", simulate_faults.seed, "Try this seed alone, and show all that happens in its run")
      ->excludes(seeds);
  if (kHasCanaries) faults_app->add_option("--canary", simulate_faults.canary, "A mistake to plant");
  faults_app->footer("Example:\n  laconic simulate-faults job.toml --set workers.least=2 --seeds 1..1000");
  faults_app->callback([&] { command = [&] { return simulate_faults_command(console, simulate_faults); }; });

  std::string topic;
  std::string topics;
  for (const std::string_view name : list_topics()) topics += (topics.empty() ? "" : ", ") + std::string(name);
  CLI::App* list_app = app.add_subcommand("list", "Show what a job may name: " + topics);
  list_app->add_option("topic", topic, "One of " + topics + "; without it they are explained");
  list_app->footer("Example:\n  laconic list strategies");
  list_app->callback([&] { command = [&] { return list_command(console, topic); }; });

  std::string reference;
  CLI::App* docs_app =
      app.add_subcommand("docs", "Print generated documentation: keys, strategies, man page, completion");
  docs_app
      ->add_option(
          "page", reference,
          "keys: every key of a job, strategies: what each is (Markdown); man: the man page; completion: for bash")
      ->required()
      ->check(CLI::IsMember({"keys", "strategies", "man", "completion"}));
  docs_app->footer("Example:\n  laconic docs man | man -l -");
  docs_app->callback([&] {
    command = [&] {
      console.out << (reference == "keys"         ? key_reference()
                      : reference == "strategies" ? strategy_reference()
                      : reference == "man"        ? man_page(app)
                                                  : bash_completion(app))
                  << std::flush;
      return ExitCode::kDone;
    };
  });

  constexpr std::array<std::string_view, 11> kCommands = {
      "run",      "compare",   "sweep",           "report", "evaluate", "codec",
      "topology", "consensus", "simulate-faults", "list",   "docs"};
  std::vector<std::string> words(argv + std::min(argc, 1), argv + argc);
  // A run is theirs together, and a sweep is shared by them; all else one of them does for all.
  const bool is_for_all = !words.empty() && (words.front() == "run" || words.front() == "sweep");
  if (!is_for_all && is_behind_process_0()) return static_cast<int>(ExitCode::kDone);
  if (words.empty()) {
    std::cout << kShortHelp << std::flush;
    return static_cast<int>(ExitCode::kBadUsage);
  }
  try {
    words = settled(std::move(words));
    const bool known = std::find(kCommands.begin(), kCommands.end(), words.front()) != kCommands.end();
    if (!known && !words.front().starts_with('-')) throw UsageError(unknown_command_text(words, kCommands));
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Success& help_or_version) {
    if (is_behind_process_0()) return static_cast<int>(ExitCode::kDone);
    return app.exit(help_or_version);
  } catch (const CLI::ParseError& error) {
    print_error(std::cerr, parse_error_text(error, app, words));
    return static_cast<int>(ExitCode::kBadUsage);
  } catch (const UsageError&) {
    return static_cast<int>(report_error(console));
  }

  // A run ends with what there is; everything else just ends.
  for (const CLI::App* long_one : {run_app, evaluate_app, compare_app, sweep_app, consensus_app, faults_app}) {
    if (long_one->parsed()) listen_for_interrupts();
  }
  try {
    const ExitCode code = command();
    if (code != ExitCode::kDone || !has_lost_output()) return static_cast<int>(code);
    print_error(std::cerr, "standard output: cannot be written; is the disk full?");
    return static_cast<int>(ExitCode::kFailed);
  } catch (...) {
    return static_cast<int>(report_error(console));
  }
}
