#include "runtimes/process/peers.h"

namespace laconic::process {

bool Peers::is_gone(int process) const {
  const auto index = static_cast<std::size_t>(process);
  if (index >= told_.size()) return false;
  return host_.has_ended(told_[static_cast<std::size_t>(rank_)], told_[index]);
}

std::string Peers::gone() const {
  std::string text;
  for (int process = 0; process < static_cast<int>(told_.size()); ++process) {
    if (process == rank_ || !is_gone(process)) continue;
    text += (text.empty() ? "worker " : ", worker ") + std::to_string(process);
  }
  return text;
}

}  // namespace laconic::process
