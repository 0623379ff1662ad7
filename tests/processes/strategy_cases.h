// Jobs of strategies whose workers come and go, each with an arithmetic of its own over the named sets (named_sets.h).
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "named_sets.h"

namespace laconic::tests {

// A job, and what it must come to.
struct StrategyCase {
  std::string name;
  std::string strategy;
  std::map<std::string, std::string> options = {};
  std::function<Arithmetic(const MembershipOptions& options)> arithmetic;
  std::string compressor = {};
  std::map<std::string, std::string> compression = {};
};

const std::vector<StrategyCase>& strategy_cases();
MembershipOptions job_of(const StrategyCase& one, int workers);

}  // namespace laconic::tests
