#include "training/data/partition.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "training/data/test_support.h"

namespace laconic {
namespace {

constexpr std::uint32_t kClasses = 10;

// `count` samples with random labels, no pixels, and users of very unequal sizes.
Samples labelled(std::size_t count) {
  RandomStream stream(3, "labels");
  Samples samples;
  for (std::size_t i = 0; i < count; ++i) {
    samples.labels.push_back(static_cast<std::uint8_t>(stream.below(kClasses)));
    samples.users.push_back(static_cast<std::uint32_t>(1000 + 7 * std::sqrt(static_cast<double>(stream.below(900)))));
  }
  return samples;
}

std::vector<std::string> every_spec() {
  return {"iid",          "contiguous", "dirichlet:0.5", "dirichlet:100", "shards:2", "non_iid:60%", "non_iid:0%",
          "non_iid:100%", "label:3",    "skew:0",        "skew:0.7",      "skew:1",   "user"};
}

TEST(Partition, GivesEverySampleToOneWorkerAndEveryWorkerASample) {
  for (const std::size_t count : {203U, 1000U}) {
    const Samples samples = labelled(count);
    for (const std::string& spec : every_spec()) {
      for (const std::uint32_t workers : {1U, 2U, 7U, 20U}) {
        const Partition partition = make_partition(spec, samples, kClasses, workers, 11);
        ASSERT_EQ(partition.size(), workers) << spec;
        std::vector<int> seen(count, 0);
        for (const auto& part : partition) {
          EXPECT_FALSE(part.empty()) << spec;
          for (const std::uint32_t sample : part) ++seen.at(sample);
        }
        EXPECT_EQ(std::ranges::count(seen, 1), static_cast<std::ptrdiff_t>(count)) << spec << " of " << workers;
      }
    }
  }
}

TEST(Partition, DependsOnTheSeedAndNothingElse) {
  const Samples samples = labelled(500);
  for (const std::string& spec : every_spec()) {
    const Partition first = make_partition(spec, samples, kClasses, 5, 1);
    EXPECT_EQ(first, make_partition(spec, samples, kClasses, 5, 1)) << spec;
    const bool random = spec == "iid" || spec == "user" || spec.starts_with("dirichlet") ||
                        spec.starts_with("shards") || spec.starts_with("skew");
    EXPECT_EQ(first != make_partition(spec, samples, kClasses, 5, 2), random) << spec;
  }
}

TEST(Partition, EqualPartsDifferByAtMostOneSample) {
  const Samples samples = labelled(1003);
  for (const std::string spec : {"iid", "contiguous", "label:0", "skew:0", "skew:0.31", "skew:0.997", "skew:1"}) {
    for (const auto& part : make_partition(spec, samples, kClasses, 8, 1)) {
      EXPECT_GE(part.size(), 125U) << spec;
      EXPECT_LE(part.size(), 126U) << spec;
    }
  }
}

TEST(Partition, EqualPartsHoldHoweverMuchOfASkewedOneIsSorted) {
  for (std::size_t count = 5; count < 30; ++count) {
    const Samples samples = labelled(count);
    for (const std::string spec : {"skew:0.1", "skew:0.5", "skew:0.8", "skew:0.9", "skew:0.95"}) {
      const Partition partition = make_partition(spec, samples, kClasses, 5, count);
      const auto [least, most] = std::ranges::minmax(partition, {}, [](const auto& part) { return part.size(); });
      EXPECT_LE(most.size() - least.size(), 1U) << spec << " of " << count;
      std::size_t sum = 0;
      for (const auto& part : partition) sum += part.size();
      EXPECT_EQ(sum, count);
    }
  }
}

// Samples of each label, `each` in turn.
Samples of_counts(const std::vector<std::size_t>& each) {
  Samples samples;
  for (std::size_t label = 0; label < each.size(); ++label) {
    samples.labels.insert(samples.labels.end(), each[label], static_cast<std::uint8_t>(label));
  }
  return samples;
}

// How many of the sorted samples of each label are at each worker, worked out on the line: the labels lie one behind
// the other as intervals, and so do the workers' parts.
std::vector<std::vector<double>> overlaps(const std::vector<std::size_t>& sorted, std::size_t workers) {
  const double total = static_cast<double>(std::accumulate(sorted.begin(), sorted.end(), std::size_t{0}));
  std::vector<std::vector<double>> counts(workers, std::vector<double>(sorted.size()));
  for (std::size_t worker = 0; worker < workers; ++worker) {
    const double first = total * static_cast<double>(worker) / static_cast<double>(workers);
    const double last = total * static_cast<double>(worker + 1) / static_cast<double>(workers);
    double from = 0.0;
    for (std::size_t label = 0; label < sorted.size(); ++label) {
      const double to = from + static_cast<double>(sorted[label]);
      counts[worker][label] = std::max(0.0, std::min(to, last) - std::max(from, first));
      from = to;
    }
  }
  return counts;
}

TEST(Partition, FullSkewGivesEachWorkerItsOwnLabels) {
  const Samples even = of_counts(std::vector<std::size_t>(10, 100));
  const auto own = labels_by_worker(make_partition("skew:1", even, 10, 10, 4), even, 10);
  for (std::size_t worker = 0; worker < 10; ++worker) {
    for (std::size_t label = 0; label < 10; ++label) EXPECT_EQ(own[worker][label], worker == label ? 100U : 0U);
  }
  const std::vector<std::size_t> each = {10, 400, 0, 35, 155};
  const Samples uneven = of_counts(each);
  const auto counts = labels_by_worker(make_partition("skew:1", uneven, 5, 8, 4), uneven, 5);
  const auto expected = overlaps(each, 8);
  for (std::size_t worker = 0; worker < 8; ++worker) {
    for (std::size_t label = 0; label < 5; ++label) {
      EXPECT_NEAR(static_cast<double>(counts[worker][label]), expected[worker][label], 1.0) << worker << " " << label;
    }
  }
}

TEST(Partition, SkewIsTheShareOfEachClassThatIsSorted) {
  const std::vector<std::size_t> each = {1000, 400, 3000, 600};
  const Samples samples = of_counts(each);
  constexpr std::size_t kWorkers = 8;
  for (const double skew : {0.0, 0.5, 0.8}) {
    std::vector<std::size_t> sorted;
    for (const std::size_t count : each) {
      sorted.push_back(static_cast<std::size_t>(std::lround(skew * static_cast<double>(count))));
    }
    const auto fixed = overlaps(sorted, kWorkers);
    const std::string spec = "skew:" + std::to_string(skew);
    const auto counts = labels_by_worker(make_partition(spec, samples, 4, kWorkers, 7), samples, 4);
    for (std::size_t worker = 0; worker < kWorkers; ++worker) {
      for (std::size_t label = 0; label < each.size(); ++label) {
        // The rest is drawn without replacement: hypergeometric, its variance below the binomial's. Five deviations and
        // one sample at either end of the sorted part.
        const auto rest = static_cast<double>(each[label] - sorted[label]);
        const double drawn = rest / kWorkers;
        EXPECT_NEAR(static_cast<double>(counts[worker][label]), fixed[worker][label] + drawn,
                    2.0 + 5.0 * std::sqrt(drawn))
            << spec << ": worker " << worker << ", label " << label;
      }
    }
  }
}

TEST(Partition, WithoutSkewTheLabelsAreMixedInEveryPart) {
  const Samples samples = of_counts({500, 500});
  for (const auto& part : make_partition("skew:0", samples, 2, 4, 1)) {
    EXPECT_FALSE(std::ranges::is_sorted(part));
    // Of 250 draws half with label 0: the deviation is below sqrt(250 / 4). Five of them.
    const auto zeros = std::ranges::count_if(part, [](std::uint32_t sample) { return sample < 500; });
    EXPECT_NEAR(static_cast<double>(zeros), 125.0, 5.0 * std::sqrt(250.0 / 4.0));
  }
}

TEST(Partition, ContiguousKeepsTheOrderOfTheFile) {
  const Partition partition = make_partition("contiguous", labelled(10), kClasses, 3, 1);
  EXPECT_EQ(partition, (Partition{{0, 1, 2}, {3, 4, 5}, {6, 7, 8, 9}}));
}

TEST(Partition, LabelPutsOneLabelFirst) {
  Samples samples;
  samples.labels = {1, 2, 1, 0, 2, 1, 0, 0};
  EXPECT_EQ(make_partition("label:1", samples, 3, 2, 1), (Partition{{0, 2, 5, 1}, {3, 4, 6, 7}}));
}

TEST(Partition, NonIidSortsTheFirstShareByLabel) {
  Samples samples;
  samples.labels = {2, 1, 2, 1, 0, 1, 2, 0};
  // The first four sorted: 1, 3, 0, 2.
  EXPECT_EQ(make_partition("non_iid:50%", samples, 3, 2, 1), (Partition{{1, 3, 4, 5}, {0, 2, 6, 7}}));
}

TEST(Partition, ShardsGiveAWorkerFewLabels) {
  Samples samples;
  for (int i = 0; i < 1000; ++i) samples.labels.push_back(static_cast<std::uint8_t>(i % kClasses));
  // 20 shards of 50: each within one label of 100 samples.
  for (const auto& part : make_partition("shards:2", samples, kClasses, 10, 5)) {
    std::set<int> labels;
    for (const std::uint32_t sample : part) labels.insert(samples.labels[sample]);
    EXPECT_LE(labels.size(), 2U);
    EXPECT_EQ(part.size(), 100U);
  }
}

TEST(Partition, DirichletIsMoreSkewedForASmallerAlpha) {
  const Samples samples = labelled(5000);
  // Mean over workers of the largest label's share; 0.1 would be no skew.
  const auto skew = [&](const std::string& spec) {
    const Partition partition = make_partition(spec, samples, kClasses, 5, 9);
    double sum = 0.0;
    const auto counts = labels_by_worker(partition, samples, kClasses);
    for (std::size_t k = 0; k < partition.size(); ++k) {
      sum += static_cast<double>(std::ranges::max(counts[k])) / static_cast<double>(partition[k].size());
    }
    return sum / static_cast<double>(partition.size());
  };
  EXPECT_GT(skew("dirichlet:0.1"), 0.3);
  EXPECT_LT(skew("dirichlet:1000"), 0.15);
}

TEST(Partition, UsersStayWholeAndWorkersBalanced) {
  const Samples samples = labelled(2000);
  const Partition partition = make_partition("user", samples, kClasses, 6, 1);
  std::map<std::uint32_t, std::set<std::size_t>> workers_of;
  std::map<std::uint32_t, std::size_t> size_of;
  for (std::size_t worker = 0; worker < partition.size(); ++worker) {
    for (const std::uint32_t sample : partition[worker]) {
      workers_of[samples.users[sample]].insert(worker);
      ++size_of[samples.users[sample]];
    }
  }
  for (const auto& [user, workers] : workers_of) EXPECT_EQ(workers.size(), 1U) << user;
  // Greedy: no worker is more than one user above the smallest.
  std::size_t largest_user = 0;
  for (const auto& [user, size] : size_of) largest_user = std::max(largest_user, size);
  const auto [least, most] = std::ranges::minmax(partition, {}, [](const auto& part) { return part.size(); });
  EXPECT_LE(most.size() - least.size(), largest_user);
}

TEST(Partition, SharedGivesEverySampleToEveryWorker) {
  std::vector<std::uint32_t> all(50);
  std::iota(all.begin(), all.end(), 0U);
  EXPECT_EQ(make_partition("shared", labelled(50), kClasses, 3, 1), Partition(3, all));
}

TEST(Partition, RefusesWhatCannotBeMetAndSaysWhy) {
  const Samples samples = labelled(50);
  Samples anonymous = samples;
  anonymous.users.clear();
  const auto expect = [&](const std::string& spec, const Samples& from, std::uint32_t workers,
                          const std::string& reason) {
    const std::string text = usage_error([&] { make_partition(spec, from, kClasses, workers, 1); });
    EXPECT_NE(text.find("data.partition: '" + spec + "'"), std::string::npos) << text;
    EXPECT_NE(text.find(reason), std::string::npos) << text;
  };
  expect("iid", samples, 51, "50 training samples for 51 workers");
  expect("dirichlt:1", samples, 2, "did you mean 'dirichlet'");
  expect("iid:3", samples, 2, "written iid");
  expect("shards", samples, 2, "written shards:N");
  expect("shards:0", samples, 2, "at least 1");
  expect("shards:two", samples, 2, "not a whole number");
  expect("shards:18446744073709551615", samples, 2, "more than the 50 samples");
  expect("shards:6", samples, 10, "more than the 50 samples");
  expect("dirichlet:0", samples, 2, "above 0");
  expect("dirichlet:nan", samples, 2, "not a number");
  expect("dirichlet:-1", samples, 2, "above 0");
  expect("dirichlet:1e-300", samples, 40, "draws left one of the 40 workers without a sample");
  expect("non_iid:60", samples, 2, "percentage");
  expect("non_iid:101%", samples, 2, "from 0 to 100");
  expect("non_iid:50%", samples, 50, "gets no sample");
  expect("label:10", samples, 2, "from 0 to 9");
  expect("label:-1", samples, 2, "not a whole number");
  expect("skew", samples, 2, "written skew:S");
  expect("skew:1.01", samples, 2, "from 0 to 1");
  expect("skew:-0.1", samples, 2, "from 0 to 1");
  expect("skew:nan", samples, 2, "not a number");
  expect("user", anonymous, 2, "does not know its users");
  Samples two_users = samples;
  for (std::size_t i = 0; i < 50; ++i) two_users.users[i] = i % 2;
  expect("user", two_users, 3, "2 users for 3 workers");
}

TEST(LabelsByWorker, CountsEveryLabel) {
  Samples samples;
  samples.labels = {0, 1, 1, 2, 2, 2};
  const Partition partition = {{0, 1, 3}, {2, 4, 5}};
  EXPECT_EQ(labels_by_worker(partition, samples, 3), (std::vector<std::vector<std::uint64_t>>{{1, 1, 1}, {0, 1, 2}}));
  EXPECT_EQ(labels_by_worker_text(partition, samples, 3),
            "worker  samples      0      1      2\n"
            "     0        3      1      1      1\n"
            "     1        3      0      1      2\n");
}

}  // namespace
}  // namespace laconic
