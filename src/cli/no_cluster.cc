// In the place of cluster.cc where the program is built without MPI.
#include "base/error.h"
#include "cli/cluster.h"

namespace laconic {

ExitCode run_on_cluster(Console&, const RunArguments&, const runtime::Launch& launch) {
  throw UsageError(std::string(runtime::to_text(launch.launcher)) +
                   " has started this process as one of several, but this program is built without MPI; install "
                   "libopenmpi-dev or libmpich-dev and build it again (cmake -D LACONIC_MPI=ON)");
}

}  // namespace laconic
