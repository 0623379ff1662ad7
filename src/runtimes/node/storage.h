// What a node keeps across its own death: files by name, which grow at their end or are replaced as a whole.
//
// A log is written on this, so that the same code runs on a disk (disk_storage.h) and in the simulator, where the
// process dies at any write (runtimes/sim/memory_disk.h). One thread at a time makes all calls; no wait but the disk's.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace laconic::node {

inline constexpr std::size_t kMaxStorageName = 64;

// 1 to kMaxStorageName letters, digits, '-', '_' and '.', not in front. So it names a file of one folder, whatever bytes
// it came from. Every call below checks it.
inline bool is_storage_name(std::string_view name) {
  const auto is_allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  return !name.empty() && name.size() <= kMaxStorageName && name.front() != '.' &&
         std::ranges::all_of(name, is_allowed);
}

// "Durable" is what the end of the process and of the machine leave as it is. All that changes a file throws RunError
// with path, reason and remedy, a full disk too.
class Storage {
 public:
  virtual ~Storage() = default;

  // Where a file is, for errors; without a name, where all are.
  virtual std::string path(std::string_view name = {}) const = 0;

  // Adds bytes at the end of a file, and makes it where there is none. Not durable before sync(): a death then leaves
  // all, none or the first of what was added, or zeros in the place of some of it. After an error some of the first
  // bytes may be there.
  virtual void append(std::string_view name, std::span<const std::byte> bytes) = 0;
  // What was appended to the file is durable when this returns. After an error nobody knows how much of it is, and
  // another sync() does not tell: only replace() leads back to a file that is known.
  virtual void sync(std::string_view name) = 0;

  // Gives a file these bytes. Durable when this returns; a death or an error leaves the former file or the new one, as a
  // whole.
  virtual void replace(std::string_view name, std::span<const std::byte> bytes) = 0;
  // Removes a file, or nothing where there is none. Durable when this returns; a death or an error leaves the file or
  // none.
  virtual void remove(std::string_view name) = 0;

  // The bytes of a file, those that are not durable too; nothing where there is none. Throws DecodeError, which begins
  // with the path, for a file that cannot be read or has more than `max_size` bytes.
  virtual std::optional<std::vector<std::byte>> read(std::string_view name, std::uint64_t max_size) const = 0;
  // The names of all files, rising.
  virtual std::vector<std::string> list() const = 0;
};

}  // namespace laconic::node
