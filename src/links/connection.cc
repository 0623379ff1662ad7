#include "links/connection.h"

namespace laconic::links {

std::optional<Launch> find_launch() { return mpi::find_launch(mpi::environment_variable); }

std::string launcher_of(const Launch& launch) { return std::string(mpi::to_text(launch.launcher)); }

}  // namespace laconic::links
