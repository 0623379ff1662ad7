#include "base/utf8.h"

#include <array>
#include <cstdio>

namespace laconic {

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xc2 && lead <= 0xdf   ? 2
                             : lead >= 0xe0 && lead <= 0xef ? 3
                             : lead >= 0xf0 && lead <= 0xf4 ? 4
                                                            : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f)) return 0;
  if ((lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f)) return 0;
  return length;
}

std::size_t first_bad_utf8(std::string_view text) {
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text.substr(at));
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

std::string printable(std::string_view text, std::size_t most) {
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    if (at >= most) return result + "...";
    const std::size_t length = utf8_length(text.substr(at));
    const auto byte = static_cast<unsigned char>(text[at]);
    const auto second = length == 2 ? static_cast<unsigned char>(text[at + 1]) : 0;
    // Control characters of ASCII, and of Latin-1 (U+0080 to U+009F), which steer some terminals.
    const bool steers = length == 1 ? byte < 0x20 || byte == 0x7f : byte == 0xc2 && second != 0 && second < 0xa0;
    if (length > 0 && !steers) {
      result.append(text.substr(at, length));
      at += length;
      continue;
    }
    if (byte == '\n' || byte == '\t') {
      result += byte == '\n' ? "\\n" : "\\t";
    } else {
      for (std::size_t i = 0; i < (length == 0 ? 1 : length); ++i) {
        std::array<char, 8> escape{};
        std::snprintf(escape.data(), escape.size(), "\\x%02x",
                      static_cast<unsigned>(static_cast<unsigned char>(text[at + i])));
        result += escape.data();
      }
    }
    at += length == 0 ? 1 : length;
  }
  return result;
}

}  // namespace laconic
