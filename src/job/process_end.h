// Ends of a process that keep nobody waiting, where a library (MPI) does not come back or would wait for who is lost.
#pragma once

#include <functional>
#include <string>

#include "job/notices.h"

namespace laconic {

// Ends this process, from any thread, though others of its threads are held up.
using ProcessEnd = std::function<void(const std::string& why)>;

// Tells `sink` why, "NAME: ...", which has a second for it and may be called beside another call of it; then ends with
// std::_Exit and ExitCode::kPeerLost.
ProcessEnd end_saying(NoticeSink sink, std::string name);

// Whether this process ends the library together with the others, or, where these may not be there any more, without:
// it then ends with std::_Exit once the program is over, as the library's own end would wait. What the program has
// printed is flushed before. For programs whose end is not ours: from start_process() on, until the library has been
// ended.
void end_without_library_at_exit(bool yes);

}  // namespace laconic
