#include "cli/cluster.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <ostream>
#include <thread>

#include "base/byte_stream.h"
#include "base/error.h"
#include "base/supervision.h"
#include "cli/execute.h"
#include "cli/work_display.h"
#include "job/checkpoints.h"
#include "job/first_folder.h"
#include "job/job_data.h"
#include "job/processes.h"
#include "report/format.h"
#include "runtimes/process/process.h"

namespace laconic {
namespace {

// How long a process that lost a peer leaves process 0 to write results, before its exit makes the launcher end all.
constexpr std::chrono::milliseconds kResultsGrace{1000};
// And once the launcher, or the user, has asked for the end, which is all that there is time for.
constexpr std::chrono::milliseconds kInterruptedGrace{150};

// What processes need for the same job: where a run is resumed process 0 finds the checkpoint and gives it to all.
struct WhatToRun {
  Job job;
  std::optional<Resumption> resume = {};
  std::vector<std::byte> model = {};  // that all begin with, where they go on from that alone
  std::optional<RunToResume> resumed = {};
};

std::string encode(const RunToResume& run) {
  ByteWriter out;
  const std::vector<std::byte> manifest = run.manifest.encode();
  out.varint(manifest.size());
  out.raw(manifest);
  out.text(run.job_text);
  out.text(run.output_dir);
  const std::span<const std::byte> bytes = out.bytes();
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

RunToResume decode(const std::string& text) {
  ByteReader in(std::as_bytes(std::span(text)), "checkpoint of worker 0");
  RunToResume run;
  const std::uint64_t size = in.varint();
  run.manifest = CheckpointManifest::decode(in.raw(static_cast<std::size_t>(size)), "manifest of worker 0");
  run.job_text = in.text(text.size());
  run.output_dir = in.text(text.size());
  in.expect_end();
  return run;
}

WhatToRun read_job(Console& console, const RunArguments& arguments, process::Process& process) {
  process::Meeting& meeting = process.meeting();
  if (!arguments.resume) {
    return meeting.guarded([&] { return WhatToRun{.job = load_job(arguments.job_file, arguments.overrides)}; });
  }
  std::string found;
  if (process.leads()) {
    found = meeting.guarded([&] {
      const RunToResume run = find_run_to_resume(folder_to_resume(arguments), RuntimeKind::kProcesses);
      for (const std::string& line : run.passed_over) print_warning(console.err, "passed over " + line);
      return encode(run);
    });
  }
  const std::string told = meeting.share(found).front();
  WhatToRun what = meeting.guarded([&] {
    RunToResume run = decode(told);
    WhatToRun found_here;
    found_here.job = job_to_resume(run, arguments.job_file, arguments.overrides);
    found_here.resume = resumption_of(run, found_here.job);
    if (found_here.resume->from_model && process.leads()) {
      found_here.model = read_model(run, RuntimeKind::kProcesses);
    }
    found_here.resumed = std::move(run);
    return found_here;
  });
  if (what.resume->from_model) what.model = meeting.hear_leader(what.model);
  return what;
}

JobSetup set_up_worker(const WhatToRun& what, process::Process& process, const std::function<bool()>& interrupted) {
  process::Meeting& meeting = process.meeting();
  const OneWorker self{.rank = {process.rank()}, .exchange = [&meeting](std::uint64_t own) {
                         std::vector<std::uint64_t> all;
                         for (const std::string& text : meeting.share(std::to_string(own))) {
                           all.push_back(std::strtoull(text.c_str(), nullptr, 10));
                         }
                         return all;
                       }};
  JobSetup setup = meeting.guarded([&] {
    const auto here = [&] { return set_up(what.job, Purpose::kRun, interrupted, self); };
    JobSetup made = what.resumed ? set_up_resumed(*what.resumed, what.job, here) : here();
    if (what.resume && what.resume->from_model) start_from(what.model, made);
    return made;
  });
  agree_on_start(setup, process);
  return setup;
}

std::string name_of(const Job& job, const process::Process& process) {
  return job.name + ", worker " + std::to_string(process.rank());
}

Outcome train(Console& console, process::Process& process, const Job& job, const JobSetup& setup,
              const StrategyFactory& make_strategy, const RunObserver& observer) {
  const std::unique_ptr<Learner> learner = setup.training->learner({process.rank()});
  return run_process(process, setup, job.section("evaluation").flag("average"), *learner, make_strategy, observer,
                     end_saying(notices_on(console.err), name_of(job, process)));
}

// Process 0 does what `laconic run` does.
ExitCode lead(Console& console, const WhatToRun& what, JobProcess& started) {
  process::Process& process = started.process();
  Execution execution;
  execution.kind = RuntimeKind::kProcesses;
  execution.resume = what.resume;
  execution.set_up = [&](const Job&) { return set_up_worker(what, process, console.interrupted); };
  execution.ready = [&] { process.meeting().share(""); };
  bool has_begun = false;
  execution.runtime = [&](const JobSetup& setup, const StrategyFactory& make_strategy, const RunObserver& observer) {
    has_begun = true;
    return train(console, process, what.job, setup, make_strategy, observer);
  };
  if (what.job.section("output").text("progress") != "off") {
    console.out << grouped(static_cast<std::uint64_t>(process.size())) << " processes over " << started.library()
                << std::endl;
  }
  try {
    return execute(console, what.job, execution);
  } catch (const std::exception&) {
    if (has_begun || !process.meeting().can_object()) throw;
    process.meeting().object(std::current_exception());
  }
}

ExitCode follow(Console& console, const WhatToRun& what, process::Process& process) {
  WorkDisplay quiet(console, "off");
  std::optional<Supervision> supervision(quiet);
  JobSetup setup = set_up_worker(what, process, console.interrupted);
  supervision.reset();
  std::optional<JobCheckpoints> checkpoints;
  process.meeting().together([&] {
    if (!what.job.checkpoint_interval) return true;
    checkpoints.emplace(what.job, RuntimeKind::kProcesses, false);
    setup.simulation.checkpoints.keeper = &*checkpoints;
    if (what.resume) {
      ResumePoint point = checkpoints->resume(*what.resume);
      // Process 0 has told it; here no disk need have it.
      if (point.from_model) point.part = [&what](std::string_view) { return what.model; };
      setup.simulation.checkpoints.resume = std::move(point);
    }
    return true;
  });
  const std::string name = name_of(what.job, process);
  RunObserver observer;
  observer.interrupted = console.interrupted;
  observer.on_warning = [&](const std::string& text) { print_warning(console.err, name + ": " + text); };
  const StrategyFactory factory = what.job.strategy->make(setup.strategy_options, setup.strategy_setting);
  const Outcome outcome = train(console, process, what.job, setup, factory, observer);
  if (outcome.error) {
    std::string text = "unknown error";
    try {
      std::rethrow_exception(outcome.error);
    } catch (const std::exception& error) {
      text = error.what();
    }
    print_error(console.err, name + ": " + text);
  }
  return exit_code_of(outcome);
}

// How long the library's own end may take.
constexpr Seconds kFinalize{10.0};

// Ends the library with all others; where it does not come back from that, the process all the same.
void end_together(Console& console, JobProcess& process, ExitCode code) {
  console.out << std::flush;
  console.err << std::flush;
  process.part(kFinalize, [code] { std::_Exit(static_cast<int>(code)); });
}

// Leaves without MPI's own end, which would wait for who is lost.
[[noreturn]] void end_alone(Console& console, process::Process& process, ExitCode code) {
  console.out << std::flush;
  console.err << std::flush;
  if (!process.leads() && !process.has_lost_leader()) {
    auto end = std::chrono::steady_clock::now() + kResultsGrace;
    for (bool is_asked = false; std::chrono::steady_clock::now() < end;) {
      if (!is_asked && console.stopped()) {
        is_asked = true;
        end = std::min(end, std::chrono::steady_clock::now() + kInterruptedGrace);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }
  std::_Exit(static_cast<int>(code));
}

}  // namespace

ExitCode run_on_cluster(Console& console, const RunArguments& arguments, const links::Launch& launch) {
  // What process 0 prints goes through the launcher, which may show it to the process as a terminal and is none.
  console.live = false;
  console.colour = false;
  JobProcess started(launch, first_deadline(arguments.job_file, arguments.overrides), console.interrupted,
                     end_saying(notices_on(console.err), "worker " + std::to_string(launch.rank)));
  process::Process& process = started.process();
  try {
    const WhatToRun what = read_job(console, arguments, process);
    agree_on_job(what.job, process, what.resume.has_value());
    const ExitCode code = process.leads() ? lead(console, what, started) : follow(console, what, process);
    if (code != ExitCode::kDone) end_alone(console, process, code);
    end_together(console, started, code);
    return code;
  } catch (const std::exception& problem) {
    const bool all_know = process.meeting().has_objection();
    ExitCode code = exit_code_of(std::current_exception());
    // The others have heard it as a failure.
    const bool was_interrupted = console.stopped() && code == ExitCode::kFailed && all_know;
    if (was_interrupted) {
      code = ExitCode::kInterrupted;
      if (process.leads()) console.err << "laconic: " << problem.what() << "; nothing is written" << std::endl;
    } else if (process.leads() || !all_know) {
      code = report_error(console);
    }
    if (!all_know) end_alone(console, process, code);
    end_together(console, started, code);
    return code;
  }
}

}  // namespace laconic
