// The data of a job, and who has which: all of it, or one worker's own part for a process that runs that worker alone.
//
// Without {rank} in data.dir every process reads the same files, deals the samples out as all others do, and keeps its
// worker's; of IDX files it reads labels and users first, and never holds an image of another worker. With {rank} the
// samples of worker r are those in its folder, which nobody else needs to see; test and validation splits are of worker
// 0's folder.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "job/job.h"
#include "training/data/dataset.h"
#include "training/data/partition.h"

namespace laconic {

// A process that runs one worker of a job.
struct OneWorker {
  Rank rank;
  // Gives a number of this process to all others and returns everybody's, by rank. Processes of one job call it equally
  // often, and in the same order.
  std::function<std::vector<std::uint64_t>(std::uint64_t own)> exchange;
};

struct JobData {
  // Of one worker `train` has that worker's samples alone. Test and validation splits are the job's; of {rank} they are
  // empty but for worker 0.
  std::shared_ptr<const Dataset> data;
  Partition partition;   // of data->train; a part for each worker, empty for those whose samples are elsewhere
  SampleCounts samples;  // of all workers
};

// Whether each worker has a folder of its own.
bool has_data_by_rank(const Job& job);

// Throws UsageError, with the place in the job file, for what DatasetRow, the validation split or the partition refuse,
// and for folders that differ in the size of images, the classes or the vocabulary; of one worker also where processes
// that should read the same files do not. What happens on the way to others (`exchange`) is passed on.
JobData load_job_data(const Job& job, const std::optional<OneWorker>& only);

// Whether a file of the user's own that decides the job's results was written after `time`: model.file, and the files
// of data sets whose names the job gives. Files that are not there count as old. Throws
// UsageError as with_opened_paths() does.
bool has_newer_input(const Job& job, std::filesystem::file_time_type time);

}  // namespace laconic
