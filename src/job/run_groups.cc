// Which runs of a set differ in their seed alone, and what such a group is called.
#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <tuple>

#include "job/run_set.h"
#include "job/schema.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostSettings = 4;  // in a name; more say less than the folder

struct Group {
  std::vector<std::size_t> runs;  // indices in the set
  const Job* job = nullptr;       // of the first; null where this program cannot read it
  std::string job_name;
  Settings settings;
  std::string name;
};

// A run whose job cannot be read is a group of its own.
std::vector<Group> grouped_by_seed(const RunSet& set) {
  std::vector<Group> groups;
  std::map<std::string, std::vector<std::size_t>> known;  // groups by what their runs have in common
  std::map<std::size_t, std::set<std::string>> seeds;     // by group
  for (std::size_t i = 0; i < set.runs.size(); ++i) {
    const StoredRun& run = set.runs[i].stored;
    const std::string common =
        run.job ? run.job->seedless_identity() + "\n" + run.figures.runtime + "\n" + run.figures.program_version
                : "folder " + std::to_string(i);
    std::vector<std::size_t>& candidates = known[common];
    const auto has_room = [&](std::size_t group) { return !seeds[group].contains(run.figures.seed); };
    const auto found = std::find_if(candidates.begin(), candidates.end(), has_room);
    const std::size_t group = found == candidates.end() ? groups.size() : *found;
    if (found == candidates.end()) {
      candidates.push_back(group);
      groups.push_back({.runs = {}, .job = run.job ? &*run.job : nullptr, .job_name = {}, .settings = {}, .name = {}});
    }
    groups[group].runs.push_back(i);
    seeds[group].insert(run.figures.seed);
  }
  return groups;
}

// The name of the jobs of a group: what "fda_seed1" and "fda_seed2" begin with.
std::string common_name(const RunSet& set, const Group& group) {
  std::string name = set.runs[group.runs.front()].stored.figures.job;
  const std::string first = name;
  for (const std::size_t run : group.runs) {
    const std::string& other = set.runs[run].stored.figures.job;
    const auto end = std::mismatch(name.begin(), name.end(), other.begin(), other.end()).first;
    name.erase(end, name.end());
  }
  if (name == first) return name;
  const auto trim = [&] {
    while (!name.empty() && (name.back() == '-' || name.back() == '_' || name.back() == '.')) name.pop_back();
  };
  trim();
  for (const std::string_view word : {"seed", "s"}) {
    const std::size_t before = name.size() - std::min(name.size(), word.size());
    const bool is_word =
        name.ends_with(word) && before > 0 && std::string_view("-_.").find(name[before - 1]) != std::string_view::npos;
    if (is_word) name.resize(before);
  }
  trim();
  return name.empty() ? first : name;
}

using Values = std::map<std::pair<std::string, std::string>, std::string>;  // text by section and key

Values values_of(const Job& job) {
  Values values;
  for (const auto& [section, options] : job.sections) {
    for (const Options::Resolved& option : options.resolved()) {
      const std::string key(option.spec->name);
      if (changes_no_result(section, key) || (section == "job" && key == "seed")) continue;
      values[{section, key}] = option.text;
    }
  }
  return values;
}

// The keys in which groups differ, in the order of the schema: those that all have, and of a section that says what it is
// by a name ("compression.operator") that name where some do not have the section.
std::vector<std::pair<std::string, std::string>> differing_keys(const std::vector<Values>& all) {
  std::vector<std::pair<std::string, std::string>> keys;
  for (const SchemaSection& section : schema()) {
    std::set<std::string> names;
    std::vector<std::string> in_order;
    for (const Values& values : all) {
      for (const auto& [place, text] : values) {
        if (place.first == section.name && names.insert(place.second).second) in_order.push_back(place.second);
      }
    }
    for (const std::string& key : in_order) {
      const std::pair<std::string, std::string> place(section.name, key);
      std::set<std::string> texts;
      std::size_t having = 0;
      for (const Values& values : all) {
        const auto found = values.find(place);
        if (found == values.end()) continue;
        ++having;
        texts.insert(found->second);
      }
      const bool names_section = key == section.variant_key && having < all.size();
      if (names_section || (having == all.size() && texts.size() > 1)) keys.push_back(place);
    }
  }
  return keys;
}

// Groups of one name are told apart by their settings.
void add_settings(std::vector<Group*>& alike) {
  const bool can_tell = alike.size() > 1 && std::all_of(alike.begin(), alike.end(),
                                                        [](const Group* group) { return group->job != nullptr; });
  if (!can_tell) return;
  std::vector<Values> all;
  for (const Group* group : alike) all.push_back(values_of(*group->job));
  const auto keys = differing_keys(all);
  for (std::size_t i = 0; i < alike.size(); ++i) {
    for (const auto& place : keys) {
      const auto found = all[i].find(place);
      if (found != all[i].end()) alike[i]->settings.emplace_back(place.first + "." + place.second, found->second);
    }
  }
}

std::string name_of(const Group& group) {
  std::string name = group.job_name;
  if (group.settings.size() > kMostSettings) return name;
  for (const auto& [key, value] : group.settings) name += ", " + key.substr(key.find('.') + 1) + "=" + value;
  return name;
}

std::string folder_name(const std::string& folder) {
  fs::path place = fs::absolute(folder).lexically_normal();
  if (!place.has_filename()) place = place.parent_path();
  return place.parent_path().filename().string() + "/" + place.filename().string();
}

// Where names are still alike their folders tell, and a number where those are too.
void make_names_unique(const RunSet& set, std::vector<Group>& groups) {
  std::map<std::string, int> times;
  for (const Group& group : groups) ++times[group.name];
  for (Group& group : groups) {
    if (times[group.name] < 2) continue;
    const std::string folder = folder_name(set.runs[group.runs.front()].folder);
    group.settings.emplace_back("folder", folder);
    group.name += " (" + folder + ")";
  }
  std::map<std::string, int> seen;
  for (Group& group : groups) {
    const int number = ++seen[group.name];
    if (number > 1) group.name += " (" + std::to_string(number) + ")";
  }
}

}  // namespace

Comparison compare_set(const RunSet& set) {
  std::vector<Group> groups = grouped_by_seed(set);
  std::map<std::string, std::vector<Group*>> by_name;
  for (Group& group : groups) {
    group.job_name = common_name(set, group);
    by_name[group.job_name].push_back(&group);
  }
  for (auto& [name, alike] : by_name) add_settings(alike);
  for (Group& group : groups) {
    group.name = name_of(group);
    group.settings.insert(group.settings.begin(), {"job", group.job_name});
  }
  make_names_unique(set, groups);
  std::vector<ComparedRun> runs(set.runs.size());
  for (const Group& group : groups) {
    for (const std::size_t run : group.runs) {
      const SummaryFigures& figures = set.runs[run].stored.figures;
      runs[run] = {.group = group.name,
                   .settings = group.settings,
                   .seed = figures.seed,
                   .folder = set.runs[run].folder,
                   .figures = figures};
    }
  }
  return compare_runs(std::move(runs));
}

}  // namespace laconic
