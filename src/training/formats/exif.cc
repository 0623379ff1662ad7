#include "training/formats/exif.h"

#include <algorithm>
#include <array>

namespace laconic {
namespace {

constexpr std::uint16_t kOrientationTag = 0x0112;
constexpr std::uint16_t kShort = 3;
constexpr std::size_t kEntrySize = 12;

// Numbers of a block in the order of bytes that it says; 0 beyond its end.
class Tiff {
 public:
  explicit Tiff(std::span<const std::uint8_t> bytes) : bytes_(bytes), big_endian_(!bytes.empty() && bytes[0] == 'M') {}

  bool is_tiff() const {
    return bytes_.size() >= 8 && bytes_[0] == bytes_[1] && (bytes_[0] == 'M' || bytes_[0] == 'I') && number(2, 2) == 42;
  }
  std::uint32_t number(std::size_t at, std::size_t size) const {
    if (at > bytes_.size() || bytes_.size() - at < size) return 0;
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes_[at + (big_endian_ ? i : size - 1 - i)];
    return value;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  bool big_endian_;
};

constexpr std::array<std::uint8_t, 6> kExif = {'E', 'x', 'i', 'f', 0, 0};

bool begins_with_exif(std::span<const std::uint8_t> bytes) {
  return bytes.size() > kExif.size() && std::equal(kExif.begin(), kExif.end(), bytes.begin());
}

}  // namespace

Orientation orientation_of_exif(std::span<const std::uint8_t> bytes) {
  const Tiff tiff(bytes);
  if (!tiff.is_tiff()) return Orientation::kUpright;
  const std::size_t directory = tiff.number(4, 4);
  const std::size_t entries = tiff.number(directory, 2);
  for (std::size_t i = 0; i < entries; ++i) {
    const std::size_t entry = directory + 2 + i * kEntrySize;
    if (tiff.number(entry, 2) != kOrientationTag || tiff.number(entry + 2, 2) != kShort) continue;
    const std::uint32_t value = tiff.number(entry + 8, 2);
    return value >= 1 && value <= 8 ? static_cast<Orientation>(value) : Orientation::kUpright;
  }
  return Orientation::kUpright;
}

Orientation orientation_of_jpeg(std::span<const std::uint8_t> bytes) {
  // Segments: 0xff, what it is, and two bytes of a length that counts itself.
  for (std::size_t at = 2; at + 4 <= bytes.size() && bytes[at] == 0xff;) {
    const std::uint8_t kind = bytes[at + 1];
    if (kind == 0xff) {  // filling
      ++at;
      continue;
    }
    constexpr std::uint8_t kStartOfScan = 0xda;
    if (kind == kStartOfScan) break;
    const std::size_t length = std::size_t{bytes[at + 2]} << 8 | bytes[at + 3];
    if (length < 2 || length > bytes.size() - at - 2) break;
    const std::span<const std::uint8_t> segment = bytes.subspan(at + 4, length - 2);
    constexpr std::uint8_t kApp1 = 0xe1;
    if (kind == kApp1 && begins_with_exif(segment)) return orientation_of_exif(segment.subspan(kExif.size()));
    at += 2 + length;
  }
  return Orientation::kUpright;
}

Orientation orientation_of_webp(std::span<const std::uint8_t> bytes) {
  constexpr std::array<std::uint8_t, 4> kName = {'E', 'X', 'I', 'F'};
  constexpr std::size_t kHead = 8;
  // Chunks behind the 12 bytes of the file's head: a name of four letters, a little-endian size, as many bytes, and one
  // more where they are odd.
  for (std::size_t at = 12; at + kHead <= bytes.size();) {
    std::size_t size = 0;
    for (std::size_t i = 0; i < 4; ++i) size |= std::size_t{bytes[at + 4 + i]} << (8 * i);
    if (size > bytes.size() - at - kHead) break;
    const std::span<const std::uint8_t> chunk = bytes.subspan(at + kHead, size);
    if (std::equal(kName.begin(), kName.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at))) {
      // Some programs put there what a JPEG file has.
      return orientation_of_exif(begins_with_exif(chunk) ? chunk.subspan(kExif.size()) : chunk);
    }
    at += kHead + size + size % 2;
  }
  return Orientation::kUpright;
}

}  // namespace laconic
