#include "job/sweep_plan.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/error.h"
#include "job/sweep_grid.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongestNames = 100;  // of all jobs, in the name of a folder

struct SweptJob {
  std::string file;
  std::string name;  // the file's, without ".toml"
  Job base;          // without what the grid changes
};

std::vector<SweptJob> read_jobs(std::span<const std::string> files, std::span<const std::string> overrides) {
  std::vector<SweptJob> jobs;
  for (const std::string& file : files) {
    SweptJob job{.file = file, .name = fs::path(file).stem().string(), .base = load_job(file, overrides)};
    for (const SweptJob& other : jobs) {
      if (other.name == job.name) {
        throw UsageError(other.file + " and " + file + ": a sweep calls both '" + job.name +
                         "'; give the files different names");
      }
    }
    jobs.push_back(std::move(job));
  }
  return jobs;
}

fs::path parent_of_results(const Job& job, std::string& name) {
  fs::path folder = fs::path(job.output_dir).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  name = folder.filename().string();
  return folder.parent_path();
}

// Of several jobs by all their files, as their job.name may be the same; unless the command names a folder.
std::string folder_of(const std::vector<SweptJob>& jobs, std::span<const std::string> overrides) {
  std::string name;
  const fs::path parent = parent_of_results(jobs.front().base, name);
  const bool is_given = std::any_of(overrides.begin(), overrides.end(),
                                    [](const std::string& text) { return text.starts_with("output.dir="); });
  if (jobs.size() > 1 && !is_given) {
    name.clear();
    for (const SweptJob& job : jobs) name += (name.empty() ? "" : "+") + folder_text(job.name);
    if (name.size() > kLongestNames) {
      name =
          folder_text(jobs.front().name).substr(0, kLongestNames) + "+" + std::to_string(jobs.size() - 1) + "_others";
    }
  }
  return (parent / (name + ".sweep")).string();
}

bool knows(const Job& job, const SweptKey& key) {
  const auto section = job.sections.find(key.section);
  if (section == job.sections.end()) return false;
  const auto options = section->second.resolved();
  return std::any_of(options.begin(), options.end(), [&](const auto& option) { return option.spec->name == key.key; });
}

bool takes(const SweptJob& job, const SweptKey& key, std::span<const std::string> overrides) {
  std::vector<std::string> changes(overrides.begin(), overrides.end());
  changes.push_back(key.path() + "=" + key.values.front());
  try {
    load_job(job.file, changes);
  } catch (const UsageError&) {
    return false;
  }
  return true;
}

// Where one of several jobs refuses a key that another one has, the key is meant for the other. `grid` has the keys as
// they were written.
void explain_unknown_key(const std::vector<SweptJob>& jobs, const SweptJob& job, const std::vector<SweptKey>& keys,
                         std::span<const std::string> grid, std::span<const std::string> overrides) {
  for (const SweptKey& key : keys) {
    if (!key.job.empty() || knows(job.base, key) || takes(job, key, overrides)) continue;
    const auto other =
        std::find_if(jobs.begin(), jobs.end(), [&](const SweptJob& one) { return knows(one.base, key); });
    if (other == jobs.end()) continue;
    std::string values;
    for (const std::string& text : grid) {
      if (parse_swept_key(text).path() == key.path()) values = text.substr(text.find('=') + 1);
    }
    throw UsageError(key.path() + ": " + job.file + " (strategy " + std::string(job.base.strategy->name) +
                     ") has no such key; sweep it in one job with " + key.path() + "@" + other->name + "=" + values);
  }
}

// "fda, threshold=0.5": what a group of runs is called.
std::string group_name(const std::string& job, const Settings& settings) {
  std::string name = job;
  for (const auto& [key, value] : settings) {
    if (key != "job") name += ", " + key.substr(key.find('.') + 1) + "=" + value;
  }
  return name;
}

class Planner {
 public:
  Planner(std::vector<SweptJob> jobs, std::span<const std::string> grid, std::span<const std::string> overrides)
      : jobs_(std::move(jobs)), grid_(grid), keys_(parse_grid(grid)), overrides_(overrides) {}

  SweepPlan plan() {
    check_jobs_of_keys();
    plan_.folder = folder_of(jobs_, overrides_);
    for (const SweptJob& job : jobs_) {
      plan_.jobs += (plan_.jobs.empty() ? "" : ", ") + (jobs_.size() == 1 ? job.base.name : job.name);
      const std::vector<SweptKey> keys = keys_of(keys_, job.name);
      for (const Combination& combination : combinations(keys)) {
        add(job, keys, combination);
        if (plan_.runs.size() > kMostCombinations) {
          throw UsageError("the grids of all jobs have more than " + std::to_string(kMostCombinations) +
                           " combinations; give fewer values");
        }
      }
    }
    return std::move(plan_);
  }

 private:
  void check_jobs_of_keys() const {
    for (const SweptKey& key : keys_) {
      const auto is_it = [&](const SweptJob& job) { return job.name == key.job; };
      if (key.job.empty() || std::any_of(jobs_.begin(), jobs_.end(), is_it)) continue;
      std::string names;
      for (const SweptJob& job : jobs_) names += (names.empty() ? "" : ", ") + job.name;
      throw UsageError(key.path() + "@" + key.job + ": no job of this sweep is called '" + key.job + "'; there is " +
                       names);
    }
  }

  void add(const SweptJob& job, const std::vector<SweptKey>& keys, const Combination& combination) {
    PlannedRun run;
    if (jobs_.size() > 1) {
      run.name = folder_text(job.name) + (keys.empty() ? "" : ",");
      run.result.settings.emplace_back("job", job.name);
    }
    run.name += folder_name(keys, combination);
    run.result.folder = (fs::path(plan_.folder) / run.name).string();
    std::vector<std::string> changes(overrides_.begin(), overrides_.end());
    for (std::size_t i = 0; i < keys.size(); ++i) {
      changes.push_back(keys[i].path() + "=" + combination[i]);
      if (keys[i].path() == "job.seed") {
        run.result.seed = combination[i];
      } else {
        run.result.settings.emplace_back(keys[i].path(), combination[i]);
      }
    }
    changes.push_back("output.dir=" + run.result.folder);
    run.result.group = group_name(jobs_.size() == 1 ? job.base.name : job.name, run.result.settings);
    try {
      run.job = load_job(job.file, changes);
    } catch (const UsageError& error) {
      explain_unknown_key(jobs_, job, keys, grid_, overrides_);
      throw UsageError(run.name + ": " + error.what());
    }
    const auto [other, is_new] = known_.emplace(run.job.identity(), run.name);
    if (!is_new) throw UsageError(run.name + ": is the same job as " + other->second + "; give one of them");
    plan_.runs.push_back(std::move(run));
  }

  std::vector<SweptJob> jobs_;
  std::span<const std::string> grid_;
  std::vector<SweptKey> keys_;
  std::span<const std::string> overrides_;
  std::map<std::string, std::string> known_;  // names by identity
  SweepPlan plan_;
};

}  // namespace

SweepPlan plan_sweep(std::span<const std::string> job_files, std::span<const std::string> grid,
                     std::span<const std::string> overrides) {
  if (job_files.empty()) throw UsageError("no job file is given; give one, such as job.toml");
  if (grid.empty() && job_files.size() == 1) {
    throw UsageError("a sweep of one job needs values, such as seed=1..3; else use laconic run " + job_files.front());
  }
  return Planner(read_jobs(job_files, overrides), grid, overrides).plan();
}

}  // namespace laconic
