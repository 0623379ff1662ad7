// In the place of cluster.cc and cluster_run.cc where the library is built without MPI.
#include "base/error.h"
#include "laconic/session.h"

namespace laconic {
namespace {

[[noreturn]] void refuse() {
  throw UsageError(
      "this laconic is built without MPI; install libopenmpi-dev or libmpich-dev and build it again "
      "(cmake -D LACONIC_MPI=ON), or take laconic::Simulation");
}

}  // namespace

// What Cluster has a pointer to.
class ClusterRun {};

Cluster::Cluster(const std::string&, const std::vector<std::string>&, NoticeHandler) { refuse(); }
Cluster::~Cluster() = default;
int Cluster::rank() const { refuse(); }
int Cluster::world_size() const { refuse(); }
Session Cluster::join(std::vector<at::Tensor>, const JoinOptions&) { refuse(); }
Session join(const std::string&, std::vector<at::Tensor>, const JoinOptions&, NoticeHandler) { refuse(); }

}  // namespace laconic
