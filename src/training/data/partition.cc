#include "training/data/partition.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <iomanip>
#include <map>
#include <numeric>
#include <sstream>

#include "base/error.h"
#include "base/random.h"
#include "base/spelling.h"
#include "base/supervision.h"
#include "base/utf8.h"

namespace laconic {
namespace {

using Indices = std::vector<std::uint32_t>;

std::string refusal_of(std::string_view spec, const std::string& problem) {
  return "data.partition: '" + printable(spec) + "': " + problem;
}

struct Request {
  std::string_view spec;
  std::string_view parameter;  // behind the colon
  const Samples& samples;
  std::uint32_t classes;
  std::uint32_t workers;
  std::uint64_t seed;

  [[noreturn]] void fail(const std::string& problem) const { throw UsageError(refusal_of(spec, problem)); }
  double number(std::string_view text) const {
    double value = 0.0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc{} || result.ptr != text.data() + text.size() || !std::isfinite(value)) {
      fail("'" + std::string(text) + "' is not a number");
    }
    return value;
  }
  std::uint64_t integer(std::string_view text) const {
    std::uint64_t value = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec != std::errc{} || result.ptr != text.data() + text.size()) {
      fail("'" + std::string(text) + "' is not a whole number");
    }
    return value;
  }
};

Indices all_samples(const Request& request) {
  Indices indices(request.samples.count());
  std::iota(indices.begin(), indices.end(), 0U);
  return indices;
}

void sort_by_label(const Samples& samples, Indices& indices) {
  std::stable_sort(indices.begin(), indices.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return samples.labels[a] < samples.labels[b]; });
}

// Appends part `k` of `parts` equal contiguous cuts of `from` to each of `parts` lists.
void deal_contiguously(const Indices& from, Partition& to) {
  const std::uint64_t parts = to.size();
  for (std::uint64_t k = 0; k < parts; ++k) {
    const auto first = static_cast<std::ptrdiff_t>(k * from.size() / parts);
    const auto last = static_cast<std::ptrdiff_t>((k + 1) * from.size() / parts);
    to[k].insert(to[k].end(), from.begin() + first, from.begin() + last);
  }
}

Partition iid(const Request& request) {
  RandomStream stream(request.seed, "partition");
  Partition partition(request.workers);
  deal_contiguously(random_permutation(stream, static_cast<std::uint32_t>(request.samples.count())), partition);
  return partition;
}

Partition contiguous(const Request& request) {
  Partition partition(request.workers);
  deal_contiguously(all_samples(request), partition);
  return partition;
}

// Proportions from a symmetric Dirichlet(alpha): gamma draws over their sum. For a tiny alpha all of them can round to
// zero; then, as in the limit alpha -> 0, one worker drawn uniformly gets everything.
std::vector<double> dirichlet_proportions(RandomStream& stream, double alpha, std::uint32_t workers) {
  std::vector<double> proportions(workers);
  for (double& proportion : proportions) proportion = stream.gamma(alpha);
  const double sum = std::accumulate(proportions.begin(), proportions.end(), 0.0);
  if (sum > 0.0) {
    for (double& proportion : proportions) proportion /= sum;
  } else {
    proportions[stream.below(workers)] = 1.0;
  }
  return proportions;
}

Partition dirichlet(const Request& request) {
  constexpr std::uint64_t kTries = 100;
  const double alpha = request.number(request.parameter);
  if (!(alpha > 0.0 && alpha <= 1e6)) request.fail("ALPHA must be above 0 and at most 1e6");
  std::vector<Indices> by_class(request.classes);
  for (std::uint32_t i = 0; i < request.samples.count(); ++i) by_class[request.samples.labels[i]].push_back(i);
  for (std::uint64_t attempt = 0; attempt < kTries; ++attempt) {
    report_progress("dealing out samples", attempt, kTries);
    RandomStream stream(request.seed, "partition", {attempt});
    Partition partition(request.workers);
    for (Indices& members : by_class) {
      stream.shuffle(std::span(members));
      const std::vector<double> proportions = dirichlet_proportions(stream, alpha, request.workers);
      double upto = 0.0;
      std::size_t first = 0;
      for (std::uint32_t k = 0; k < request.workers; ++k) {
        upto += proportions[k];
        const auto cut = static_cast<std::size_t>(std::llround(upto * static_cast<double>(members.size())));
        const std::size_t last = k + 1 == request.workers ? members.size() : std::clamp(cut, first, members.size());
        partition[k].insert(partition[k].end(), members.begin() + static_cast<std::ptrdiff_t>(first),
                            members.begin() + static_cast<std::ptrdiff_t>(last));
        first = last;
      }
    }
    // The next attempt must not depend on how this one shuffled.
    for (Indices& members : by_class) std::sort(members.begin(), members.end());
    if (std::none_of(partition.begin(), partition.end(), [](const Indices& part) { return part.empty(); })) {
      return partition;
    }
  }
  request.fail("each of " + std::to_string(kTries) + " draws left one of the " + std::to_string(request.workers) +
               " workers without a sample; take a larger ALPHA or fewer workers");
}

Partition shards(const Request& request) {
  const std::uint64_t each = request.integer(request.parameter);
  const std::uint64_t count = request.samples.count();
  if (each == 0) request.fail("N must be at least 1");
  if (each > count / request.workers) {
    request.fail(
        fmt::format("{} workers with {} shards each need more than the {} samples there are; take fewer "
                    "shards or workers",
                    request.workers, each, count));
  }
  Indices sorted = all_samples(request);
  sort_by_label(request.samples, sorted);
  const std::uint64_t total = each * request.workers;
  RandomStream stream(request.seed, "partition");
  const Indices order = random_permutation(stream, static_cast<std::uint32_t>(total));
  Partition partition(request.workers);
  for (std::uint64_t i = 0; i < total; ++i) {
    const std::uint64_t shard = order[i];
    Indices& part = partition[i / each];
    part.insert(part.end(), sorted.begin() + static_cast<std::ptrdiff_t>(shard * count / total),
                sorted.begin() + static_cast<std::ptrdiff_t>((shard + 1) * count / total));
  }
  return partition;
}

Partition non_iid(const Request& request) {
  std::string_view text = request.parameter;
  if (text.empty() || text.back() != '%') request.fail("X is a percentage, as in non_iid:60%");
  text.remove_suffix(1);
  const double percent = request.number(text);
  if (!(percent >= 0.0 && percent <= 100.0)) request.fail("X must be from 0 to 100");
  const Indices all = all_samples(request);
  const auto skewed = static_cast<std::ptrdiff_t>(std::llround(percent / 100.0 * static_cast<double>(all.size())));
  Indices first(all.begin(), all.begin() + skewed);
  const Indices rest(all.begin() + skewed, all.end());
  sort_by_label(request.samples, first);
  Partition partition(request.workers);
  deal_contiguously(first, partition);
  deal_contiguously(rest, partition);
  return partition;
}

Partition label_first(const Request& request) {
  const std::uint64_t label = request.integer(request.parameter);
  if (label >= request.classes) request.fail("labels are from 0 to " + std::to_string(request.classes - 1));
  Indices order = all_samples(request);
  std::stable_partition(order.begin(), order.end(),
                        [&](std::uint32_t sample) { return request.samples.labels[sample] == label; });
  Partition partition(request.workers);
  deal_contiguously(order, partition);
  return partition;
}

Partition skew(const Request& request) {
  const double share = request.number(request.parameter);
  if (!(share >= 0.0 && share <= 1.0)) request.fail("S must be from 0 to 1");
  RandomStream stream(request.seed, "partition");
  std::vector<Indices> by_class(request.classes);
  for (const std::uint32_t sample : random_permutation(stream, static_cast<std::uint32_t>(request.samples.count()))) {
    by_class[request.samples.labels[sample]].push_back(sample);
  }
  Indices sorted;
  Indices rest;
  for (const Indices& members : by_class) {
    const auto cut = members.begin() + std::llround(share * static_cast<double>(members.size()));
    sorted.insert(sorted.end(), members.begin(), cut);
    rest.insert(rest.end(), cut, members.end());
  }
  stream.shuffle(std::span(rest));
  // Of both the sorted samples and all samples the first workers get the one that is over: no worker's sorted samples
  // are more than its part.
  const auto part_size = [&](std::size_t count, std::size_t worker) {
    return static_cast<std::ptrdiff_t>(count / request.workers + (worker < count % request.workers ? 1 : 0));
  };
  Partition partition(request.workers);
  auto next_sorted = sorted.begin();
  auto next_rest = rest.begin();
  for (std::size_t worker = 0; worker < partition.size(); ++worker) {
    const std::ptrdiff_t from_sorted = part_size(sorted.size(), worker);
    const std::ptrdiff_t from_rest = part_size(request.samples.count(), worker) - from_sorted;
    partition[worker].assign(next_sorted, next_sorted + from_sorted);
    partition[worker].insert(partition[worker].end(), next_rest, next_rest + from_rest);
    next_sorted += from_sorted;
    next_rest += from_rest;
  }
  return partition;
}

Partition by_user(const Request& request) {
  if (request.samples.users.empty())
    request.fail(
        "this data set does not know its users; name them with data.user where it has that key, or take another "
        "partition");
  std::map<std::uint32_t, Indices> members;
  for (std::uint32_t i = 0; i < request.samples.count(); ++i) members[request.samples.users[i]].push_back(i);
  if (members.size() < request.workers) {
    request.fail("there are " + std::to_string(members.size()) + " users for " + std::to_string(request.workers) +
                 " workers; take at most as many workers as users");
  }
  // Largest first keeps the parts balanced; a shuffle before decides among users of one size.
  std::vector<const Indices*> order;
  for (const auto& [user, indices] : members) order.push_back(&indices);
  RandomStream stream(request.seed, "partition");
  stream.shuffle(std::span(order));
  std::stable_sort(order.begin(), order.end(),
                   [](const Indices* a, const Indices* b) { return a->size() > b->size(); });
  Partition partition(request.workers);
  for (const Indices* indices : order) {
    const auto smallest = std::min_element(partition.begin(), partition.end(),
                                           [](const Indices& a, const Indices& b) { return a.size() < b.size(); });
    smallest->insert(smallest->end(), indices->begin(), indices->end());
  }
  return partition;
}

Partition shared(const Request& request) { return Partition(request.workers, all_samples(request)); }

using Make = Partition (*)(const Request&);
constexpr std::array<PartitionRow, 9> kPartitions = {{
    {"iid", "", "shuffled, then equal parts"},
    {"contiguous", "", "equal contiguous parts in the order of the files"},
    {"dirichlet", "ALPHA", "each class in proportions from Dirichlet(ALPHA); a smaller ALPHA is more skewed", true,
     "0.3"},
    {"shards", "N", "sorted by label, N random shards per worker", true, "2"},
    {"non_iid", "X%", "the first X% of the samples sorted by label, the rest IID", true, "60%"},
    {"label", "Y", "all samples of label Y go to the first workers", true, "3"},
    {"skew", "S",
     "a fraction S of each class is sorted by label, the rest shuffled; 0: IID, 1: each worker has only its own labels",
     true, "0.8"},
    {"user", "", "whole users per worker, balanced by samples"},
    {"shared", "", "every worker draws from all samples"},
}};
constexpr std::array<Make, kPartitions.size()> kMakers = {iid,         contiguous, dirichlet, shards, non_iid,
                                                          label_first, skew,       by_user,   shared};

std::string usage(const PartitionRow& row) {
  return std::string(row.name) + (row.parameter.empty() ? "" : ":" + std::string(row.parameter));
}

// The row of `spec`, which is written as its row says.
std::size_t row_of(std::string_view spec) {
  const std::size_t colon = spec.find(':');
  std::string known;
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < kPartitions.size(); ++i) {
    const PartitionRow& row = kPartitions[i];
    known.append(known.empty() ? "" : ", ").append(usage(row));
    names.push_back(row.name);
    if (row.name != spec.substr(0, colon)) continue;
    if (row.parameter.empty() == (colon == std::string_view::npos)) return i;
    std::string written = "it is written " + usage(row);
    if (!row.parameter.empty())
      written.append(", such as \"").append(row.name).append(":").append(row.example).append("\"");
    throw UsageError(refusal_of(spec, written));
  }
  if (const auto meant = spec_meant(spec, names)) {
    throw UsageError(refusal_of(spec, "write \"" + printable(*meant) + "\""));
  }
  throw UsageError(refusal_of(spec, "not one of: " + known + did_you_mean(spec.substr(0, colon), names)));
}

}  // namespace

void require_known_partition(std::string_view spec) { row_of(spec); }

SampleCounts count_samples(const Partition& partition, const Samples& samples) {
  SampleCounts counts;
  for (const Indices& part : partition) {
    counts.of_worker.push_back(part.size());
    counts.total += part.size();
  }
  counts.total = std::min<std::uint64_t>(counts.total, samples.count());
  return counts;
}

std::span<const PartitionRow> partitions() { return kPartitions; }

Partition make_partition(std::string_view spec, const Samples& samples, std::uint32_t classes, std::uint32_t workers,
                         std::uint64_t seed) {
  LACONIC_CHECK(workers >= 1, "workers " << workers);
  const std::size_t colon = spec.find(':');
  const Request request{.spec = spec,
                        .parameter = colon == std::string_view::npos ? std::string_view{} : spec.substr(colon + 1),
                        .samples = samples,
                        .classes = classes,
                        .workers = workers,
                        .seed = seed};
  const std::size_t i = row_of(spec);
  const PartitionRow& row = kPartitions[i];
  if (row.by_label && samples.labels.empty()) {
    request.fail(
        "it deals samples out by label, and neither text, a stream nor regression has them; take iid or contiguous");
  }
  if (samples.count() < workers) {
    request.fail("there are " + std::to_string(samples.count()) + " training samples for " + std::to_string(workers) +
                 " workers; take at most as many workers as samples");
  }
  Partition partition = kMakers[i](request);
  // The parts that come in several pieces can miss a worker when samples are scarce.
  const auto empty = std::find_if(partition.begin(), partition.end(), [](const Indices& part) { return part.empty(); });
  if (empty != partition.end()) {
    request.fail("worker " + std::to_string(empty - partition.begin()) + " gets no sample; take fewer workers");
  }
  return partition;
}

std::vector<std::vector<std::uint64_t>> labels_by_worker(const Partition& partition, const Samples& samples,
                                                         std::uint32_t classes) {
  std::vector<std::vector<std::uint64_t>> counts(partition.size(), std::vector<std::uint64_t>(classes, 0));
  for (std::size_t worker = 0; worker < partition.size() && classes > 0; ++worker) {
    for (const std::uint32_t sample : partition[worker]) ++counts[worker][samples.labels[sample]];
  }
  return counts;
}

std::string labels_by_worker_text(const Partition& partition, const Samples& samples, std::uint32_t classes) {
  if (samples.labels.empty()) classes = 0;
  std::ostringstream text;
  text << "worker  samples";
  for (std::uint32_t label = 0; label < classes; ++label) text << std::setw(7) << label;
  text << '\n';
  const auto counts = labels_by_worker(partition, samples, classes);
  for (std::size_t worker = 0; worker < counts.size(); ++worker) {
    text << std::setw(6) << worker << std::setw(9) << partition[worker].size();
    for (const std::uint64_t count : counts[worker]) text << std::setw(7) << count;
    text << '\n';
  }
  return text.str();
}

}  // namespace laconic
