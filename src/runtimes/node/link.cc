#include "runtimes/node/link.h"

#include <algorithm>

namespace laconic::node {

std::string end_text(std::span<const std::byte> bytes) {
  std::string text(reinterpret_cast<const char*>(bytes.data()), std::min(bytes.size(), kMaxEndSize));
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (byte < 0x20 || byte == 0x7f) text[i] = '?';
    if (byte != 0xc2 || i + 1 == text.size()) continue;
    const auto next = static_cast<unsigned char>(text[i + 1]);
    if (next >= 0x80 && next < 0xa0) text[i] = text[i + 1] = '?';
  }
  return text;
}

bool Link::idle() const {
  for (int process = 0; process < size(); ++process) {
    if (process != self() && !has_left(process)) return false;
  }
  return true;
}

}  // namespace laconic::node
