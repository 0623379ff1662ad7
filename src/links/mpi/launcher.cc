#include "links/mpi/launcher.h"

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <limits>

#include "base/error.h"

namespace laconic::mpi {
namespace {

// Slurm numbers the steps of srun from 0, and keeps the numbers above for what is none: the batch script, the shell of
// an interactive allocation (SLURM_MAX_NORMAL_STEP_ID in its sources).
constexpr std::uint64_t kLastStepOfSlurm = 0xfffffff0;

std::uint64_t number(const std::string& name, const std::string& text, std::uint64_t least, std::uint64_t most) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value < least || value > most) {
    throw UsageError("environment variable " + name + " = '" + text.substr(0, 40) + "': expected a number from " +
                     std::to_string(least) + " to " + std::to_string(most) +
                     ", as a launcher sets it; unset it for a run without a launcher");
  }
  return value;
}

// The rank and the size of a launcher that sets both; nothing where it set neither.
std::optional<Launch> pair(const Variables& variables, Launcher launcher, const std::string& size_name,
                           const std::string& rank_name) {
  const auto size = variables(size_name);
  const auto rank = variables(rank_name);
  if (!size && !rank) return std::nullopt;
  if (!size || !rank) {
    throw UsageError("environment variable " + (size ? size_name : rank_name) + " is set and " +
                     (size ? rank_name : size_name) +
                     " is not, and a launcher sets both; unset the one for a run without a launcher");
  }
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max());
  const std::uint64_t count = number(size_name, *size, 1, kMost);
  const std::uint64_t own = number(rank_name, *rank, 0, count - 1);
  return Launch{.launcher = launcher, .rank = static_cast<int>(own), .size = static_cast<int>(count)};
}

bool is_step_of_srun(const Variables& variables) {
  const auto step = variables("SLURM_STEP_ID");
  // A batch script has no such variable, and the shell of an interactive allocation has a number above those of steps.
  if (!step || !variables("SLURM_STEP_NUM_TASKS") || !variables("SLURM_PROCID")) return false;
  return number("SLURM_STEP_ID", *step, 0, std::numeric_limits<std::uint32_t>::max()) <= kLastStepOfSlurm;
}

}  // namespace

std::string_view to_text(Launcher launcher) {
  switch (launcher) {
    case Launcher::kOpenMpi:
      return "Open MPI's mpirun";
    case Launcher::kPmi:
      return "MPICH's mpiexec or another with PMI";
    case Launcher::kSlurm:
      return "srun";
    case Launcher::kPmix:
      return "a launcher with PMIx";
  }
  return "an unknown launcher";
}

std::optional<std::string> environment_variable(const std::string& name) {
  const char* const value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

std::optional<Launch> find_launch(const Variables& variables) {
  if (auto launch = pair(variables, Launcher::kOpenMpi, "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK")) return launch;
  if (auto launch = pair(variables, Launcher::kPmi, "PMI_SIZE", "PMI_RANK")) return launch;
  if (is_step_of_srun(variables)) {
    return pair(variables, Launcher::kSlurm, "SLURM_STEP_NUM_TASKS", "SLURM_PROCID");
  }
  if (const auto rank = variables("PMIX_RANK")) {
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max()) - 1;
    const std::uint64_t own = number("PMIX_RANK", *rank, 0, kMost);
    return Launch{.launcher = Launcher::kPmix, .rank = static_cast<int>(own), .size = std::nullopt};
  }
  return std::nullopt;
}

}  // namespace laconic::mpi
