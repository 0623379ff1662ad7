// Who trains on which samples: the training split dealt out to the workers.
//
// A partition is written as a word, with its parameter behind a colon:
//
//   iid             shuffled, then cut into equal parts
//   contiguous      equal contiguous cuts in the order of the files (the IID of Theologitis et al. 2025, their code)
//   dirichlet:A     each class dealt out in proportions drawn from a symmetric Dirichlet(A) (Hsu et al. 2019); A > 0,
//                   small is skewed
//   shards:N        sorted by label, cut into N shards a worker, shards dealt at random (McMahan et al. 2017)
//   non_iid:X%      the first X% of the samples sorted by label and dealt out in contiguous cuts, the rest dealt out in
//                   contiguous cuts as they come (Theologitis et al. 2025)
//   label:Y         all samples of label Y first, then everything cut into contiguous parts (the same)
//   skew:S          of each class a random fraction S of its samples (to the nearest whole number) is set apart,
//                   sorted by label and dealt out in equal contiguous cuts; all the rest is shuffled and fills the
//                   workers up to equal parts. S in [0, 1]: 0 is IID, 1 each worker its own labels (Aketi, Singh and
//                   Rabaey 2021, whose "skew" this is)
//   user            whole users dealt out, the largest first, always to the worker with the fewest samples
//   shared          no cut: every worker draws from all samples, as from one stream (Kamp et al. 2018)
//
// "Equal" parts of n samples differ by at most one sample.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "training/data/dataset.h"

namespace laconic {

// For each worker the indices of its samples in the training split.
using Partition = std::vector<std::vector<std::uint32_t>>;

// How many samples everybody trains on, for who holds the parts of some workers only.
struct SampleCounts {
  std::vector<std::uint64_t> of_worker;  // one for each, above 0
  std::uint64_t total = 0;               // of all workers, each once where they share them
};
SampleCounts count_samples(const Partition& partition, const Samples& samples);

struct PartitionRow {
  std::string_view name;
  std::string_view parameter;  // "ALPHA"; empty: takes none
  std::string_view summary;
  bool by_label = false;          // needs labels, which text does not have
  std::string_view example = {};  // of the parameter
};
std::span<const PartitionRow> partitions();

// Throws UsageError, as make_partition does, for a spec that is not in the table or lacks its parameter.
void require_known_partition(std::string_view spec);

// Deals `samples` with labels below `classes` out to `workers` >= 1 workers. Every sample goes to exactly one worker
// (`shared`: to all) and every worker gets at least one; random choices depend on `seed` only. Throws UsageError with
// the reason and the remedy for a spec that is not in the table, a parameter out of range, and whatever cannot be met:
// fewer samples, shards or users than needed, no users or no labels known, a hundred Dirichlet draws that each leave a
// worker with nothing.
Partition make_partition(std::string_view spec, const Samples& samples, std::uint32_t classes, std::uint32_t workers,
                         std::uint64_t seed);

// Samples of each label at each worker: workers rows of `classes` counts. For samples with labels.
std::vector<std::vector<std::uint64_t>> labels_by_worker(const Partition& partition, const Samples& samples,
                                                         std::uint32_t classes);
// The same as lines of text with a head line; of samples without labels their number alone.
std::string labels_by_worker_text(const Partition& partition, const Samples& samples, std::uint32_t classes);

}  // namespace laconic
