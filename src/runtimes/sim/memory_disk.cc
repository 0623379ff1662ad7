#include "runtimes/sim/memory_disk.h"

#include <algorithm>
#include <utility>

#include "base/error.h"

namespace laconic::sim {
namespace {

enum class Fate : std::uint64_t { kLost, kKept, kCut, kSectorsLost };
constexpr std::uint64_t kFates = 4;

// What a death leaves of the bytes behind the first `durable`.
void settle(std::vector<std::byte>& bytes, std::size_t durable, Fate fate, RandomStream& stream) {
  switch (fate) {
    case Fate::kLost:
      bytes.resize(durable);
      break;
    case Fate::kKept:
      break;
    case Fate::kCut:
      bytes.resize(durable + stream.below(bytes.size() - durable));
      break;
    case Fate::kSectorsLost:
      // The file has its new length, and of some sectors the new bytes are missing: they are zeros.
      for (std::size_t begin = durable; begin < bytes.size();) {
        const std::size_t end = std::min(bytes.size(), (begin / MemoryDisk::kSector + 1) * MemoryDisk::kSector);
        const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(begin);
        if (stream.below(2) == 0) std::fill_n(at, end - begin, std::byte{0});
        begin = end;
      }
      break;
  }
}

}  // namespace

void MemoryDisk::expect_alive() const {
  if (is_dead_) throw ProcessDeath{};
}

void MemoryDisk::expect_call(std::string_view name) const {
  LACONIC_CHECK(node::is_storage_name(name), "'" << name << "' is no name of a file in one folder");
  expect_alive();
}

bool MemoryDisk::begins_last_write() {
  ++writes_;
  return writes_ == faults_.die_at;
}

bool MemoryDisk::is_full_for(std::uint64_t more) const {
  if (faults_.full_from != 0 && writes_ >= faults_.full_from) return true;
  std::uint64_t size = 0;
  for (const auto& [name, file] : files_) size += file.bytes.size();
  return more > 0 && (size > faults_.capacity || more > faults_.capacity - size);
}

void MemoryDisk::fail_to_write(std::string_view name) const {
  throw RunError(path(name) + ": cannot be written (no space left); free space there");
}

MemoryDisk::File& MemoryDisk::file(std::string_view name) {
  const auto at = files_.find(name);
  LACONIC_CHECK(at != files_.end(), "no file '" << name << "'");
  return at->second;
}

void MemoryDisk::die() {
  is_dead_ = true;
  ++deaths_;
  RandomStream fates = stream("disk at a death");
  for (auto at = files_.begin(); at != files_.end();) {
    File& file = at->second;
    if (file.durable < file.bytes.size()) {
      settle(file.bytes, file.durable, static_cast<Fate>(fates.below(kFates)), fates);
    }
    const bool is_gone = !file.name_is_durable && file.bytes.empty();
    file.durable = file.bytes.size();
    file.name_is_durable = true;
    at = is_gone ? files_.erase(at) : std::next(at);
  }
}

void MemoryDisk::damage(std::string_view name, std::size_t offset, std::byte bits) {
  std::vector<std::byte>& bytes = file(name).bytes;
  LACONIC_CHECK(offset < bytes.size() && bits != std::byte{0}, "byte " << offset << " of " << bytes.size());
  bytes[offset] ^= bits;
}

void MemoryDisk::cut(std::string_view name, std::size_t size) {
  File& cut = file(name);
  LACONIC_CHECK(size <= cut.bytes.size(), "byte " << size << " of " << cut.bytes.size());
  cut.bytes.resize(size);
  cut.durable = std::min(cut.durable, size);
}

std::string MemoryDisk::path(std::string_view name) const {
  return name.empty() ? "memory" : "memory/" + std::string(name);
}

void MemoryDisk::append(std::string_view name, std::span<const std::byte> bytes) {
  expect_call(name);
  const bool is_last = begins_last_write();
  const bool is_full = is_full_for(bytes.size());
  const std::size_t taken = is_full ? stream("disk that is full").below(bytes.size() + 1) : bytes.size();
  if (!is_full || files_.contains(name)) {
    std::vector<std::byte>& all = files_[std::string(name)].bytes;
    all.insert(all.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(taken));
  }
  if (is_last) {
    die();
    throw ProcessDeath{};
  }
  if (is_full) fail_to_write(name);
}

void MemoryDisk::sync(std::string_view name) {
  expect_call(name);
  if (begins_last_write()) {
    die();
    throw ProcessDeath{};
  }
  if (is_full_for(0)) fail_to_write(name);
  const auto at = files_.find(name);
  if (at == files_.end()) return;
  at->second.durable = at->second.bytes.size();
  at->second.name_is_durable = true;
}

void MemoryDisk::replace(std::string_view name, std::span<const std::byte> bytes) {
  expect_call(name);
  const bool is_last = begins_last_write();
  const bool is_full = is_full_for(bytes.size());
  if (!is_full && !(is_last && stream("disk that replaces").below(2) == 0)) {
    files_[std::string(name)] = {
        .bytes = {bytes.begin(), bytes.end()}, .durable = bytes.size(), .name_is_durable = true};
  }
  if (is_last) {
    die();
    throw ProcessDeath{};
  }
  if (is_full) fail_to_write(name);
}

void MemoryDisk::remove(std::string_view name) {
  expect_call(name);
  const bool is_last = begins_last_write();
  const auto at = files_.find(name);
  if (at != files_.end() && !(is_last && stream("disk that removes").below(2) == 0)) files_.erase(at);
  if (is_last) {
    die();
    throw ProcessDeath{};
  }
}

std::optional<std::vector<std::byte>> MemoryDisk::read(std::string_view name, std::uint64_t max_size) const {
  expect_call(name);
  const auto at = files_.find(name);
  if (at == files_.end()) return std::nullopt;
  if (at->second.bytes.size() > max_size) {
    throw DecodeError(path(name) + ": has " + std::to_string(at->second.bytes.size()) + " bytes, 0 to " +
                      std::to_string(max_size) + " belong there");
  }
  return at->second.bytes;
}

std::vector<std::string> MemoryDisk::list() const {
  expect_alive();
  std::vector<std::string> names;
  names.reserve(files_.size());
  for (const auto& [name, file] : files_) names.push_back(name);
  return names;
}

}  // namespace laconic::sim
