// The same as faults_test.cc, of many more seeds.
#include <gtest/gtest.h>

#include "fault_seeds.h"

namespace laconic::tests {
namespace {

TEST(ManyFaults, WhateverHappensARunEndsInEveryProcessByNameWithinItsDeadline) {
  expect_that_runs_end(fault_seeds(151, 2000));
}

}  // namespace
}  // namespace laconic::tests
