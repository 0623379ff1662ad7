#include "job/job_file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/spelling.h"
#include "job/result_files.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

constexpr std::uintmax_t kLargest = 1 << 20;
constexpr std::string_view kEnding = ".toml";

// The job files of a folder, by name.
std::vector<std::string> job_files_in(const fs::path& folder) {
  constexpr std::size_t kMost = 1000;
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder.empty() ? fs::path(".") : folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (entry->path().extension() == kEnding) names.push_back(entry->path().filename().string());
    if (names.size() == kMost) break;
  }
  std::sort(names.begin(), names.end());
  return names;
}

[[noreturn]] void refuse_missing(const fs::path& path) {
  std::error_code error;
  std::string near = path.filename().string() + std::string(kEnding);
  if (!fs::is_regular_file(path.parent_path() / near, error)) {
    const std::vector<std::string> names = job_files_in(path.parent_path());
    // By what is before the ending that all have: it would make short names look alike.
    std::vector<std::string> stems;
    for (const std::string& name : names) stems.push_back(fs::path(name).stem().string());
    const std::vector<std::string_view> views(stems.begin(), stems.end());
    near = nearest(path.stem().string(), views);
    if (!near.empty()) near += kEnding;
  }
  throw UsageError(path.string() + ": no such job file" +
                   (near.empty() ? std::string() : "; did you mean " + (path.parent_path() / near).string() + "?"));
}

[[noreturn]] void refuse_folder(const fs::path& path) {
  const std::vector<std::string> names = job_files_in(path);
  const std::string text = path.string() + ": is a folder; ";
  if (names.empty()) throw UsageError(text + "give a job file");
  if (std::find(names.begin(), names.end(), kJobFile) != names.end()) {
    throw UsageError(text + "the job of these results is " + (path / kJobFile).string());
  }
  throw UsageError(text + "give the job file in it, such as " + (path / names.front()).string());
}

}  // namespace

std::string read_job_file(const std::string& path) {
  std::error_code error;
  if (path.empty()) throw UsageError("the name of the job file is empty; give a job file");
  if (fs::is_directory(path, error)) refuse_folder(path);
  if (path.ends_with(".pt") || path.ends_with(".safetensors")) {
    throw UsageError(path + ": is by its name a model; laconic evaluate measures it");
  }
  if (!fs::exists(path, error)) refuse_missing(path);
  if (!fs::is_regular_file(path, error)) throw UsageError(path + ": is no regular file; give a job file");
  if (const std::uintmax_t size = fs::file_size(path, error); !error && size > kLargest) {
    throw UsageError(path + ": has " + std::to_string(size) + " bytes, and a job file at most " +
                     std::to_string(kLargest) + "; give a job file");
  }
  std::ifstream stream(path, std::ios::binary);
  std::ostringstream text;
  if (stream) text << stream.rdbuf();
  // An empty file sets the stream's failbit.
  if (!stream && !fs::is_empty(path, error)) {
    throw UsageError(path + ": cannot be read (" + std::strerror(errno) + "); see that you may read it");
  }
  return text.str();
}

}  // namespace laconic
