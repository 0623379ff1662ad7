// Files that are there as a whole or not at all, whatever ends the process or the machine while they are written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace laconic {

// Makes `folder` and what is missing above it; that it exists is on disk when this returns. Throws RunError.
void make_folder(const std::string& folder);

// Gives the file `name` of `folder` these bytes. They and their name are on disk when this returns; until then the name
// is that of the former file, if there was one. What is unfinished is called ".NAME.tmp", and goes away on an error.
// Throws RunError with the path and the reason.
void write_durably(const std::string& folder, const std::string& name, std::span<const std::byte> bytes);

// Removes a file, or nothing where there is none; that it is gone is on disk when this returns. Throws RunError.
void remove_durably(const std::string& folder, const std::string& name);

// A file that grows at its end. One thread at a time; all throw RunError with the path and the reason.
class AppendedFile {
 public:
  // Opens `name` of `folder`, and makes it where there is none.
  AppendedFile(const std::string& folder, const std::string& name);
  ~AppendedFile();
  AppendedFile(const AppendedFile&) = delete;
  AppendedFile& operator=(const AppendedFile&) = delete;

  // After an error some of the first bytes may be there.
  void append(std::span<const std::byte> bytes);
  // What was appended and the file's name are on disk when this returns. After an error nobody knows how much is, and
  // another sync() does not tell.
  void sync();

 private:
  std::string folder_;
  std::string path_;
  int file_ = -1;
  bool name_is_on_disk_ = false;
};

// The bytes of a file; nothing where there is none. Throws DecodeError, which begins with the path, for what is no file
// (a link too, or a pipe, which could keep the reader waiting), cannot be read or has not from `min_size` to `max_size`
// bytes; memory is taken only for a size in these bounds.
std::optional<std::vector<std::byte>> read_whole_file(const std::string& path, std::uint64_t min_size,
                                                      std::uint64_t max_size);

// The path of `name` in `folder`.
std::string path_in(const std::string& folder, const std::string& name);

}  // namespace laconic
