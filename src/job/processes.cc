#include "job/processes.h"

#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"
#include "runtimes/process/watchdog.h"

namespace laconic {
namespace {

// Until the job is known, which has a deadline of its own.
constexpr Seconds kFirstDeadline{120.0};
// How long the library's start may go on after this process was asked to end.
constexpr Seconds kStartGrace{0.35};

// What must be the same on all machines for their models to stay together: the start, what a model from a file
// computes, and a gamma that was tuned.
std::string fingerprint(const JobSetup& setup) {
  ByteWriter out;
  out.varint(setup.steps());
  out.u32(crc32c(std::as_bytes(std::span(setup.strategy_setting.start))));
  out.f64(setup.tuned ? setup.tuned->gamma : 0.0);
  const std::span<const std::byte> bytes = out.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Throws UsageError unless the job is one for these processes.
void check_job(const Job& job, const process::Process& process, const std::string& of_worker_0, bool resumes) {
  const auto size = static_cast<std::uint32_t>(process.size());
  if (job.workers != size) {
    throw UsageError(job.section("workers").place("count") + ": " + std::to_string(job.workers) + ", but " +
                     std::to_string(size) + (size == 1 ? " process was" : " processes were") +
                     " started, one a worker; start with -n " + std::to_string(job.workers) +
                     (resumes ? ", or go on with --set workers.count=" : ", or set workers.count=") +
                     std::to_string(size));
  }
  if (job.comes_and_goes()) {
    throw UsageError(job.section("workers").place("least") +
                     ": a run over MPI ends when a process is lost, so all workers have to be present; remove it");
  }
  for (const char* key : {"loss", "duplication"}) {
    if (job.section("network").number(key) > 0.0) {
      throw UsageError(job.section("network").place(key) +
                       ": faults are simulated, and this network is a real one; remove it");
    }
  }
  if (job.identity() != of_worker_0) {
    throw UsageError(
        "its job is another than worker 0's: " +
        first_difference(of_worker_0, {.resolved = job.resolved_text(), .identity = job.identity()}, "worker 0's") +
        "; all processes need the same job file");
  }
}

}  // namespace

Seconds first_deadline(const std::string& job_file, std::span<const std::string> overrides, JobLoop loop) {
  try {
    if (job_file.empty()) return kFirstDeadline;
    return load_job(job_file, overrides, loop).section("network").seconds("deadline");
  } catch (const std::exception&) {
    return kFirstDeadline;
  }
}

JobProcess::JobProcess(const std::optional<links::Launch>& launch, Seconds deadline,
                       const std::function<bool()>& interrupted, const ProcessEnd& end) {
  process::Watchdog watchdog({.interrupted = interrupted,
                              .grace = kStartGrace,
                              .patience = deadline,
                              .describe = [] { return std::string(", its start: another process is held up or gone"); },
                              .end = end,
                              .library = std::string(links::kHeldUpBy)});
  const process::Watchdog::Inside inside(&watchdog);
  connection_ = links::connect(launch, host_.clock(), kMaxPayloadSize);
  process_.emplace(connection_->link(), host_, deadline, interrupted);
}

void agree_on_job(const Job& job, process::Process& process, bool resumes) {
  process::Meeting& meeting = process.meeting();
  meeting.set_deadline(job.section("network").seconds("deadline"));
  const std::string first = meeting.share(job.identity()).front();
  meeting.together([&] {
    check_job(job, process, first, resumes);
    return true;
  });
}

void agree_on_start(const JobSetup& setup, process::Process& process) {
  const std::string file = std::to_string(setup.training ? setup.training->model_fingerprint() : 0);
  const std::string first_file = process.meeting().share(file).front();
  process.meeting().together([&] {
    if (file == first_file) return true;
    throw UsageError("its model.file or model.start is another than worker 0's; give all processes the same file");
  });
  const std::string own = fingerprint(setup);
  const std::string first = process.meeting().share(own).front();
  process.meeting().together([&] {
    if (own == first) return true;
    throw UsageError(
        "it begins with another model, another gamma or another number of steps than worker 0: its machine "
        "rounds in another way, or has another version of libtorch; take machines of one kind, or give "
        "gamma a number");
  });
}

Outcome run_process(process::Process& process, const JobSetup& setup, bool average, Learner& learner,
                    const StrategyFactory& make_strategy, const RunObserver& observer, const ProcessEnd& end) {
  process::ProcessOptions options;
  static_cast<RunOptions&>(options) = setup.simulation;
  options.compute_threads = 1;
  options.average = average;
  options.end_process = end;
  return process.run(options, learner, make_strategy, observer);
}

}  // namespace laconic
