#include "ranks.h"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>

#include "base/scratch_folder.h"
#include "processes.h"

namespace laconic::bench {
namespace {

namespace fs = std::filesystem;

// Debian's interpreter, which sees Debian's packages, whatever is first in PATH.
constexpr const char* kPython = "/usr/bin/python3";

// One thread computes in each rank: there are more ranks than cores.
const std::map<std::string, std::string> kEnvironment = {
    {"OMP_NUM_THREADS", "1"}, {"OPENBLAS_NUM_THREADS", "1"}, {"GLOO_SOCKET_IFNAME", "lo"}};

// What a run may take beyond the limit of its clock: evaluations, start and end.
double wall_limit(double limit) { return 1.5 * limit + 60.0; }
constexpr double kTimeToEnd = 20.0;

// The line that tells most of why it failed: laconic's own, where mpirun's follow it, else the last with a word in it.
std::string complaint_in(const std::string& file) {
  std::ifstream stream(file);
  std::string last;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with("laconic: error")) return line;
    if (std::any_of(line.begin(), line.end(), [](unsigned char letter) { return std::isalpha(letter) != 0; }))
      last = line;
  }
  return last;
}

// A number, where there is one; what a run that diverged writes is null.
double number(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : 0.0;
}

// The lines that tell of measurements; a last line that was cut off is none.
std::vector<Point> read_points(const std::string& file) {
  std::vector<Point> points;
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);) {
    const nlohmann::json record = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!record.is_object() || record.value("type", "") != "measurement") continue;
    const nlohmann::json measured =
        record.value(record.contains("validation") ? "validation" : "test", nlohmann::json::object());
    points.push_back({.step = record.value("step", std::uint64_t{0}),
                      .seconds = number(record, "time_s"),
                      .accuracy = number(measured, "accuracy"),
                      .bytes = number(record, "wire_bytes") - number(record, "local_bytes")});
  }
  return points;
}

void read_summary(const std::string& file, Trace& trace) {
  std::ifstream stream(file);
  const nlohmann::json summary = nlohmann::json::parse(stream, nullptr, /*allow_exceptions=*/false);
  if (!summary.is_object()) return;
  // A run that was stopped knows the bytes of one process alone.
  if (!summary.contains("bytes_of")) trace.ledger = number(summary, "wire_bytes") - number(summary, "local_bytes");
  double frames = 0.0;
  double bytes = 0.0;
  if (const auto traffic = summary.find("traffic"); traffic != summary.end()) {
    for (const auto& kind : *traffic) {
      frames += number(kind, "frames");
      bytes += number(kind, "wire_bytes");
    }
  }
  trace.frame = frames > 0.0 ? bytes / frames : 0.0;
}

// Lets the processes end, or ends them; what went wrong becomes the trace's failure.
void finish(Processes& processes, double limit, const std::string& errors, Trace& trace) {
  bool stopped = false;
  if (!processes.wait(wall_limit(limit)) && processes.status() == 0) {
    stopped = true;
    processes.interrupt();
    if (!processes.wait(kTimeToEnd)) trace.failure = "had to be killed";
  }
  processes.kill();
  if (stopped || processes.status() == 0) return;
  trace.failure = "exit status " + std::to_string(processes.status()) + ": " + complaint_in(errors);
}

std::vector<std::string> launcher(const RanksOptions& options) {
  if (options.launch == Launch::kSimulator) return {};
  return {"mpirun", "-n", std::to_string(options.ranks), "--allow-run-as-root", "--oversubscribe", "--bind-to", "none",
          // Shared memory is no network.
          "--mca", "btl", "self,tcp", "--mca", "btl_tcp_if_include", "lo", "--mca", "oob_tcp_if_include", "lo"};
}

}  // namespace

std::optional<Point> Trace::first_at(double accuracy, double seconds) const {
  const auto found =
      std::find_if(points.begin(), points.end(), [&](const Point& point) { return point.accuracy >= accuracy; });
  if (found == points.end() || found->seconds > seconds) return std::nullopt;
  return *found;
}

double Trace::best_accuracy() const {
  double best = 0.0;
  for (const Point& point : points) best = std::max(best, point.accuracy);
  return best;
}

std::string laconic_beside_this_program() {
  std::error_code error;
  const fs::path self = fs::read_symlink("/proc/self/exe", error);
  return (self.parent_path().parent_path() / "laconic").string();
}

Trace run_laconic(const Loopback& loopback, const RanksOptions& options, const std::string& job) {
  const ScratchFolder scratch;
  const std::string file = scratch.path("job.toml");
  std::ofstream(file) << job << "[output]\ndir = \"" << scratch.path("run") << "\"\nprogress = \"off\"\n";
  std::vector<std::string> words = launcher(options);
  words.insert(words.end(), {options.laconic, "run", file});

  Trace trace;
  const std::uint64_t before = loopback.bytes();
  const std::string errors = scratch.path("errors");
  {
    Processes processes;
    processes.start({.words = words, .environment = kEnvironment, .output = {}, .errors = errors});
    finish(processes, options.limit, errors, trace);
  }
  trace.counted = static_cast<double>(loopback.bytes() - before);
  // A run that had to be killed leaves its lines where it was writing them.
  const bool published = fs::exists(scratch.path("run/metrics.jsonl"));
  trace.points = read_points(scratch.path(published ? "run/metrics.jsonl" : ".run.tmp/metrics.jsonl"));
  read_summary(scratch.path("run/summary.json"), trace);
  return trace;
}

Trace run_peer(const Loopback& loopback, const RanksOptions& options, const std::vector<std::string>& arguments) {
  const ScratchFolder scratch;
  Trace trace;
  const std::uint64_t before = loopback.bytes();
  const std::string lines = scratch.path("lines");
  const std::string errors = scratch.path("errors");
  {
    Processes processes;
    for (int rank = 0; rank < options.ranks; ++rank) {
      Command command{.words = {kPython, options.peer, "--rank", std::to_string(rank), "--world-size",
                                std::to_string(options.ranks), "--store", scratch.path("store"), "--limit",
                                std::to_string(options.limit)},
                      .environment = kEnvironment,
                      .output = rank == 0 ? lines : std::string(),
                      .errors = errors};
      command.words.insert(command.words.end(), arguments.begin(), arguments.end());
      processes.start(command);
    }
    finish(processes, options.limit, errors, trace);
  }
  trace.counted = static_cast<double>(loopback.bytes() - before);
  trace.points = read_points(lines);
  return trace;
}

std::string obstacle_to_peer(const RanksOptions& options) {
  if (!fs::exists(options.peer)) return options.peer + ": not here; start this from the project's root";
  try {
    run_tool({kPython, "-c", "import numpy, torch.distributed"});
  } catch (const std::runtime_error&) {
    return "there is no PyTorch for Python; scripts/install_packages bench-peers";
  }
  return {};
}

}  // namespace laconic::bench
