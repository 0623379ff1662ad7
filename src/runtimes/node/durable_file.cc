#include "runtimes/node/durable_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/error.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

std::string reason_of(int error) { return std::generic_category().message(error); }

[[noreturn]] void fail_to_write(const std::string& path, int error) {
  const bool is_full = error == ENOSPC || error == EDQUOT || error == EFBIG;
  throw RunError(path + ": cannot be written (" + reason_of(error) + "); " +
                 (is_full ? "free space there" : "see that its folder is there and may be written"));
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  int number() const { return number_; }
  // Network file systems tell of a full disk only here. Whether it went well; errno says why not.
  bool close() { return ::close(std::exchange(number_, -1)) == 0; }

 private:
  int number_;
};

bool write_all(int file, std::span<const std::byte> bytes) {
  // One call takes no more than about 2 GiB.
  constexpr std::size_t kMaxCall = std::size_t{1} << 30;
  while (!bytes.empty()) {
    const ssize_t written = write(file, bytes.data(), std::min(bytes.size(), kMaxCall));
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

// Puts the names in `folder` on disk.
void sync_folder(const std::string& folder) {
  const Descriptor opened(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.number() < 0) fail_to_write(folder, errno);
  // Some file systems have nothing to do here, and say so.
  if (fsync(opened.number()) != 0 && errno != EINVAL && errno != EROFS) fail_to_write(folder, errno);
}

}  // namespace

std::string path_in(const std::string& folder, const std::string& name) { return (fs::path(folder) / name).string(); }

void make_folder(const std::string& folder) {
  fs::path path = fs::path(folder).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "run.checkpoint/" is "run.checkpoint"
  std::error_code error;
  if (fs::is_directory(path, error)) return;
  const std::string parent = path.has_parent_path() ? path.parent_path().string() : ".";
  if (path.has_parent_path() && path != path.parent_path()) make_folder(parent);
  if (mkdir(path.c_str(), 0777) == 0) {
    sync_folder(parent);
  } else if (const int reason = errno; reason != EEXIST || !fs::is_directory(path, error)) {
    throw RunError(path.string() + ": cannot be made (" + reason_of(reason) + "); give a place that may be written");
  }
}

void write_durably(const std::string& folder, const std::string& name, std::span<const std::byte> bytes) {
  const std::string path = path_in(folder, name);
  const std::string unfinished = path_in(folder, "." + name + ".tmp");
  int error = 0;
  {
    Descriptor file(open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666));
    if (file.number() < 0) fail_to_write(unfinished, errno);
    const bool on_disk = write_all(file.number(), bytes) && fsync(file.number()) == 0 && file.close();
    if (!on_disk) error = errno;
  }
  if (error == 0 && std::rename(unfinished.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    unlink(unfinished.c_str());
    fail_to_write(path, error);
  }
  sync_folder(folder);
}

void remove_durably(const std::string& folder, const std::string& name) {
  const std::string path = path_in(folder, name);
  if (unlink(path.c_str()) == 0) {
    sync_folder(folder);
  } else if (errno != ENOENT) {
    throw RunError(path + ": cannot be removed (" + reason_of(errno) + "); see that its folder may be written");
  }
}

AppendedFile::AppendedFile(const std::string& folder, const std::string& name)
    : folder_(folder),
      path_(path_in(folder, name)),
      file_(open(path_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666)) {
  if (file_ < 0) fail_to_write(path_, errno);
}

AppendedFile::~AppendedFile() { ::close(file_); }

void AppendedFile::append(std::span<const std::byte> bytes) {
  if (!write_all(file_, bytes)) fail_to_write(path_, errno);
}

void AppendedFile::sync() {
  if (fsync(file_) != 0) fail_to_write(path_, errno);
  // Whether the name is new nobody knows: who made it may have died before it was on disk.
  if (!name_is_on_disk_) sync_folder(folder_);
  name_is_on_disk_ = true;
}

std::optional<std::vector<std::byte>> read_whole_file(const std::string& path, std::uint64_t min_size,
                                                      std::uint64_t max_size) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (file.number() < 0) {
    if (errno == ENOENT) return std::nullopt;
    throw DecodeError(path + ": cannot be read (" + reason_of(errno) + ")");
  }
  struct stat status {};
  if (fstat(file.number(), &status) != 0) throw DecodeError(path + ": cannot be read (" + reason_of(errno) + ")");
  if (!S_ISREG(status.st_mode)) throw DecodeError(path + ": is no file");
  const auto size = static_cast<std::uint64_t>(status.st_size);
  if (size < min_size || size > max_size) {
    const std::string wanted =
        min_size == max_size ? std::to_string(min_size) : std::to_string(min_size) + " to " + std::to_string(max_size);
    throw DecodeError(path + ": has " + std::to_string(size) + " bytes, " + wanted + " belong there");
  }
  std::vector<std::byte> bytes(static_cast<std::size_t>(size));
  for (std::size_t done = 0; done < bytes.size();) {
    const ssize_t count = read(file.number(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw DecodeError(path + ": cannot be read (" + reason_of(errno) + ")");
    if (count == 0) throw DecodeError(path + ": ends early; it was cut while it was read");
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

}  // namespace laconic
