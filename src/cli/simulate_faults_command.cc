// `laconic simulate-faults`: a job's strategy on tiny learners, with faults from many seeds.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <ostream>

#include "base/canary.h"
#include "base/error.h"
#include "base/spelling.h"
#include "cli/commands.h"
#include "cli/work_display.h"
#include "compress/compressor.h"
#include "faults/trial.h"
#include "job/job.h"
#include "job/strategy_needs.h"
#include "report/format.h"

namespace laconic {
namespace {

// Each run has all of them in one thread.
constexpr std::uint32_t kMostWorkers = 32;
// Every so many seeds one is run twice, to see that its run is the same again.
constexpr std::uint64_t kTwiceEvery = 25;

struct Seeds {
  std::uint64_t first = 1;
  std::uint64_t last = 1;
};

std::uint64_t read_seed(std::string_view text, const std::string& option) {
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  if (error == std::errc::result_out_of_range) {
    throw UsageError(option + ": '" + std::string(text) + "' is too large; a seed is below 2^64");
  }
  if (error != std::errc() || end != text.data() + text.size()) {
    throw UsageError(option + ": '" + std::string(text) + "' is no seed; give a whole number from 0, such as 17");
  }
  return seed;
}

Seeds read_seeds(const SimulateFaultsArguments& arguments) {
  if (arguments.seed) {
    const std::uint64_t seed = read_seed(*arguments.seed, "--seed");
    return {seed, seed};
  }
  const std::string& text = arguments.seeds;
  const std::size_t dots = text.find("..");
  if (dots == std::string::npos || dots == 0 || dots + 2 == text.size()) {
    throw UsageError("--seeds: '" + text + "' is no range; write --seeds 1..1000, or --seed N for one");
  }
  const Seeds seeds{read_seed(std::string_view(text).substr(0, dots), "--seeds"),
                    read_seed(std::string_view(text).substr(dots + 2), "--seeds")};
  if (seeds.last < seeds.first) {
    throw UsageError("--seeds: '" + text + "' has no seed in it; write the smaller one first");
  }
  return seeds;
}

// Of tiny models; empty where the job has none. A share that changes from epoch to epoch is taken as it is at first.
std::function<CompressorFactory(const Layout& layout)> compressor_for(const Job& job) {
  if (!job.sections.contains("compression")) return {};
  const Options options = job.section("compression");
  const CompressorRow& row = find_compressor(options.text("operator"));
  return [options, &row](const Layout& layout) { return row.make(options.in_steps(1.0), layout); };
}

faults::FaultJob read_job(const Job& job) {
  require_tolerance_of_absence(job, job.section("strategy").place("name"), "");
  if (job.workers > kMostWorkers) {
    throw UsageError(job.section("workers").place("count") + ": " + grouped(job.workers) +
                     " workers are more than this command runs, " + std::to_string(kMostWorkers) +
                     "; add --set workers.count=8" + (job.comes_and_goes() ? " workers.least=4" : ""));
  }
  const Options& workers = job.section("workers");
  return {.strategy = job.strategy,
          .options = job.section("strategy"),
          .workers = static_cast<int>(job.workers),
          .least = static_cast<int>(job.least),
          .patience = job.patience.value / job.section("network").seconds("deadline").value,
          .returning = workers.text("returning") == "keep" ? process::Returning::kKeep : process::Returning::kDrop,
          .alone = workers.text("alone") == "train" ? process::Alone::kTrain : process::Alone::kWait,
          .alone_steps = workers.text("alone") == "train" ? workers.integer("alone_steps") : 0,
          .compressor = compressor_for(job)};
}

void plant_named(const std::string& name) {
  std::vector<std::string_view> names;
  for (const CanaryRow& row : kCanaries) {
    if (row.name == name) return plant(row.canary);
    names.push_back(row.name);
  }
  throw UsageError("--canary: unknown mistake '" + name + "'" + did_you_mean(name, names) + "; there are " +
                   listed(names));
}

// The command that runs this seed again.
std::string repetition(const SimulateFaultsArguments& arguments, std::uint64_t seed) {
  std::string text = "laconic simulate-faults " + arguments.job_file;
  for (const std::string& setting : arguments.overrides) text += " --set '" + setting + "'";
  if (!arguments.canary.empty()) text += " --canary " + arguments.canary;
  return text + " --seed " + std::to_string(seed);
}

std::string counts_text(const faults::FaultCounts& counts) {
  std::string text;
  for (std::size_t kind = 0; kind < faults::kFaultKinds; ++kind) {
    text += (kind == 0 ? "" : ", ") + std::string(faults::to_text(static_cast<faults::FaultKind>(kind))) + " " +
            grouped(counts.faults[kind]);
  }
  return text;
}

void print_summary(Console& console, const faults::FaultCounts& counts) {
  console.out << "  faults    " << counts_text(counts) << "\n  networks  slow " << grouped(counts.slow)
              << ", saturated " << grouped(counts.saturated) << "\n  vectors   pulled piece by piece in "
              << grouped(counts.pulled) << (counts.pulled == 1 ? " run" : " runs") << "\n  workers   left "
              << grouped(counts.left) << ", entered again " << grouped(counts.entered)
              << "\n  runs      ended for want of workers " << grouped(counts.given_up) << "\n";
}

faults::Trial try_seed(const faults::FaultJob& job, std::uint64_t seed, bool twice) {
  const faults::FaultPlan plan = faults::plan_of(seed, job);
  faults::Trial trial = faults::try_plan(plan);
  if (twice && faults::try_plan(plan).trace_hash != trial.trace_hash) {
    trial.objections.emplace_back("the same seed gave another run the second time");
  }
  return trial;
}

}  // namespace

ExitCode simulate_faults_command(Console& console, const SimulateFaultsArguments& arguments) {
  const Seeds seeds = read_seeds(arguments);
  const Job job = load_job(arguments.job_file, arguments.overrides);
  const faults::FaultJob fault_job = read_job(job);
  if (!arguments.canary.empty()) plant_named(arguments.canary);
  WorkDisplay display(console);
  faults::FaultCounts counts;
  std::uint64_t done = 0;
  const auto start = std::chrono::steady_clock::now();
  // Not seed <= last: the last one may be the largest there is.
  for (std::uint64_t seed = seeds.first; done <= seeds.last - seeds.first && !console.stopped(); ++seed) {
    display.progress({.what = "trying seeds", .done = done, .total = seeds.last - seeds.first + 1});
    const faults::Trial trial = try_seed(fault_job, seed, arguments.seed || done % kTwiceEvery == 0);
    counts += trial.counts;
    ++done;
    if (arguments.seed || !trial.objections.empty()) {
      display.end();
      console.out << trial.account;
    }
    if (trial.objections.empty()) continue;
    for (const std::string& objection : trial.objections) console.out << "violated: " << objection << "\n";
    console.out << "repeat with: " << repetition(arguments, seed) << std::endl;
    return ExitCode::kFailed;
  }
  display.end();
  const std::chrono::duration<double> span = std::chrono::steady_clock::now() - start;
  console.out << fmt::format("{}, {} workers, at least {}: {} {} sound, {:.0f} a minute\n", job.strategy->name,
                             job.workers, job.least, grouped(done), done == 1 ? "seed is" : "seeds are",
                             60.0 * static_cast<double>(done) / std::max(1e-9, span.count()));
  print_summary(console, counts);
  console.out << std::flush;
  return console.stopped() ? ExitCode::kInterrupted : ExitCode::kDone;
}

}  // namespace laconic
