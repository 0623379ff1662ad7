// How a process comes to its link: who started it, and the connection to the processes that were started with it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/units.h"
#include "links/mpi/launcher.h"
#include "runtimes/node/clock.h"
#include "runtimes/node/link.h"

namespace laconic::links {

using mpi::Launch;

// What a start of connections may be held up by, as messages name it.
inline constexpr std::string_view kHeldUpBy = mpi::kLibrary;

// The launch of this process, as its environment tells of it; nothing where nobody but a user has started it. Throws
// UsageError for an environment that tells half of it.
std::optional<Launch> find_launch();
// "Open MPI's mpirun": the launcher, as messages name it.
std::string launcher_of(const Launch& launch);

// The processes of one launch, from their meeting to their parting. Made, used and ended by one thread.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual node::Link& link() = 0;
  // What carries it: name and version, for people.
  virtual const std::string& library() const = 0;
  // Parts from the others, together with them: after what all know of. Where that has not come about within `limit`,
  // `late` is called, once, on another thread, and has to end the process. A process that does not call it leaves
  // without the others, by std::_Exit, as the library's own end would wait. Throws RunError when the library refuses.
  virtual void part(Seconds limit, const std::function<void()>& late) = 0;
};

// Connects this process with those of its launch (nothing: it is alone). Once in the life of a process. `clock`
// outlives the connection; larger payloads than `max_payload` are refused. May wait without an end where another
// process is held up. Throws UsageError where this program cannot be one of several, or belongs to another launcher;
// RunError when the library does not start.
std::unique_ptr<Connection> connect(const std::optional<Launch>& launch, Clock& clock, std::uint64_t max_payload);

}  // namespace laconic::links
