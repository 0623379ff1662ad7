#include "job/text/file_kind.h"

#include <algorithm>
#include <array>

#include "base/utf8.h"
#include "job/text/toml_line.h"

namespace laconic {
namespace {

struct Magic {
  std::string_view bytes;
  std::string_view what;
};
constexpr std::array kMagics = {
    Magic{"PK\x03\x04", "a zip archive, as PyTorch writes models and NumPy .npz"},
    Magic{"\x80\x02", "a pickle of Python's"},
    Magic{"\x80\x04", "a pickle of Python's"},
    Magic{"\x1f\x8b", "gzip"},
    Magic{"\x89PNG", "an image"},
    Magic{"%PDF", "a PDF"},
    Magic{"\x7f"
          "ELF",
          "a program"},
};

constexpr std::string_view kGiveAJob = "; give a job file, which is text in TOML";

std::size_t line_of(std::string_view text, std::size_t at) {
  return 1 + static_cast<std::size_t>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n'));
}

// Text of 16 bits a character has a zero in one of two bytes.
bool is_utf16(std::string_view bytes) {
  if (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff")) return true;
  if (bytes.size() < 4) return false;
  const std::size_t odd = bytes[1] == '\0' ? 1 : 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(bytes.size(), 64); ++i) {
    if ((bytes[i] == '\0') != (i % 2 == odd)) return false;
  }
  return true;
}

// "key:" or "key: value", as YAML has it.
bool is_yaml_line(std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_bare_key(line.substr(0, colon))) return false;
  return colon + 1 == line.size() || line[colon + 1] == ' ';
}

}  // namespace

std::optional<FileMistake> not_text(std::string_view bytes) {
  for (const Magic& magic : kMagics) {
    if (bytes.starts_with(magic.bytes))
      return FileMistake{.text = "this is " + std::string(magic.what) + std::string(kGiveAJob)};
  }
  if (is_utf16(bytes)) return FileMistake{.text = "the file is UTF-16; save it as UTF-8"};
  if (const std::size_t zero = bytes.find('\0'); zero != std::string_view::npos) {
    return FileMistake{.line = line_of(bytes, zero), .text = "a zero byte, which no text has" + std::string(kGiveAJob)};
  }
  if (const std::size_t bad = first_bad_utf8(bytes); bad != std::string_view::npos) {
    return FileMistake{.line = line_of(bytes, bad),
                       .text = "byte " + printable(bytes.substr(bad, 1)) +
                               " is not UTF-8 (the file may be Latin-1); save the file as UTF-8"};
  }
  return std::nullopt;
}

std::optional<FileMistake> other_language(std::string_view text) {
  std::size_t number = 0;
  std::size_t yaml_lines = 0;
  std::size_t first_yaml = 0;
  std::string_view first_yaml_line;
  bool is_first = true;
  for (const std::string_view whole : lines_of(text)) {
    ++number;
    const std::string_view line = trimmed(whole);
    if (line.empty() || line.front() == '#') continue;
    if (is_first) {
      is_first = false;
      if (line.front() == '{' || line == "[" || line.starts_with("[{")) {
        return FileMistake{.line = number,
                           .text =
                               "this is JSON; a job file is TOML: {\"job\": {\"epochs\": 2}} is written [job], and on "
                               "the next line epochs = 2"};
      }
      if (line.front() == '<')
        return FileMistake{.line = number,
                           .text = "this is XML or HTML; a job file is TOML: [job], and on the next line epochs = 2"};
      if (line.starts_with("import ") || line.starts_with("from ") || line.starts_with("def ") ||
          line.starts_with("\"\"\"")) {
        return FileMistake{
            .line = number,
            .text = "this is Python; give a job file, which is TOML: [job], and on the next line epochs = 2"};
      }
      if (line == "---")
        return FileMistake{.line = number,
                           .text = "this is YAML; a job file is TOML: [job], and on the next line epochs = 2"};
    }
    // One line of TOML, and the rest is no YAML.
    if (line.front() == '[' || line.find('=') != std::string_view::npos) return std::nullopt;
    if (!is_yaml_line(line)) continue;
    if (yaml_lines++ > 0) continue;
    first_yaml = number;
    first_yaml_line = line;
  }
  if (yaml_lines < 2) return std::nullopt;
  const std::string key(first_yaml_line.substr(0, first_yaml_line.find(':')));
  const bool is_section = first_yaml_line.ends_with(':');
  return FileMistake{.line = first_yaml,
                     .text = "this is YAML; a job file is TOML: write " +
                             (is_section ? "[" + key + "], and under it key = value with text in quotes"
                                         : std::string("[job], and under it key = value with text in quotes"))};
}

}  // namespace laconic
