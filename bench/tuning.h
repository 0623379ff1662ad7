// Tuning by one rule for all, and running many runs on all cores.
#pragma once

#include <functional>
#include <vector>

namespace laconic::bench {

// Moves from `value` by a factor of `factor`, up or down and within [low, high], as long as `score` is better there,
// and returns where it is best. Of equals the smaller value is the better: where training diverges everywhere near,
// the search goes down.
double climb(double value, double factor, double low, double high, const std::function<double(double)>& score);

// Runs `tasks`, in their order, `at_once` at a time, each in a thread. Throws what one of them threw, after the others
// under way have ended.
void run_all(const std::vector<std::function<void()>>& tasks, int at_once);

}  // namespace laconic::bench
