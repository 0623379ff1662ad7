// How a process waits for its link.
#pragma once

#include <algorithm>

#include "runtimes/node/clock.h"
#include "runtimes/node/link.h"

namespace laconic::node {

// After link.progress() has returned `moved`: sleeps until the link wants to be asked again, or until the moment `next`.
// A sleep has a least length, so that no rounding of a moment keeps the time from going on.
inline void wait_for_link(Link& link, Clock& clock, bool moved, Seconds next) {
  constexpr double kLeast = 1e-6;
  const double pause = link.pause(moved).value;
  if (pause > 0.0) clock.wait({std::max(kLeast, std::min(pause, next.value - clock.now().value))});
}

// progress() until all that was to be sent has left, for `limit` at most. Returns whether it has.
inline bool flush(Link& link, Clock& clock, Seconds limit, const LinkHandlers& handlers) {
  const Seconds end = clock.now() + limit;
  while (!link.idle() && clock.now() < end) wait_for_link(link, clock, link.progress(handlers), end);
  return link.idle();
}

}  // namespace laconic::node
