// A job: what a job file asks for, checked as far as can be without the data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/options.h"
#include "base/training_length.h"
#include "job/until.h"
#include "protocol/strategy.h"
#include "training/data/dataset.h"
#include "training/data/drift.h"
#include "training/data/sampling.h"
#include "training/models/models.h"
#include "training/optimizers/optimizers.h"

namespace laconic {

// Who steps: `laconic run` with what the job says of data, model and optimiser, or a loop of the user's, which has its
// own. A job for such a loop has no section that only the former needs.
enum class JobLoop { kOurs, kOwn };

struct Job {
  std::string name;
  std::map<std::string, Options, std::less<>> sections;  // every section of schema(), resolved

  // Null, as is all below that they decide, in a job for a loop of the user's.
  const DatasetRow* dataset = nullptr;
  const ModelRow* model = nullptr;
  const OptimizerRow* optimizer = nullptr;
  const StrategyRow* strategy = nullptr;
  const StrategyRow* between = nullptr;  // what runs between the strategy's groups, where it has some

  std::uint64_t seed = 1;
  TrainingLength length;
  TrainingLength evaluation_interval;
  std::optional<TrainingLength> checkpoint_interval;  // unset: none are made
  std::optional<Until> until;
  DriftOptions drift;
  Sampling sampling = Sampling::kFresh;
  std::uint32_t workers = 1;
  std::uint32_t least = 1;         // of the workers have to be present; `workers`: all
  Seconds patience{0.0};           // how long fewer may be
  std::uint32_t groups = 1;        // of a strategy that has some
  std::vector<Seconds> step_cost;  // of each worker
  std::string output_dir;
  std::string folder;  // at which the relative paths of its files start (job_paths.h), absolute
  // Where a tree that was moved as a whole was and is: what is not found in the one is looked for in the other.
  struct Moved {
    std::string from;
    std::string to;
  };
  std::optional<Moved> moved;
  std::string first_folder;  // in which the run was first started; empty: the current one

  const Options& section(std::string_view name) const;
  // What the strategy needs as it is set; the same of the one between its groups, where it has some.
  Demands demands() const { return strategy->demands(section("strategy")); }
  Demands demands_between() const { return between->demands(section("between")); }
  // Whether its workers may be absent for a while.
  bool comes_and_goes() const { return least < workers; }
  // Calls `check` and puts the place of a key ("job.toml:12") before a UsageError that it throws.
  template <typename Check>
  auto at(std::string_view section_name, std::string_view key, Check&& check) const {
    try {
      return check();
    } catch (const UsageError& error) {
      throw UsageError(place_of(section_name, key) + error.what());
    }
  }
  // "job.toml:12: ", or empty for a key that was not given.
  std::string place_of(std::string_view section_name, std::string_view key) const;

  // The job with every option, as TOML: parsed again it is the same job, wherever that is.
  std::string resolved_text() const;
  // Where its checkpoints are.
  std::string checkpoint_dir() const;
  // The part of it that decides the results: jobs of equal identity and program do the same with the same files.
  std::string identity() const;
  // The same without the seed: runs of equal such identity are a group, over whose seeds means are taken.
  std::string seedless_identity() const;
  // identity() with the folder where that decides which files they are: jobs for which it is equal do the same on this
  // machine.
  std::string identity_here() const;
  // The part of identity() which has to be the same for a run to go on from its checkpoint: how long it takes may be another,
  // and with `other_workers` who trains and who talks with whom.
  std::string continued_identity(bool other_workers) const;
};

// `file` names the text in errors and, without its folder and ".toml", the job; in its folder relative paths start, unless
// the text says another (job_paths.h). `overrides` are "section.key=value";
// they come last, with these rules: job.steps puts job.epochs aside and the other way round, a `name` puts aside
// what the file gives for the name it replaces, and a value what has no meaning beside it. Throws UsageError, one line
// with place, key and remedy.
Job parse_job_text(std::string_view text, const std::string& file, std::span<const std::string> overrides = {},
                   JobLoop loop = JobLoop::kOurs);

// The same for a file. Throws UsageError when it cannot be read.
Job load_job(const std::string& path, std::span<const std::string> overrides = {}, JobLoop loop = JobLoop::kOurs);

}  // namespace laconic
