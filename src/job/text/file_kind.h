// What a file is that was given as a job file and is none.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace laconic {

struct FileMistake {
  std::size_t line = 1;
  std::string text;  // what it is, and what to do; no place
};

// For bytes that are no text a job file may hold: UTF-16, an archive, an image, bytes that are no UTF-8.
std::optional<FileMistake> not_text(std::string_view bytes);

// For text in another language: JSON, YAML, XML, Python. To be asked where it has turned out to be no TOML, since what is
// TOML may look like some of them.
std::optional<FileMistake> other_language(std::string_view text);

}  // namespace laconic
