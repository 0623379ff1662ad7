// Who started this process: a launcher that starts many, and gives each its rank, or nobody but the user.
//
// Launchers tell a process by environment variables before any library is asked; so it is known without MPI whether a
// run is one of several processes, and whether the library that is asked later agrees.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace laconic::mpi {

// What messages for people call what carries them here.
inline constexpr std::string_view kLibrary = "the MPI library";

enum class Launcher {
  kOpenMpi,  // Open MPI's mpirun: OMPI_COMM_WORLD_SIZE and OMPI_COMM_WORLD_RANK
  kPmi,      // MPICH's Hydra, Intel's MPI and others: PMI_SIZE and PMI_RANK
  kSlurm,    // srun: SLURM_STEP_NUM_TASKS and SLURM_PROCID, in a step that has a number of its own
  kPmix,     // any other that speaks PMIx: PMIX_RANK
};
// "Open MPI's mpirun", "MPICH's mpiexec or another with PMI", "srun", "a launcher with PMIx".
std::string_view to_text(Launcher launcher);

struct Launch {
  Launcher launcher;
  int rank;                 // at least 0, below `size` where that is known
  std::optional<int> size;  // at least 1; a launcher with PMIx alone does not tell
};

// The value of an environment variable; nothing where it is not set.
using Variables = std::function<std::optional<std::string>(const std::string& name)>;
// The environment of this process. Nothing may change it meanwhile.
std::optional<std::string> environment_variable(const std::string& name);

// The launch that the variables tell of; nothing for a plain start. The launcher nearest to the process wins: an mpirun
// that was itself started in a step of Slurm's. A batch script of Slurm's is a plain start, and so is the shell of an
// interactive allocation: Slurm gives them SLURM_PROCID=0 too, but no step of srun's.
//
// Throws UsageError when a variable is no number in its range, or only one of a pair is set.
std::optional<Launch> find_launch(const Variables& variables);

}  // namespace laconic::mpi
