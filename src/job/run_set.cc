#include "job/run_set.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "base/error.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr const char* kSweepFile = "sweep.json";

std::string place_of(const std::string& folder) {
  std::error_code error;
  return fs::weakly_canonical(folder, error).string();
}

bool has_summary(const fs::path& folder) {
  std::error_code error;
  return fs::is_regular_file(folder / kSummaryFile, error);
}

// The last names of the folders that a sweep.json has runs in; unset where it cannot be read.
std::optional<std::vector<std::string>> runs_in(const fs::path& sweep_file) {
  std::ifstream stream(sweep_file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  try {
    std::vector<std::string> names;
    const Json json = Json::parse(text.str());
    for (const Json& run : json.at("runs")) {
      const fs::path folder(run.at("folder").get<std::string>());
      const std::string name = folder.filename().string();
      if (!name.empty() && name != "." && name != "..") names.push_back(name);
    }
    return names;
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::vector<std::string> folders_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    std::error_code ignored;
    if (entry.is_directory(ignored)) names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// What a run that did not come to its end leaves beside the folder of a finished one.
bool is_beside_a_finished_run(const std::string& folder, const std::string& name) {
  for (const char* ending : {".failed", ".interrupted"}) {
    if (name.ends_with(ending) &&
        has_summary(fs::path(folder) / name.substr(0, name.size() - std::string(ending).size())))
      return true;
  }
  return false;
}

bool holds_runs(const std::string& folder) {
  const std::vector<std::string> names = folders_in(folder);
  return std::any_of(names.begin(), names.end(),
                     [&](const std::string& name) { return has_summary(fs::path(folder) / name); });
}

void add_run(const std::string& folder, bool is_of_sweep, RunSet& set) {
  const std::string place = place_of(folder);
  if (std::any_of(set.runs.begin(), set.runs.end(), [&](const RunOfSet& run) { return run.place == place; })) {
    set.left_out.push_back(folder + ": is given twice; it is taken once");
    return;
  }
  try {
    std::optional<StoredRun> stored = load_run(folder);
    if (stored) {
      set.runs.push_back({.folder = folder, .place = place, .stored = std::move(*stored), .is_of_sweep = is_of_sweep});
    } else {
      set.left_out.push_back(folder + ": left out, it holds no summary.json: the run did not end, or was removed");
    }
  } catch (const UsageError& error) {
    if (!is_of_sweep) throw;
    set.left_out.push_back(std::string(error.what()) + "; left out");
  }
}

bool is_named_as_sweep(const std::string& folder) { return fs::path(place_of(folder)).extension() == ".sweep"; }

// The runs of a sweep, or of any folder that holds several.
void add_sweep(const std::string& folder, RunSet& set) {
  const fs::path sweep_file = fs::path(folder) / kSweepFile;
  std::error_code error;
  std::optional<std::vector<std::string>> names;
  if (fs::is_regular_file(sweep_file, error)) {
    names = runs_in(sweep_file);
    if (!names) {
      set.left_out.push_back(
          sweep_file.string() +
          ": is no list of runs: it is cut, or was changed; all runs that lie in its folder are taken");
    }
  } else if (is_named_as_sweep(folder)) {
    set.left_out.push_back(folder +
                           ": the sweep has not ended, or lacks its sweep.json; the runs that are done are taken");
  }
  if (names) {
    for (const std::string& name : *names) add_run((fs::path(folder) / name).string(), true, set);
    return;
  }
  for (const std::string& name : folders_in(folder)) {
    const bool holds_charts = name == kChartsFolder && !has_summary(fs::path(folder) / name);
    if (name.starts_with(".")) {
      set.left_out.push_back((fs::path(folder) / name).string() + ": left out, this run has not ended");
    } else if (is_named_as_sweep((fs::path(folder) / name).string())) {
      set.left_out.push_back((fs::path(folder) / name).string() + ": left out, it is a sweep; name it too to take it");
    } else if (!holds_charts && !name.ends_with(".checkpoint") && !is_beside_a_finished_run(folder, name)) {
      add_run((fs::path(folder) / name).string(), true, set);
    }
  }
}

}  // namespace

void add_runs(const std::string& folder, RunSet& set) {
  std::error_code error;
  if (!fs::is_directory(folder, error)) throw UsageError(folder + ": no such folder; give a folder of results");
  if (has_summary(folder)) return add_run(folder, false, set);
  const std::size_t before = set.runs.size();
  const bool is_sweep = fs::is_regular_file(fs::path(folder) / kSweepFile, error) || holds_runs(folder);
  if (is_sweep) add_sweep(folder, set);
  if (set.runs.size() > before) return;
  throw UsageError(
      folder + (is_sweep
                    ? ": no run of this sweep can be read" + (set.left_out.empty() ? "" : "; " + set.left_out.back())
                    : std::string(": holds no summary.json of a run, and no sweep; give a folder of results")));
}

void check_pages(RunSet& set) {
  std::erase_if(set.runs, [&](const RunOfSet& run) {
    try {
      check_page_run(load_page_run(run.folder));
      return false;
    } catch (const DecodeError& bad) {
      const std::string line = (fs::path(run.folder) / bad.what()).string();
      if (!run.is_of_sweep) throw UsageError(line + "; run the job again");
      set.left_out.push_back(line + "; left out");
      return true;
    }
  });
}

std::vector<RunGroup> pages_of(const RunSet& set, const Comparison& comparison) {
  std::vector<RunGroup> groups;
  for (const ComparedGroup& group : comparison.groups) {
    RunGroup pages{.name = group.name, .marks = group.marks(), .runs = {}};
    for (const std::size_t run : group.runs) pages.runs.push_back(load_page_run(set.runs.at(run).folder));
    groups.push_back(std::move(pages));
  }
  return groups;
}

}  // namespace laconic
