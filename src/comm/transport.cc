#include "comm/transport.h"

#include <array>
#include <cstdio>

namespace laconic {

std::string TagSet::to_text() const {
  std::string text;
  for (std::size_t i = 0; i < kTags; ++i) {
    const Tag tag = static_cast<Tag>(i);
    if (contains(tag)) text += (text.empty() ? "" : " or ") + std::string(laconic::to_text(tag));
  }
  return text;
}

std::string Transport::name(Rank node) const { return node_name(node); }

std::string node_name(Rank node) {
  return node == kCoordinator ? "the coordinator" : "worker " + std::to_string(node.value);
}

std::string moment_text(Seconds moment) {
  const int decimals = moment.value < 1.0 ? 3 : moment.value < 100.0 ? 1 : 0;
  std::array<char, 64> digits{};
  std::snprintf(digits.data(), digits.size(), "%.*f", decimals, moment.value);
  return "second " + std::string(digits.data()) + " of the run";
}

}  // namespace laconic
