#include "protocol/demands.h"

namespace laconic {

bool needs_coordinator_node(const Demands& demands, Collective collective) {
  return demands.talks == Talks::kCoordinator || (demands.uses_collectives() && collective == Collective::kStar);
}

}  // namespace laconic
