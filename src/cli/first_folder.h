// The folder in which a run was first started, from which the relative paths of its job are taken.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "job/checkpoints.h"
#include "job/wiring.h"

namespace laconic {

// While it lives, the process works in that folder. Where the folder is no longer there it tries the one that lies as it
// does to the results (of a tree that was moved as a whole), and else stays where it is.
class FirstFolder {
 public:
  // `run.output_dir` and `job_file` become paths that name the same from there. Before there are other threads.
  FirstFolder(RunToResume& run, std::string& job_file);
  ~FirstFolder();
  FirstFolder(const FirstFolder&) = delete;
  FirstFolder& operator=(const FirstFolder&) = delete;

  // What `set_up` gives; a UsageError says also where relative paths were looked for, unless that is where the program was
  // started.
  JobSetup explained(const std::function<JobSetup()>& set_up) const;

 private:
  std::string here_;         // to go back to; empty: it never left
  std::string explanation_;  // of where paths are taken from; empty: nothing to explain
};

}  // namespace laconic
