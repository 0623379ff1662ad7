// Storage in a folder of a file system.
//
//   FOLDER/NAME        a file
//   FOLDER/.NAME.tmp   one that is being written as a whole (durable_file.h)
//   FOLDER/.lock       held by the process that has the folder
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "runtimes/node/durable_file.h"
#include "runtimes/node/storage.h"

namespace laconic::node {

class DiskStorage final : public Storage {
 public:
  // Makes the folder and holds it as long as this lives: two processes that write one log would both believe that theirs
  // is durable. Removes what a former process left unfinished. Throws UsageError, with a remedy, when another process
  // holds the folder; RunError when it cannot be made.
  explicit DiskStorage(std::string folder);
  ~DiskStorage() override;
  DiskStorage(const DiskStorage&) = delete;
  DiskStorage& operator=(const DiskStorage&) = delete;

  std::string path(std::string_view name = {}) const override;
  void append(std::string_view name, std::span<const std::byte> bytes) override;
  void sync(std::string_view name) override;
  void replace(std::string_view name, std::span<const std::byte> bytes) override;
  void remove(std::string_view name) override;
  std::optional<std::vector<std::byte>> read(std::string_view name, std::uint64_t max_size) const override;
  std::vector<std::string> list() const override;

 private:
  void lock();
  void remove_unfinished();

  std::string folder_;
  int lock_ = -1;
  // Those that grow. They stay open, because the system tells of a write that failed later only to who has the file
  // open.
  std::map<std::string, std::unique_ptr<AppendedFile>, std::less<>> growing_;
};

}  // namespace laconic::node
