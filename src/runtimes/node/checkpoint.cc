#include "runtimes/node/checkpoint.h"

namespace laconic {

std::string part_name(Rank node) {
  return node == kCoordinator ? "coordinator" : "worker-" + std::to_string(node.value);
}

}  // namespace laconic
