#include "protocol/strategy.h"

namespace laconic {

Task<void> Strategy::coordinate(Comm& comm) { return serve_collectives(comm); }

}  // namespace laconic
