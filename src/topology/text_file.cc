#include "topology/text_file.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>

#include "base/error.h"

namespace laconic {

void Place::fail(const std::string& problem) const {
  throw UsageError(file + ":" + std::to_string(line) + ": " + problem);
}

std::string read_text_file(const std::string& path, std::string_view wanted) {
  const std::string remedy = "; give " + std::string(wanted);
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) throw UsageError(path + ": is a folder" + remedy);
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  const std::unique_ptr<std::FILE, Close> file(std::fopen(path.c_str(), "rb"));
  if (!file) throw UsageError(path + ": cannot be opened (" + std::strerror(errno) + ")" + remedy);
  std::string text;
  std::array<char, 1 << 16> chunk;
  for (;;) {
    const std::size_t got = std::fread(chunk.data(), 1, chunk.size(), file.get());
    if (got == 0) break;
    text.append(chunk.data(), got);
    if (text.size() > kMaxTextFileBytes) {
      throw UsageError(path + ": more than " + std::to_string(kMaxTextFileBytes >> 20) + " MiB" + remedy);
    }
  }
  if (std::ferror(file.get()) != 0) throw UsageError(path + ": cannot be read (" + std::strerror(errno) + ")");
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.erase(0, kByteOrderMark.size());
  return text;
}

std::string_view take_line(std::string_view& text) {
  const std::size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  skip_blanks(line);
  return line;
}

void skip_blanks(std::string_view& text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
}

}  // namespace laconic
