#include "job/job_paths.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/utf8.h"
#include "job/result_files.h"
#include "topology/topology.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

std::string current_folder() {
  std::error_code error;
  const fs::path folder = fs::current_path(error);
  return error ? std::string() : folder.string();
}

// How much of a value comes before the path in it, as "file:" of topology.graph; unset where it holds no path.
std::optional<std::size_t> path_begin(std::string_view section, std::string_view key, std::string_view value) {
  if (value.empty()) return std::nullopt;
  if (section == "data" && key == "dir") return 0;
  if (section == "model" && (key == "file" || key == "start")) return 0;
  if (section != "topology" || key != "graph") return std::nullopt;
  for (const TopologyRow& row : topologies()) {
    if (row.parameter != "PATH" || !value.starts_with(row.name)) continue;
    const std::string_view rest = value.substr(row.name.size());
    if (rest.size() > 1 && rest.front() == ':') return row.name.size() + 1;
  }
  return std::nullopt;
}

bool is_home(std::string_view path) { return path == "~" || path.starts_with("~/"); }

bool is_relative(std::string_view path) { return !path.starts_with('/') && !is_home(path); }

std::string with_home(const std::string& path) {
  const char* home = std::getenv("HOME");
  return is_home(path) && home != nullptr ? home + path.substr(1) : path;
}

// Whether TOML takes it: UTF-8 without control characters.
bool fits_comment(std::string_view text) {
  const auto is_control = [](char letter) { return (letter >= 0 && letter < ' ') || letter == 0x7f; };
  return first_bad_utf8(text) == std::string_view::npos && std::none_of(text.begin(), text.end(), is_control);
}

// `folder` and `path` as one, with the ".." that the path begins with taken off the folder, which has no links in it.
struct Joined {
  fs::path folder;
  fs::path rest;

  Joined(fs::path start, const fs::path& path) : folder(std::move(start)) {
    auto part = path.begin();
    for (; part != path.end() && (*part == ".." || *part == "."); ++part) {
      if (*part == "..") folder = folder.parent_path();
    }
    for (; part != path.end(); ++part) rest /= *part;
  }
  // From another folder; absolute unless it lies below.
  fs::path below(const fs::path& from) const {
    const fs::path way = folder.lexically_relative(from);
    const bool is_below = !way.empty() && *way.begin() != "..";
    return from_folder(is_below ? way : folder);
  }
  // With another way to the folder.
  fs::path from_folder(const fs::path& way) const {
    if (rest.empty()) return way;
    return way == "." ? rest : way / rest;
  }
};

bool is_there(const fs::path& path) {
  std::error_code error;
  return fs::exists(path, error);
}

// Of a path with {rank} in it the folders above the first part that has one.
fs::path without_rank(const fs::path& path) {
  fs::path result;
  for (const fs::path& part : path) {
    if (part.string().find('{') != std::string::npos) break;
    result /= part;
  }
  return result;
}

// Where a tree that was moved as a whole has it now.
std::optional<fs::path> moved(const Job& job, const fs::path& path) {
  if (!job.moved || is_there(without_rank(path))) return std::nullopt;
  const fs::path way = path.lexically_relative(job.moved->from);
  if (way.empty() || *way.begin() == "..") return std::nullopt;
  return job.moved->to / way;
}

// Throws UsageError for a path, behind `prefix` in its value, that users of the current folder mean.
void check_start(const Job& job, const Options& options, std::string_view key, const std::string& prefix,
                 const std::string& path) {
  const std::string here = current_folder();
  const std::string place = options.place(key);
  if (!is_relative(path) || here.empty() || here == job.folder || place.starts_with("--set")) return;
  const fs::path opened = without_rank(opened_path(job, path));
  const fs::path meant = without_rank(path);
  if (meant.empty() || is_there(opened) || !is_there(meant)) return;
  const Joined from_here(here, path);
  const std::string value = from_here.from_folder(from_here.folder.lexically_relative(job.folder)).string();
  throw UsageError(place + ": there is no " + opened.string() +
                   ": a path in a job file starts at the folder of that file; for " + meant.string() +
                   " in the current folder write " + std::string(key) + " = \"" + prefix + value + "\"");
}

}  // namespace

std::string folder_line(std::string_view key, std::string_view folder) {
  if (folder.empty() || !fits_comment(folder)) return {};
  return "# " + std::string(key) + std::string(folder) + "\n";
}

std::string leading_comment(std::string_view text, std::string_view key) {
  while (text.starts_with("# ")) {
    const std::string_view line = text.substr(2, text.find('\n') - 2);
    if (line.starts_with(key)) return std::string(line.substr(key.size()));
    text.remove_prefix(std::min(text.size(), line.size() + 3));
  }
  return {};
}

std::string folder_of_paths(std::string_view text, const std::string& file) {
  for (const std::string_view key : {kPathsAreTakenFrom, kFirstStartedIn}) {
    std::string folder = leading_comment(text, key);
    if (folder.starts_with('/')) return folder;
  }
  const std::string here = current_folder();
  const fs::path path(file);
  if (here.empty() || !path.has_parent_path() || path.filename() == kJobFile) return here;
  std::error_code error;
  const fs::path folder = fs::weakly_canonical(fs::path(here) / path.parent_path(), error);
  return error ? here : folder.string();
}

void take_from(const std::string& folder, Override& change) {
  const std::optional<std::size_t> begin = path_begin(change.section, change.key, change.value);
  if (!begin) return;
  const std::string path = change.value.substr(*begin);
  const std::string here = current_folder();
  if (!is_relative(path) || here.empty() || folder.empty() || here == folder) return;
  const Joined joined(here, path);
  change.value.resize(*begin);
  change.value += joined.from_folder(joined.folder.lexically_relative(folder)).string();
}

bool has_relative_paths(const Job& job) {
  for (const char* name : {"data", "model", "topology"}) {
    if (!job.sections.contains(name)) continue;
    for (const Options::Resolved& option : job.section(name).resolved()) {
      const std::optional<std::size_t> begin = path_begin(name, option.spec->name, option.text);
      if (begin && is_relative(std::string_view(option.text).substr(*begin))) return true;
    }
  }
  return false;
}

std::string opened_path(const Job& job, const std::string& path) {
  if (path.empty() || is_home(path)) return with_home(path);
  const std::string here = current_folder();
  if (!is_relative(path)) return moved(job, path).value_or(path).string();
  if (job.folder.empty() || here.empty()) return path;
  const Joined joined(job.folder, path);
  if (const auto now = moved(job, joined.from_folder(joined.folder))) return Joined(*now, {}).below(here).string();
  return here == job.folder ? path : joined.below(here).string();
}

Options with_opened_paths(const Job& job, std::string_view section) {
  Options options = job.section(section);
  for (const Options::Resolved& option : job.section(section).resolved()) {
    const std::string_view key = option.spec->name;
    if (const std::optional<std::size_t> begin = path_begin(section, key, option.text)) {
      const std::string prefix = option.text.substr(0, *begin);
      const std::string path = option.text.substr(*begin);
      check_start(job, options, key, prefix, path);
      options = options.with(key, prefix + opened_path(job, path));
    } else if (section == "data" && option.spec->type == OptionType::kText && is_home(option.text)) {
      options = options.with(key, with_home(option.text));
    }
  }
  return options;
}

}  // namespace laconic
