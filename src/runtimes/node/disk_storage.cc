#include "runtimes/node/disk_storage.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace laconic::node {
namespace {

namespace fs = std::filesystem;

// Neither is a name of a file of storage.
const std::string kLockFile = ".lock";
constexpr std::string_view kUnfinishedEnd = ".tmp";

void expect_name(std::string_view name) {
  LACONIC_CHECK(is_storage_name(name), "'" << name << "' is no name of a file in one folder");
}

std::string reason_of(int error) { return std::generic_category().message(error); }

std::vector<std::string> names_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    names.push_back(at->path().filename().string());
  }
  if (error) throw RunError(folder + ": cannot be read (" + error.message() + "); see that it may be read");
  std::ranges::sort(names);
  return names;
}

}  // namespace

DiskStorage::DiskStorage(std::string folder) : folder_(std::move(folder)) {
  make_folder(folder_);
  lock();
  try {
    remove_unfinished();
  } catch (...) {
    close(lock_);
    throw;
  }
}

DiskStorage::~DiskStorage() { close(lock_); }

void DiskStorage::lock() {
  const std::string path = path_in(folder_, kLockFile);
  // Open for writing, since network file systems lock nothing else. The file stays when the lock is given back: a name
  // that goes away could be locked twice.
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
  if (file < 0) throw RunError(path + ": cannot be made (" + reason_of(errno) + "); give a place that may be written");
  if (flock(file, LOCK_EX | LOCK_NB) == 0) {
    lock_ = file;
    return;
  }
  const int reason = errno;
  close(file);
  if (reason == EWOULDBLOCK) {
    throw UsageError(folder_ + ": another process has it; wait for its end, or give another place");
  }
  throw RunError(path + ": cannot be locked (" + reason_of(reason) + "); give a place that has locks");
}

void DiskStorage::remove_unfinished() {
  for (const std::string& name : names_in(folder_)) {
    if (name.starts_with('.') && name.ends_with(kUnfinishedEnd)) remove_durably(folder_, name);
  }
}

std::string DiskStorage::path(std::string_view name) const {
  if (name.empty()) return folder_;
  expect_name(name);
  return path_in(folder_, std::string(name));
}

void DiskStorage::append(std::string_view name, std::span<const std::byte> bytes) {
  expect_name(name);
  auto at = growing_.find(name);
  if (at == growing_.end()) {
    auto file = std::make_unique<AppendedFile>(folder_, std::string(name));
    at = growing_.emplace(std::string(name), std::move(file)).first;
  }
  at->second->append(bytes);
}

void DiskStorage::sync(std::string_view name) {
  expect_name(name);
  // What this process has not appended to was durable before.
  if (const auto at = growing_.find(name); at != growing_.end()) at->second->sync();
}

void DiskStorage::replace(std::string_view name, std::span<const std::byte> bytes) {
  expect_name(name);
  // The name will be that of another file.
  if (const auto at = growing_.find(name); at != growing_.end()) growing_.erase(at);
  write_durably(folder_, std::string(name), bytes);
}

void DiskStorage::remove(std::string_view name) {
  expect_name(name);
  if (const auto at = growing_.find(name); at != growing_.end()) growing_.erase(at);
  remove_durably(folder_, std::string(name));
}

std::optional<std::vector<std::byte>> DiskStorage::read(std::string_view name, std::uint64_t max_size) const {
  expect_name(name);
  return read_whole_file(path(name), 0, max_size);
}

std::vector<std::string> DiskStorage::list() const {
  std::vector<std::string> names = names_in(folder_);
  std::erase_if(names, [](const std::string& name) { return !is_storage_name(name); });
  return names;
}

}  // namespace laconic::node
