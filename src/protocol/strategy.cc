#include "protocol/strategy.h"

namespace laconic {

Task<void> Strategy::coordinate(Coordinator& self) { return serve_collectives(self.comm()); }

}  // namespace laconic
