// In the place of connect.cc where the program is built without MPI.
#include "base/error.h"
#include "links/connection.h"

namespace laconic::links {

std::unique_ptr<Connection> connect(const std::optional<Launch>& launch, Clock&, std::uint64_t) {
  throw UsageError((launch ? launcher_of(*launch) + " has started this process as one of several, but this program is"
                           : std::string("this program is")) +
                   " built without MPI; install libopenmpi-dev or libmpich-dev and build it again "
                   "(cmake -D LACONIC_MPI=ON)");
}

}  // namespace laconic::links
