#include "runtimes/node/checkpoint.h"

namespace laconic {

std::string part_name(Rank node, int world_size) {
  return node.value == world_size ? "coordinator" : "worker-" + std::to_string(node.value);
}

}  // namespace laconic
