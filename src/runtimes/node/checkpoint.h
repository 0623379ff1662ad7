// Checkpoints of a run: when they are made, where their parts go, and what a run that goes on begins with.
//
// After a due step every node drains: its round is finished, no frame is on its way, the coordinator is idle. What
// archive() of the nodes then keeps, with what a runtime keeps of itself, is all there is.
//
//   part of a node   "worker-3", "coordinator"
//   of the run       "run": counts, the newest good and the best model, what the observer keeps
//   of the network   "network": clock, counters and faults, of the simulator
//   the model        "model": the workers' average in the simulator, what worker 0 would have measured over processes; a
//                    run with other workers goes on from it
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/step_schedule.h"
#include "runtimes/node/checkpoint_manifest.h"

namespace laconic {

// Where the processes of a run keep checkpoints. Throws RunError where it cannot.
class CheckpointKeeper {
 public:
  virtual ~CheckpointKeeper() = default;
  virtual PartRecord save(Step step, std::string_view name, std::span<const std::byte> bytes) = 0;
  // Makes the checkpoint of `step` whole, once all parts of all processes are saved; for one of the processes. Returns
  // the steps whose checkpoints are kept, the newest first.
  virtual std::vector<Step> complete(Step step, std::vector<PartRecord> parts) = 0;
  // Of another process, which may have its parts on a disk of its own: what complete() has returned.
  virtual void keep_only(std::span<const Step> kept) = 0;
};

// A checkpoint that a run goes on from. `part` throws DecodeError or UsageError for one that is not there or damaged.
struct ResumePoint {
  Step step;
  // Go on from the parts "model" and "run": every worker begins with that model after that step, and with nothing else.
  bool from_model = false;
  std::function<std::vector<std::byte>(std::string_view name)> part;
};

struct CheckpointOptions {
  StepSchedule schedule = {};
  CheckpointKeeper* keeper = nullptr;  // outlives the run; null: nodes drain, nothing is kept
  std::optional<ResumePoint> resume = {};
};

// The name of a node's part.
std::string part_name(Rank node);
inline constexpr std::string_view kRunPart = "run";
inline constexpr std::string_view kNetworkPart = "network";
inline constexpr std::string_view kModelPart = "model";

}  // namespace laconic
