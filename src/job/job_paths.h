// The files that a job names: data.dir, model.file, model.start, and the file of topology.graph. A relative path starts
// at the folder of the job file; one of --set starts at the current folder; "~/" is the user's home. The file names in
// [data] start at data.dir.
//
// What a run writes of its job begins with the folder, so that it means the same from anywhere:
//
//   # relative paths are taken from /home/ann/jobs
#pragma once

#include <string>
#include <string_view>

#include "base/options.h"
#include "job/job.h"
#include "job/text/job_text.h"

namespace laconic {

// That line, or the one of another key, its end included. Empty for a folder whose name a comment cannot hold.
inline constexpr std::string_view kPathsAreTakenFrom = "relative paths are taken from ";
std::string folder_line(std::string_view key, std::string_view folder);

// Where the relative paths of a job's text start, absolute; empty where nothing has a folder any more. It is what the
// first lines of `text` say, else the folder of `file`. Earlier versions wrote a job.resolved.toml without the line:
// its paths start at the current folder, and those of a checkpoint where the run was first started.
std::string folder_of_paths(std::string_view text, const std::string& file);

// VALUE of the comment "# KEYVALUE" among those that `text` begins with, or empty.
std::string leading_comment(std::string_view text, std::string_view key);
// The key of the folder in which a run was first started, in its checkpoints.
inline constexpr std::string_view kFirstStartedIn = "first started in ";

// Turns a path that starts at the current folder into the same one from `folder`.
void take_from(const std::string& folder, Override& change);

// Whether a path of the job starts at its folder, so that the same text elsewhere names other files.
bool has_relative_paths(const Job& job);

// A path of the job as the program opens it: as short as it can be written from the current folder.
std::string opened_path(const Job& job, const std::string& path);

// A section with its paths as the program opens them. Throws UsageError with place and remedy for a path that leads
// nowhere from the job's folder but would from the current one.
Options with_opened_paths(const Job& job, std::string_view section);

}  // namespace laconic
