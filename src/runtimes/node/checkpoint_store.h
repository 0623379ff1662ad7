// Checkpoints on disk: named parts of bytes, complete once their manifest is there.
//
//   FOLDER/step-000000001200/NAME        a part, as its process wrote it
//   FOLDER/step-000000001200/manifest    written last (checkpoint_manifest.h)
//   FOLDER/lock                          held by the process that completes checkpoints
//
// Every process of a run writes its own parts and tells the one that completes what it wrote; that one writes the
// manifest. On a shared file system all is then in one folder. On disks of their own only the completing process has
// manifests, and tells the others which checkpoint is meant. Whatever ends a process or a machine, at any moment, the
// newest complete checkpoint stays as it was: files appear whole (durable_file.h), manifests behind what they list, and
// they go away before it.
//
// What the parts say is the caller's. One thread at a time; no wait but the disk's.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "runtimes/node/checkpoint_job.h"
#include "runtimes/node/checkpoint_manifest.h"

namespace laconic {

// The part that every complete checkpoint has: CheckpointJob::resolved.
inline constexpr std::string_view kJobPart = "job.resolved.toml";

struct CheckpointStoreOptions {
  std::string folder;
  std::string program;     // version of this program; 1 to kMaxProgramSize printable characters
  bool completes = false;  // this process is the one of its run that completes checkpoints
  std::size_t keep = 2;  // complete checkpoints that stay, from 1; the older ones are for disks that lose what they had
};

struct FoundCheckpoint {
  CheckpointManifest manifest;
  // Newer ones that are damaged: "PATH: REASON", a line each.
  std::vector<std::string> passed_over;
};

class CheckpointStore {
 public:
  // With `completes` makes the folder and holds its lock as long as it lives; else touches nothing. Throws UsageError,
  // with a remedy, when the folder is a file or cannot be made, or another run that completes has it.
  explicit CheckpointStore(CheckpointStoreOptions options);
  ~CheckpointStore();
  CheckpointStore(const CheckpointStore&) = delete;
  CheckpointStore& operator=(const CheckpointStore&) = delete;

  // Writes a part; it is on disk when this returns. `name` as is_part_name() wants it, and not kJobPart. Makes an older
  // checkpoint of the same step incomplete. Throws RunError with path and reason; complete checkpoints of other steps
  // are as they were.
  PartRecord write_part(Step step, std::string_view name, std::span<const std::byte> bytes);

  // Completes the checkpoint: `parts` are all that processes wrote for it, in any order, each name once. Then removes
  // what is older, but for the newest complete ones up to `keep`. Returns the steps that are left, the newest first: on
  // disks of their own the other processes give them to remove_older(). Only with `completes`. Throws RunError; the
  // checkpoint is then complete or not, and the others are as they were.
  std::vector<Step> complete(Step step, const CheckpointJob& job, std::vector<PartRecord> parts);

  // The newest complete checkpoint whose manifest is whole and whose parts, where they are on this disk, have their
  // size; nothing when there is no complete one. Throws UsageError when it is of another version of the program,
  // DecodeError when every complete one is damaged, RunError when the folder cannot be read.
  std::optional<FoundCheckpoint> newest() const;

  // Throws UsageError, which names the first difference, unless the checkpoint is of this job.
  void expect_job(const CheckpointManifest& manifest, const CheckpointJob& job) const;

  // Reads a part and checks that it is what was recorded. Throws DecodeError with path and remedy, also where the
  // checkpoint has no part of that name or its file is not on this disk.
  std::vector<std::byte> read_part(const CheckpointManifest& manifest, std::string_view name) const;

  // Removes what is older than the newest of `kept` and not among them. What is newer stays: another process may be
  // writing it already. Throws RunError.
  void remove_older(std::span<const Step> kept);

  // Removes what is newer than `step`, complete or not: for a run that goes on from `step`. Throws RunError.
  void remove_newer(Step step);

  // Removes all checkpoints, and the folder unless it holds something else: for a run that has ended, or that starts
  // from the beginning where another left some. Throws RunError.
  void remove_all();

 private:
  std::string folder_of(Step step) const;
  std::vector<Step> steps() const;
  std::optional<CheckpointManifest> manifest_of(Step step) const;
  void remove(Step step);
  void lock();

  CheckpointStoreOptions options_;
  int lock_ = -1;
};

}  // namespace laconic
