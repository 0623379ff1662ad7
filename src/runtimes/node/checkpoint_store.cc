#include "runtimes/node/checkpoint_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "comm/crc32c.h"
#include "runtimes/node/durable_file.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kStepPrefix = "step-";
constexpr std::size_t kStepDigits = 12;  // at least: so that a listing is in the order of steps
const std::string kLockFile = "lock";
constexpr int kMaxLockAttempts = 10;  // each that fails without an error, another run has ended

std::string step_name(Step step) {
  std::string digits = std::to_string(step.value);
  if (digits.size() < kStepDigits) digits.insert(0, kStepDigits - digits.size(), '0');
  return std::string(kStepPrefix) + digits;
}

// The step that a folder of this name is of, if it is one.
std::optional<Step> step_named(std::string_view name) {
  if (!name.starts_with(kStepPrefix)) return std::nullopt;
  const std::string_view digits = name.substr(kStepPrefix.size());
  Step step;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step.value);
  if (error != std::errc{} || end != digits.data() + digits.size() || step_name(step) != name) return std::nullopt;
  return step;
}

std::string reason_of(int error) { return std::generic_category().message(error); }

bool is_file_at(const std::string& path, int file) {
  struct stat here {};
  struct stat there {};
  return stat(path.c_str(), &there) == 0 && fstat(file, &here) == 0 && here.st_dev == there.st_dev &&
         here.st_ino == there.st_ino;
}

}  // namespace

CheckpointStore::CheckpointStore(CheckpointStoreOptions options) : options_(std::move(options)) {
  LACONIC_CHECK(options_.keep >= 1, "keep " << options_.keep);
  std::error_code error;
  const fs::file_status status = fs::status(options_.folder, error);
  if (fs::exists(status) && !fs::is_directory(status)) {
    throw UsageError(options_.folder + ": is no folder, and checkpoints go into one; move it, or give another place");
  }
  if (options_.completes) lock();
}

CheckpointStore::~CheckpointStore() {
  if (lock_ >= 0) close(lock_);
}

void CheckpointStore::lock() {
  const std::string path = path_in(options_.folder, kLockFile);
  // A run that ends removes its lock. Who got hold of that file before has a lock that nobody else sees, and tries
  // anew.
  for (int attempt = 0; attempt < kMaxLockAttempts; ++attempt) {
    try {
      make_folder(options_.folder);
    } catch (const RunError& problem) {
      throw UsageError(std::string(problem.what()) + ", for checkpoints");
    }
    // Open for writing, since network file systems lock nothing else.
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    if (file < 0 && errno == ENOENT) continue;
    if (file < 0) throw UsageError(path + ": cannot be made (" + reason_of(errno) + "); give another place");
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      close(file);
      if (reason == EWOULDBLOCK) break;
      throw UsageError(path + ": cannot be locked (" + reason_of(reason) + "); give a place that has locks");
    }
    if (is_file_at(path, file)) {
      lock_ = file;
      return;
    }
    close(file);
  }
  throw UsageError(options_.folder + ": another run keeps its checkpoints there; wait for it, or give another place");
}

PartRecord CheckpointStore::write_part(Step step, std::string_view name, std::span<const std::byte> bytes) {
  LACONIC_CHECK(is_part_name(name), "'" << name << "'");
  LACONIC_CHECK(bytes.size() <= kMaxPartSize, bytes.size() << " bytes");
  const std::string folder = folder_of(step);
  make_folder(folder);
  // A manifest that is there lists the part as it was.
  remove_durably(folder, std::string(kManifestFile));
  PartRecord record{.name = std::string(name), .size = bytes.size(), .crc32c = crc32c(bytes)};
  write_durably(folder, record.name, bytes);
  return record;
}

std::vector<Step> CheckpointStore::complete(Step step, const CheckpointJob& job, std::vector<PartRecord> parts) {
  LACONIC_CHECK(options_.completes, "another process completes the checkpoints in " << options_.folder);
  parts.push_back(write_part(step, kJobPart, std::as_bytes(std::span(job.resolved))));
  std::ranges::sort(parts, {}, &PartRecord::name);
  const CheckpointManifest manifest{
      .program = options_.program, .job = digest(job.identity), .step = step, .parts = std::move(parts)};
  write_durably(folder_of(step), std::string(kManifestFile), manifest.encode());

  std::vector<Step> kept = {step};
  for (const Step older : steps()) {
    if (kept.size() == options_.keep) break;
    if (older >= step) continue;
    try {
      if (manifest_of(older)) kept.push_back(older);
    } catch (const Error&) {
      // Nobody can go on from it.
    }
  }
  remove_older(kept);
  return kept;
}

std::optional<FoundCheckpoint> CheckpointStore::newest() const {
  std::vector<std::string> passed_over;
  for (const Step step : steps()) {
    try {
      std::optional<CheckpointManifest> manifest = manifest_of(step);
      if (!manifest) continue;
      return FoundCheckpoint{.manifest = *std::move(manifest), .passed_over = std::move(passed_over)};
    } catch (const DecodeError& damage) {
      passed_over.emplace_back(damage.what());
    }
  }
  if (passed_over.empty()) return std::nullopt;
  throw DecodeError(passed_over.front() + "; no older checkpoint is complete: remove " + options_.folder +
                    " to start from the beginning");
}

// The manifest of a step, if it has one: whole, of this step and program, its parts as long as they should be.
std::optional<CheckpointManifest> CheckpointStore::manifest_of(Step step) const {
  const std::string path = path_in(folder_of(step), std::string(kManifestFile));
  const std::optional<std::vector<std::byte>> bytes = read_whole_file(path, 0, kMaxManifestSize);
  if (!bytes) return std::nullopt;
  CheckpointManifest manifest = CheckpointManifest::decode(*bytes, path);
  if (manifest.step != step) throw DecodeError(path + ": is of step " + std::to_string(manifest.step.value));
  if (manifest.program != options_.program) {
    throw UsageError(path + ": is of version " + manifest.program + ", and this program is version " +
                     options_.program + "; go on with the version that wrote it, or remove " + options_.folder +
                     " to start from the beginning");
  }
  for (const PartRecord& part : manifest.parts) {
    const std::string part_path = path_in(folder_of(step), part.name);
    struct stat status {};
    if (lstat(part_path.c_str(), &status) != 0) continue;  // on the disk of another process
    if (!S_ISREG(status.st_mode) || static_cast<std::uint64_t>(status.st_size) != part.size) {
      throw DecodeError(part_path + ": is no file of " + std::to_string(part.size) + " bytes");
    }
  }
  return manifest;
}

void CheckpointStore::expect_job(const CheckpointManifest& manifest, const CheckpointJob& job) const {
  if (manifest.job == digest(job.identity)) return;
  const std::vector<std::byte> kept = read_part(manifest, kJobPart);
  const std::string_view text(reinterpret_cast<const char*>(kept.data()), kept.size());
  throw UsageError(options_.folder + ": holds checkpoints of another job: " + first_difference(text, job) +
                   "; give the job as it was, or remove the folder to start from the beginning");
}

std::vector<std::byte> CheckpointStore::read_part(const CheckpointManifest& manifest, std::string_view name) const {
  const std::string folder = folder_of(manifest.step);
  const std::string remedy = "; remove " + folder + " to go on from the checkpoint before it";
  const PartRecord* part = manifest.find(name);
  if (part == nullptr) throw DecodeError(folder + ": the checkpoint has no part '" + std::string(name) + "'" + remedy);
  const std::string path = path_in(folder, part->name);
  std::optional<std::vector<std::byte>> bytes;
  try {
    bytes = read_whole_file(path, part->size, part->size);
  } catch (const DecodeError& problem) {
    throw DecodeError(problem.what() + remedy);
  }
  if (!bytes) throw DecodeError(path + ": is not on this disk; bring it here, or" + remedy.substr(1));
  if (crc32c(*bytes) != part->crc32c) throw DecodeError(path + ": damaged: its checksum is wrong" + remedy);
  return *std::move(bytes);
}

void CheckpointStore::remove_older(std::span<const Step> kept) {
  LACONIC_CHECK(!kept.empty(), "nothing is kept");
  const Step newest = *std::ranges::max_element(kept);
  for (const Step step : steps()) {
    if (step < newest && std::ranges::find(kept, step) == kept.end()) remove(step);
  }
}

void CheckpointStore::remove_newer(Step step) {
  for (const Step other : steps()) {
    if (other > step) remove(other);
  }
}

void CheckpointStore::remove_all() {
  for (const Step step : steps()) remove(step);
  std::error_code ignored;
  if (lock_ >= 0) fs::remove(path_in(options_.folder, kLockFile), ignored);
  fs::remove(options_.folder, ignored);  // does nothing to a folder that holds something
}

// Where processes share the folder, several do this at the same time: what one finds gone another has removed.
void CheckpointStore::remove(Step step) {
  const std::string folder = folder_of(step);
  // First what makes it complete: no end of the process on the way leaves a manifest of parts that are gone.
  try {
    remove_durably(folder, std::string(kManifestFile));
  } catch (const RunError&) {
    if (fs::exists(folder)) throw;
  }
  std::error_code error;
  do {
    fs::remove_all(folder, error);
  } while (error == std::errc::no_such_file_or_directory && fs::exists(folder));
  if (error && fs::exists(folder)) throw RunError(folder + ": cannot be removed (" + error.message() + "); remove it");
}

std::string CheckpointStore::folder_of(Step step) const { return path_in(options_.folder, step_name(step)); }

// The steps of all folders of checkpoints, complete or not; the newest first.
std::vector<Step> CheckpointStore::steps() const {
  std::vector<Step> steps;
  std::error_code error;
  fs::directory_iterator entry(options_.folder, error);
  if (error == std::errc::no_such_file_or_directory) return steps;
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::optional<Step> step = step_named(entry->path().filename().string());
    std::error_code unknown;
    if (step && fs::is_directory(entry->symlink_status(unknown))) steps.push_back(*step);
  }
  if (error) throw RunError(options_.folder + ": cannot be read (" + error.message() + "); make it readable");
  std::ranges::sort(steps, std::greater());
  return steps;
}

}  // namespace laconic
