#include "links/mpi/launcher.h"

#include <gtest/gtest.h>

#include <map>

#include "base/error.h"

namespace laconic::mpi {
namespace {

std::optional<Launch> launch_of(const std::map<std::string, std::string>& environment) {
  return find_launch([&](const std::string& name) -> std::optional<std::string> {
    const auto found = environment.find(name);
    if (found == environment.end()) return std::nullopt;
    return found->second;
  });
}

void expect_launch(const std::map<std::string, std::string>& environment, Launcher launcher, int rank,
                   std::optional<int> size) {
  const auto launch = launch_of(environment);
  ASSERT_TRUE(launch);
  EXPECT_EQ(launch->launcher, launcher);
  EXPECT_EQ(launch->rank, rank);
  EXPECT_EQ(launch->size, size);
}

TEST(Launcher, APlainStartIsNoLaunch) {
  EXPECT_FALSE(launch_of({}));
  EXPECT_FALSE(launch_of({{"PATH", "/bin"}, {"SLURM_JOB_ID", "7"}}));
}

TEST(Launcher, EachLauncherIsKnownByItsVariables) {
  expect_launch({{"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_RANK", "3"}}, Launcher::kOpenMpi, 3, 4);
  expect_launch({{"PMI_SIZE", "16"}, {"PMI_RANK", "0"}}, Launcher::kPmi, 0, 16);
  expect_launch({{"SLURM_STEP_ID", "0"}, {"SLURM_STEP_NUM_TASKS", "2"}, {"SLURM_PROCID", "1"}}, Launcher::kSlurm, 1, 2);
  expect_launch({{"PMIX_RANK", "5"}}, Launcher::kPmix, 5, std::nullopt);
}

TEST(Launcher, OneProcessIsALaunchToo) {
  expect_launch({{"OMPI_COMM_WORLD_SIZE", "1"}, {"OMPI_COMM_WORLD_RANK", "0"}}, Launcher::kOpenMpi, 0, 1);
}

TEST(Launcher, TheOneNearestToTheProcessWins) {
  std::map<std::string, std::string> environment = {
      {"PMIX_RANK", "2"}, {"SLURM_STEP_ID", "3"}, {"SLURM_STEP_NUM_TASKS", "8"}, {"SLURM_PROCID", "2"}};
  expect_launch(environment, Launcher::kSlurm, 2, 8);
  environment.insert({{"PMI_SIZE", "6"}, {"PMI_RANK", "4"}});
  expect_launch(environment, Launcher::kPmi, 4, 6);
  environment.insert({{"OMPI_COMM_WORLD_SIZE", "3"}, {"OMPI_COMM_WORLD_RANK", "1"}});
  expect_launch(environment, Launcher::kOpenMpi, 1, 3);
}

TEST(Launcher, ABatchScriptOfSlurmIsAPlainStart) {
  EXPECT_FALSE(launch_of({{"SLURM_PROCID", "0"}, {"SLURM_NTASKS", "4"}, {"SLURM_JOB_ID", "200505"}}));
}

TEST(Launcher, TheShellOfAnInteractiveAllocationIsAPlainStart) {
  for (const std::string special : {"4294967290", "4294967291", "4294967292"}) {
    EXPECT_FALSE(launch_of({{"SLURM_STEP_ID", special}, {"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_PROCID", "0"}}));
  }
}

TEST(Launcher, ValuesThatNoLauncherSetsAreRefusedByName) {
  const std::string numbers[] = {"", " 4", "4 ", "-1", "four", "0x4", "4.0", "99999999999999999999999", "2147483648"};
  for (const std::string& text : numbers) {
    try {
      launch_of({{"PMI_SIZE", text}, {"PMI_RANK", "0"}});
      ADD_FAILURE() << "PMI_SIZE = '" << text << "' passed";
    } catch (const UsageError& error) {
      EXPECT_NE(std::string(error.what()).find("PMI_SIZE"), std::string::npos) << error.what();
    }
    EXPECT_THROW(launch_of({{"PMIX_RANK", text}}), UsageError) << text;
  }
  EXPECT_THROW(launch_of({{"PMI_SIZE", "0"}, {"PMI_RANK", "0"}}), UsageError);
  EXPECT_THROW(launch_of({{"OMPI_COMM_WORLD_SIZE", "4"}, {"OMPI_COMM_WORLD_RANK", "4"}}), UsageError);
  EXPECT_THROW(launch_of({{"SLURM_STEP_ID", "batch?"}, {"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_PROCID", "0"}}),
               UsageError);
}

TEST(Launcher, HalfAPairIsRefused) {
  EXPECT_THROW(launch_of({{"OMPI_COMM_WORLD_SIZE", "4"}}), UsageError);
  EXPECT_THROW(launch_of({{"PMI_RANK", "1"}}), UsageError);
}

}  // namespace
}  // namespace laconic::mpi
