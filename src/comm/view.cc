#include "comm/view.h"

namespace laconic {

std::string to_text(const View& view) {
  if (view.members.empty()) return "nobody";
  std::string text = view.size() == 1 ? "worker " : "workers ";
  for (std::size_t i = 0; i < view.size(); ++i) {
    if (i > 0) text += i + 1 == view.size() ? " and " : ", ";
    text += std::to_string(view.members[i].value);
  }
  return text;
}

}  // namespace laconic
