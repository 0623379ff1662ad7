// Seeds of fault plans, and what holds of all of them.
#pragma once

#include <cstdint>
#include <vector>

namespace laconic::tests {

// So many from `first` on; with LACONIC_SEED in the environment that one alone.
std::vector<std::uint64_t> fault_seeds(std::uint64_t first, std::uint64_t count);

// Fails the test, with the command that repeats it, for each seed whose run does not end as it has to (try_plan). Among
// many every kind of fault has to be.
void expect_that_runs_end(const std::vector<std::uint64_t>& seeds);

}  // namespace laconic::tests
