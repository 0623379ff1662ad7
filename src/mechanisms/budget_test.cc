// A budget in the place of a threshold: its text, and the controller on a plant of its own.
#include "mechanisms/budget.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "base/error.h"

namespace laconic {
namespace {

TEST(ParseBudget, ReadsBytesForStepsAndForTimes) {
  const auto expect = [](const char* text, double bytes, double span, bool of_time) {
    const BudgetRate rate = parse_budget(text);
    EXPECT_EQ(rate.bytes, bytes) << text;
    EXPECT_EQ(rate.span, span) << text;
    EXPECT_EQ(rate.of_time, of_time) << text;
  };
  expect("20 MB/1000 steps", 20e6, 1000.0, false);
  expect("20 kB / step", 20e3, 1.0, false);
  expect("1 MB/min", 1e6, 60.0, true);
  expect("200 kB/30 s", 200e3, 30.0, true);
  expect("1 GB/h", 1e9, 3600.0, true);
  for (const char* text : {"", "20 MB", "20 MB/", "/min", "20/min", "0 MB/min", "-1 MB/min", "20 MB/0 steps",
                           "20 MB/-3 steps", "20 MB/1000 epochs", "20 MB/1.5 steps", "1 MB/0 s", "1 MB/min/min"}) {
    EXPECT_THROW(parse_budget(text), UsageError) << text;
  }
}

// What is watched grows by `growth` a check, times a power of the checks since the last synchronisation, with noise.
struct Plant {
  double power = 1.0;
  std::function<double(std::uint64_t)> growth;
  double check_cost = 20.0;
  double sync_cost = 1000.0;

  struct Course {
    std::vector<double> spent;  // after each check
    std::vector<std::uint64_t> syncs;
  };
  Course run(Budget& budget, std::uint64_t checks) const {
    Course course;
    RandomStream random(3, "plant");
    double spent = 0.0;
    std::uint64_t last = 0;
    for (std::uint64_t check = 1; check <= checks; ++check) {
      spent += check_cost;
      const auto since = static_cast<double>(check - last);
      const double watched = growth(check) * std::pow(since, power) * std::exp(0.2 * random.gaussian());
      if (budget.unknown()) budget.tally(check, spent, static_cast<double>(check));
      if (watched > budget.threshold(check)) {
        spent += sync_cost;
        budget.synchronised(check, watched);
        budget.tally(check, spent, static_cast<double>(check));
        last = check;
        course.syncs.push_back(check);
      }
      course.spent.push_back(spent);
    }
    return course;
  }
};

TEST(Budget, IsKeptHoweverFastTheWatchedQuantityGrows) {
  for (const double power : {0.5, 1.0, 2.0}) {
    for (const double a_check : {32.0, 60.0, 120.0, 400.0, 1000.0}) {  // a synchronisation in 83 to every check
      const Plant plant{.power = power, .growth = [](std::uint64_t check) {
                          return check < 300 ? 100.0 : check < 600 ? 1.0 : check < 650 ? 5000.0 : 0.1;
                        }};
      Budget budget({.bytes = a_check, .span = 1.0, .of_time = false}, 1, {.check = 20.0, .synchronisation = 900.0});
      const Plant::Course course = plant.run(budget, 2000);
      EXPECT_NEAR(course.spent.back(), 2000.0 * a_check, 0.15 * 2000.0 * a_check) << power << " " << a_check;
      // Never far from the line, in units of a synchronisation.
      for (std::size_t t = 200; t < course.spent.size(); ++t) {
        const double line = a_check * static_cast<double>(t + 1);
        ASSERT_LT(std::abs(course.spent[t] - line), 3.0 * 1000.0 + 0.06 * line) << power << " " << a_check << " " << t;
      }
    }
  }
}

TEST(Budget, SpendsMoreWhileADriftLastsAndPaysForItAfterwards) {
  const Plant plant{.growth = [](std::uint64_t check) { return check >= 1000 && check < 1030 ? 500.0 : 1.0; }};
  Budget budget({.bytes = 120.0, .span = 1.0, .of_time = false}, 1, {.check = 20.0, .synchronisation = 900.0});
  const Plant::Course course = plant.run(budget, 2000);
  const auto within = [&](std::uint64_t from, std::uint64_t to) {
    return std::count_if(course.syncs.begin(), course.syncs.end(),
                         [&](std::uint64_t check) { return check >= from && check < to; });
  };
  EXPECT_GT(within(1000, 1030), within(970, 1000)) << "a drift is no time to save";
  EXPECT_LT(within(1030, 1060), within(1000, 1030));
  EXPECT_NEAR(course.spent.back(), 2000 * 120.0, 0.05 * 2000 * 120.0);
}

TEST(Budget, OfATimeFollowsTheTimeThatChecksTake) {
  Budget budget({.bytes = 120.0, .span = 1.0, .of_time = true}, 1, {.check = 20.0, .synchronisation = 1000.0});
  // The plant's clock is one second a check.
  const Plant plant{.growth = [](std::uint64_t) { return 1.0; }};
  EXPECT_NEAR(plant.run(budget, 1000).spent.back(), 120e3, 12e3);
}

}  // namespace
}  // namespace laconic
