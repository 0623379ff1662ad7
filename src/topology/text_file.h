// Reading the text files of this layer.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace laconic {

inline constexpr std::size_t kMaxTextFileBytes = std::size_t{128} << 20;

// A place in a file, for errors.
struct Place {
  const std::string& file;
  std::size_t line;  // counted from 1
  // Throws UsageError "file:line: PROBLEM".
  [[noreturn]] void fail(const std::string& problem) const;
};

// The whole file, without a byte order mark. Throws UsageError that begins with the path and asks for `wanted` ("a file
// of edges") when it cannot be read or has more than kMaxTextFileBytes.
std::string read_text_file(const std::string& path, std::string_view wanted);

// Takes the first line off the front of `text`, without its end, which may be that of Windows, and without blanks at
// its front.
std::string_view take_line(std::string_view& text);

void skip_blanks(std::string_view& text);

}  // namespace laconic
