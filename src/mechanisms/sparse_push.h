// What Sparse-Push, its skew-compensated form and quantised push-sum share: options, memories and the traffic formula.
#pragma once

#include <memory>

#include "mechanisms/push_sum_strategy.h"

namespace laconic {

struct SparsePushOptions {
  PushSumOptions rounds;
  bool difference = false;  // memory
  bool of_updates = false;  // compress
};

OptionSpec memory_option();
OptionSpec compress_option();
OptionSpec guard_option();
// Throws UsageError for options that do not go together.
SparsePushOptions read_sparse_push_options(const Options& options);
// Throws UsageError where updates are compressed over links whose weights do not stay 1.
void require_links_for_updates(const Options& options, const LinkSchedule& links);
std::unique_ptr<LinkMemory> make_sparse_memory(const SparsePushOptions& options, const StrategySetting& setting);
TrafficFormula sparse_push_traffic(const SparsePushOptions& options, const StrategySetting& setting);
Demands sparse_push_demands(const Options& options);

}  // namespace laconic
