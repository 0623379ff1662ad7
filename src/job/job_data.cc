#include "job/job_data.h"

#include <algorithm>
#include <filesystem>
#include <numeric>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/supervision.h"
#include "job/job_paths.h"
#include "training/data/data_files.h"
#include "training/data/description.h"
#include "training/data/fingerprint.h"
#include "training/data/splits.h"

namespace laconic {
namespace {

const std::string& directory_option(const Job& job) { return job.section("data").text("dir"); }

// What a data set refuses, behind the place of data.dir; what is wrong with another option says its place itself.
template <typename Work>
auto with_place_of_directory(const Job& job, Work&& work) {
  try {
    return work();
  } catch (const UsageError& error) {
    const Options& data = job.section("data");
    for (const Options::Resolved& option : data.resolved()) {
      if (data.given(option.spec->name) && std::string_view(error.what()).starts_with(data.place(option.spec->name))) {
        throw;
      }
    }
    throw UsageError(job.place_of("data", "dir") + error.what());
  }
}

Dataset open_files(const Job& job, const std::string& directory, Splits splits) {
  return with_place_of_directory(job,
                                 [&] { return open_dataset(*job.dataset, directory, job.section("data"), splits); });
}

void read_samples(const Job& job, const std::string& directory, const std::vector<bool>& keep, Dataset& data) {
  if (!data.stream)
    job.at("data", "dir", [&] { read_chosen(*job.dataset, directory, job.section("data"), keep, data); });
}

std::vector<bool> draw_held_out(const Job& job, const Dataset& data) {
  return job.at("data", "validation",
                [&] { return draw_validation(data, job.section("data").number("validation"), job.seed); });
}

[[noreturn]] void refuse_directory(const Job& job, const std::string& problem) {
  throw UsageError(job.place_of("data", "dir") + "data.dir: " + problem);
}

std::vector<std::uint64_t> exchange_with_all(const OneWorker& only, std::uint32_t workers, std::uint64_t own) {
  std::vector<std::uint64_t> all = only.exchange(own);
  LACONIC_CHECK(all.size() == workers && all[static_cast<std::size_t>(only.rank.value)] == own,
                all.size() << " numbers of " << workers << " workers");
  return all;
}

// The first worker whose number is not worker 0's.
std::optional<std::size_t> first_other(const std::vector<std::uint64_t>& all) {
  const auto other = std::find_if(all.begin(), all.end(), [&](std::uint64_t value) { return value != all.front(); });
  if (other == all.end()) return std::nullopt;
  return static_cast<std::size_t>(other - all.begin());
}

constexpr const char* kAgree =
    "; all workers learn one model: give them data of one size and type, with the same classes, and of text the same "
    "words";

std::vector<std::uint32_t> numbers_from(std::size_t first, std::size_t count) {
  std::vector<std::uint32_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), static_cast<std::uint32_t>(first));
  return numbers;
}

// Marks of all training samples for those that are held out or in `part`, which counts the samples that are not held
// out; then `part` counts the ones of its own.
std::vector<bool> marks_of(const std::vector<bool>& held, std::vector<std::uint32_t>& part) {
  std::vector<bool> in_part(static_cast<std::size_t>(std::count(held.begin(), held.end(), false)), false);
  for (const std::uint32_t sample : part) in_part[sample] = true;
  std::vector<std::uint32_t> place(in_part.size());
  std::uint32_t places = 0;
  for (std::size_t sample = 0; sample < in_part.size(); ++sample) {
    place[sample] = places;
    if (in_part[sample]) ++places;
  }
  for (std::uint32_t& sample : part) sample = place[sample];
  std::vector<bool> marks = held;
  for (std::size_t sample = 0, dealt = 0; sample < marks.size(); ++sample) {
    if (!held[sample]) marks[sample] = in_part[dealt++];
  }
  return marks;
}

// The partition means the same to all only where all read the same files.
void require_same_files(const Job& job, const OneWorker& only, const Dataset& data) {
  const auto other = first_other(exchange_with_all(only, job.workers, fingerprint_of_training(data)));
  if (!other) return;
  refuse_directory(job, "worker " + std::to_string(*other) +
                            " finds other training data there than worker 0; all must " +
                            "read the same files, or have folders of their own, with {rank} in the name");
}

// Which rows of the training file are `held` out: marks of its samples without those of the test split, `test_rows`.
std::vector<std::uint32_t> rows_held_out(const std::vector<bool>& held, const std::vector<std::uint32_t>& test_rows) {
  std::vector<std::uint32_t> rows;
  auto test = test_rows.begin();
  std::uint32_t row = 0;
  for (const bool is_held : held) {
    for (; test != test_rows.end() && *test == row; ++test) ++row;
    if (is_held) rows.push_back(row);
    ++row;
  }
  return rows;
}

// All workers' samples are in the same files.
JobData load_dealt(const Job& job, const std::optional<OneWorker>& only) {
  const std::string& directory = directory_option(job);
  Dataset data = open_files(job, directory, Splits::kAll);
  if (only && !data.stream) require_same_files(job, *only, data);
  const std::vector<bool> held = draw_held_out(job, data);
  JobData result;
  {
    report_progress("dealing out samples");
    const Samples outline = outline_without(data.train, held);
    result.partition = job.at("data", "partition", [&] {
      return make_partition(job.section("data").text("partition"), outline, data.classes, job.workers, job.seed);
    });
    result.samples = count_samples(result.partition, outline);
  }
  std::vector<bool> keep(held.size(), true);
  if (only) {
    Partition own(job.workers);
    std::vector<std::uint32_t>& part = own[static_cast<std::size_t>(only->rank.value)];
    part = std::move(result.partition[static_cast<std::size_t>(only->rank.value)]);
    if (!data.stream) keep = marks_of(held, part);
    result.partition = std::move(own);
  }
  read_samples(job, directory, keep, data);
  std::vector<bool> held_of_kept;
  for (std::size_t sample = 0; sample < held.size(); ++sample) {
    if (keep[sample]) held_of_kept.push_back(held[sample]);
  }
  move_to_validation(data, held_of_kept);
  data.validation_rows = rows_held_out(held, data.test_rows);
  result.data = std::make_shared<const Dataset>(std::move(data));
  return result;
}

// The folder of one worker.
Dataset load_folder(const Job& job, Rank rank) {
  const std::string directory = directory_of(directory_option(job), rank);
  Dataset data = open_files(job, directory, rank.value == 0 ? Splits::kAll : Splits::kTraining);
  read_samples(job, directory, std::vector<bool>(data.train.count(), true), data);
  if (rank.value == 0) move_to_validation(data, draw_held_out(job, data));
  return data;
}

// Workers that each scale their targets otherwise would learn one model of different units.
void require_one_unit(const Job& job, const Dataset& data) {
  if (data.target_scale.empty()) return;
  throw UsageError(job.place_of("data", "normalise_targets") +
                   "data.normalise_targets: workers with folders of their own would each scale their targets by their "
                   "own mean and deviation, and learn one model; set it to false");
}

JobData load_own_folder(const Job& job, const OneWorker& only) {
  Dataset data = load_folder(job, only.rank);
  require_one_unit(job, data);
  const std::string directory = directory_of(directory_option(job), only.rank);
  if (const auto other = first_other(exchange_with_all(only, job.workers, fingerprint_of_kind(data)))) {
    refuse_directory(job, "the data of worker " + std::to_string(*other) + " differ in kind from worker 0's; " +
                              directory + " has " + kind_text(data) + kAgree);
  }
  JobData result;
  result.samples.of_worker = exchange_with_all(only, job.workers, data.train.count());
  for (const std::uint64_t samples : result.samples.of_worker) result.samples.total += samples;
  result.partition.resize(job.workers);
  result.partition[static_cast<std::size_t>(only.rank.value)] = numbers_from(0, data.train.count());
  result.data = std::make_shared<const Dataset>(std::move(data));
  return result;
}

JobData load_all_folders(const Job& job) {
  JobData result;
  Dataset all;
  for (Rank rank{0}; rank.value < static_cast<std::int32_t>(job.workers); ++rank.value) {
    Dataset data = load_folder(job, rank);
    require_one_unit(job, data);
    const std::size_t count = data.train.count();
    if (rank.value == 0) {
      all = std::move(data);
      result.partition.push_back(numbers_from(0, count));
      continue;
    }
    if (fingerprint_of_kind(data) != fingerprint_of_kind(all)) {
      refuse_directory(job, directory_of(directory_option(job), rank) + " has " + kind_text(data) + " and " +
                                directory_of(directory_option(job), Rank{0}) + " " +
                                (kind_text(data) == kind_text(all) ? "as many others" : kind_text(all)) + kAgree);
    }
    result.partition.push_back(numbers_from(all.train.count(), count));
    append_samples(std::move(data.train), all.train);
  }
  result.samples = count_samples(result.partition, all.train);
  if (!all.user_names.empty() && job.workers > 1) {
    // Each folder numbers the users that it has.
    all.user_names.clear();
    all.train.users.clear();
    all.validation.users.clear();
  }
  result.data = std::make_shared<const Dataset>(std::move(all));
  return result;
}

}  // namespace

bool has_data_by_rank(const Job& job) { return names_rank(directory_option(job)); }

JobData load_job_data(const Job& job, const std::optional<OneWorker>& only) {
  if (only) {
    LACONIC_CHECK(only->exchange && only->rank.value >= 0 && static_cast<std::uint32_t>(only->rank.value) < job.workers,
                  "worker " << only->rank.value << " of " << job.workers);
  }
  Job opened = job;
  opened.sections["data"] = with_opened_paths(job, "data");
  if (!has_data_by_rank(job)) return load_dealt(opened, only);
  return only ? load_own_folder(opened, *only) : load_all_folders(opened);
}

bool has_newer_input(const Job& job, std::filesystem::file_time_type time) {
  namespace fs = std::filesystem;
  const auto is_newer = [&](const fs::path& path) {
    std::error_code error;
    return fs::is_regular_file(path, error) && fs::last_write_time(path, error) > time;
  };
  const auto has_newer = [&](const fs::path& folder) {
    std::error_code error;
    for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      if (is_newer(entry->path())) return true;
    }
    return false;
  };
  const Options model = with_opened_paths(job, "model");
  for (const Options::Resolved& option : model.resolved()) {
    const bool is_file = option.spec->name == "file" || option.spec->name == "start";
    if (is_file && is_newer(option.text)) return true;
  }
  const Options data = with_opened_paths(job, "data");
  const std::uint32_t folders = has_data_by_rank(job) ? job.workers : 1;
  for (Rank rank{0}; rank.value < static_cast<int>(folders); ++rank.value) {
    const fs::path folder = directory_of(data.text("dir"), rank);
    if (folder.empty()) continue;
    const bool has_folders = job.dataset->name == "image_folder" || job.dataset->name == "leaf";
    if (has_folders && (has_newer(folder / "train") || has_newer(folder / "test"))) return true;
    for (const OptionSpec& option : job.dataset->options) {
      if (option.type != OptionType::kText || data.text(option.name).empty()) continue;
      if (is_newer(folder / data.text(option.name)) || is_newer(folder / (data.text(option.name) + ".gz"))) return true;
    }
  }
  return false;
}

}  // namespace laconic
