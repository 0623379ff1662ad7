// A disk in memory that outlives its process (runtimes/node/storage.h), and what a seed may do to it: its process dies
// at a write, and what was not synced is then lost, cut or kept; it is full; a byte is damaged.
//
//   MemoryDisk disk(seed);
//   disk.set_faults({.die_at = 3});
//   try { run_process(disk); } catch (const ProcessDeath&) {}
//   disk.restart();             // what is there now is what the next process finds
//
// The seed and the calls decide everything.
#pragma once

#include <functional>
#include <limits>
#include <map>

#include "base/random.h"
#include "runtimes/node/storage.h"

namespace laconic::sim {

// Unwinds the thread of a process that is dead. No Error and no std::exception, so that no code of the process takes it
// for something to report or to go on from.
struct ProcessDeath {};

// Writes are counted from 1 over the disk's life: each append, sync, replace and remove.
struct DiskFaults {
  std::uint64_t die_at = 0;     // the write at which the process dies; 0: none
  std::uint64_t full_from = 0;  // from this write on each fails but a remove; 0: none
  std::uint64_t capacity = std::numeric_limits<std::uint64_t>::max();  // bytes of all files; who wants more fails
};

class MemoryDisk final : public node::Storage {
 public:
  // A disk moves the bytes of a sector together.
  static constexpr std::size_t kSector = 512;

  explicit MemoryDisk(std::uint64_t seed) : seed_(seed) {}

  void set_faults(const DiskFaults& faults) { faults_ = faults; }
  // Writes so far, the one at which the process died included.
  std::uint64_t writes() const { return writes_; }
  // The process is dead: every call throws ProcessDeath until restart().
  void die();
  // Another process has the disk now. Faults stay set, and those whose write is past are over.
  void restart() { is_dead_ = false; }
  // Changes the byte at `offset` of a file that has it; `bits` is not 0.
  void damage(std::string_view name, std::size_t offset, std::byte bits);
  // Leaves the first bytes of a file.
  void cut(std::string_view name, std::size_t size);

  std::string path(std::string_view name = {}) const override;
  void append(std::string_view name, std::span<const std::byte> bytes) override;
  void sync(std::string_view name) override;
  void replace(std::string_view name, std::span<const std::byte> bytes) override;
  void remove(std::string_view name) override;
  std::optional<std::vector<std::byte>> read(std::string_view name, std::uint64_t max_size) const override;
  std::vector<std::string> list() const override;

 private:
  struct File {
    std::vector<std::byte> bytes;
    std::size_t durable = 0;  // of the bytes, the first so many
    bool name_is_durable = false;
  };

  File& file(std::string_view name);
  void expect_call(std::string_view name) const;
  void expect_alive() const;
  // Counts a write. Returns whether the process dies at it.
  bool begins_last_write();
  bool is_full_for(std::uint64_t more) const;
  [[noreturn]] void fail_to_write(std::string_view name) const;
  // A stream for what happens at this write.
  RandomStream stream(std::string_view purpose) const { return RandomStream(seed_, purpose, {writes_, deaths_}); }

  std::uint64_t seed_;
  DiskFaults faults_;
  std::map<std::string, File, std::less<>> files_;
  std::uint64_t writes_ = 0;
  std::uint64_t deaths_ = 0;
  bool is_dead_ = false;
};

}  // namespace laconic::sim
