// What a job whose workers come and go must come to, for any strategy: all workers are rows of one matrix, and what the
// coordinator's log says happened is done to those rows again, by an arithmetic of the strategy that the test writes.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "faults/membership_world.h"
#include "scenario_job.h"

namespace laconic::tests {

// A scenario of the simulator, and how it is run as a job whose workers come and go. The job itself is that of the
// scenario when the world is made; of `job` only what is to be instead of it counts.
struct MembershipOptions : faults::MembershipOptions {
  Scenario scenario;
};

class MembershipWorld final : public faults::MembershipWorld {
 public:
  explicit MembershipWorld(const MembershipOptions& options);
};

// The rows of those whom a commit is over, in the order of their ranks.
struct NamedSet {
  const MembershipWorld::Entry& entry;
  std::vector<std::vector<float>> models;
  std::vector<double> samples;
  const std::vector<float>& common;  // before it
  std::vector<std::string>& objections;
};

// The strategy's arithmetic, made anew for each run. It gets every commit in turn.
struct Arithmetic {
  // What the workers have in common afterwards, d elements, which the rows of the set become; or nothing.
  std::function<std::optional<std::vector<float>>(const NamedSet& set)> committed;
  // A worker begins with the common model and nothing else; may be empty.
  std::function<void(Rank rank, const std::vector<float>& common)> entered = {};
  std::function<void(Rank rank)> left = {};
  // Instead of becoming the common model, where that is not what they do.
  std::function<void(const NamedSet& set, std::size_t member, std::span<float> params)> moves = {};
  // The rows are gradients, and what is common is one of them, which all apply; it is with the workers, so that a result
  // that has reached none of them is none.
  bool is_of_gradients = false;
};

// What does not hold of the run, a line each:
//   U1  the coordinator has the common model that follows, and each worker at the end its row, to the bit,
//   U2  nobody is in a set who is not present,
//   and what the arithmetic itself objects to.
std::vector<std::string> objections_to_sets(MembershipWorld& world, const MembershipOptions& options,
                                            const Arithmetic& arithmetic);

// The mean, by these weights, rounded once.
std::vector<float> mean_of_rows(const std::vector<std::vector<float>>& models, const std::vector<double>& weights);
std::vector<float> mean_of_rows(const std::vector<std::vector<float>>& models);
// (1/n) sum ||x_k - centre||^2
double variance_around(const std::vector<std::vector<float>>& models, const std::vector<float>& centre);

}  // namespace laconic::tests
