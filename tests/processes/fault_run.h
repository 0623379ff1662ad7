// Runs over processes to which a seed has something happen, and what must hold of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "in_memory.h"
#include "rows.h"

namespace laconic::tests {

// What happens to a run, once, at a moment of it.
enum class Fault {
  kNone,
  kShortStall,     // a process stands still, not for long
  kSlow,           // all frames take longer
  kSilence,        // a process stands still for good
  kCrash,          // the same, and what it said is lost; nobody is told
  kReportedCrash,  // the same, and the network tells
  kCut,            // two processes no longer hear each other
  kLostFrame,
  kInterrupt,  // a process is asked to end
  // Over sessions.
  kBrokenStream,  // the streams between two processes break
  kSilentStream,  // they carry nothing any more, and nobody is told
  kDamagedByte,
};
std::string_view to_text(Fault fault);

struct FaultPlan {
  Row row;
  Scenario scenario;
  sim::ProcessWorldOptions world;
  bool average = false;
  bool saves = false;
  bool over_sessions = false;
  Fault fault = Fault::kNone;
  int process = 0;    // to which it happens
  int other = 0;      // of kCut and kLostFrame
  double when = 0.0;  // as a part of the length of the run in which nothing happens
  double span = 0.0;  // of kShortStall and kSlow, as a part of the deadline

  std::string to_text() const;
};
FaultPlan plan_of(std::uint64_t seed);

// Runs the plan and says what does not hold, a line each:
//   - every process ends, and within its deadline of the moment at which something happened; where a frame that never
//     comes is the only sign, within three deadlines of when it is waited for (its reader's one, and twice that for who
//     waits for a word of that reader),
//   - by an error that names who was lost, or who asked for the end,
//   - where nothing is lost, at the last step, with the same models as where nothing happened.
// `ends_are_lost`: MemoryNetworkOptions::ends_are_lost, which has to be found.
struct FaultVerdict {
  std::vector<std::string> objections;
  std::uint64_t trace_hash = 0;
  std::string account;  // of what happened, for people
};
FaultVerdict try_plan(const FaultPlan& plan, bool ends_are_lost = false);

}  // namespace laconic::tests
