#include "charts/text.h"

#include <cstddef>
#include <cstdint>

#include "charts/canvas.h"

namespace laconic::charts {
namespace {

constexpr std::size_t kMostCharacters = 1000;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";

// Bytes of the character that begins `text`; 0 where it is no UTF-8 (surrogates and overlong forms are none).
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first >> 5 == 6 ? 2 : first >> 4 == 14 ? 3 : first >> 3 == 30 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  if (length == 1) return 1;
  std::uint32_t code = first & (0x7f >> length);
  for (std::size_t i = 1; i < length; ++i) {
    if (byte(i) >> 6 != 2) return 0;
    code = code << 6 | (byte(i) & 0x3f);
  }
  constexpr std::uint32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_one = code >= kLeast[length] && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return is_one ? length : 0;
}

std::vector<std::string_view> characters_of(std::string_view text) {
  std::vector<std::string_view> characters;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    characters.push_back(length == 0 ? kReplacement : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return characters;
}

// Of C0 and C1, and the two that XML forbids.
bool is_control(std::string_view character) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(character[i]); };
  if (character.size() == 1) return byte(0) < 0x20 || byte(0) == 0x7f;
  if (character.size() == 2) return byte(0) == 0xc2 && byte(1) < 0xa0;
  return character == "\xEF\xBF\xBE" || character == "\xEF\xBF\xBF";
}

}  // namespace

std::string drawable(std::string_view text) {
  std::string clean;
  std::size_t count = 0;
  for (const std::string_view character : characters_of(text.substr(0, 4 * kMostCharacters))) {
    if (++count > kMostCharacters) break;
    clean += is_control(character) ? std::string_view(" ") : character;
  }
  return clean;
}

std::string fitted(const std::string& text, double width, double size, bool bold) {
  const std::string whole = drawable(text);
  if (text_width(whole, size, bold) <= width) return whole;
  const std::vector<std::string_view> characters = characters_of(whole);
  // The end tells names apart at least as often as the beginning.
  const auto with = [&](std::size_t kept) {
    std::string shorter;
    const std::size_t first = (kept + 1) / 2;
    for (std::size_t i = 0; i < first; ++i) shorter += characters[i];
    shorter += kEllipsis;
    for (std::size_t i = characters.size() - (kept - first); i < characters.size(); ++i) shorter += characters[i];
    return shorter;
  };
  std::size_t fits = 0;
  std::size_t too_many = characters.size();
  while (fits + 1 < too_many) {
    const std::size_t middle = (fits + too_many) / 2;
    (text_width(with(middle), size, bold) <= width ? fits : too_many) = middle;
  }
  return with(fits);
}

std::vector<std::string> broken(const std::string& text, double width, double size) {
  std::vector<std::string> lines;
  const std::string whole = drawable(text);
  std::string_view rest = whole;
  while (!rest.empty()) {
    const std::string word(rest.substr(0, rest.find(' ')));
    rest.remove_prefix(word.size() < rest.size() ? word.size() + 1 : word.size());
    if (word.empty()) continue;
    if (!lines.empty() && text_width(lines.back() + " " + word, size) <= width) {
      lines.back() += " " + word;
    } else {
      lines.push_back(fitted(word, width, size));
    }
  }
  return lines;
}

}  // namespace laconic::charts
