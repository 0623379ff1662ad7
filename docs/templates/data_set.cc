#include "training/data/my_data.h"

#include <array>

#include "training/data/data_files.h"
#include "training/formats/input_file.h"

namespace laconic {

std::span<const OptionSpec> my_data_options() {
  static const std::array options = {OptionSpec{.name = "side",
                                                .type = OptionType::kInteger,
                                                .default_value = "28",
                                                .minimum = 1,
                                                .maximum = 4096,
                                                .help = "pixels on each side of an image"}};
  return options;
}

void read_my_file(const std::string& path, std::size_t side, Samples& samples) {
  InputFile file(path);
  const std::vector<std::uint8_t> bytes = file.read_rest(kLargestMyFile);
  const std::size_t record = 1 + side * side;
  // Everything is checked before the first sample is taken.
  if (bytes.empty()) file.fail(0, "the file is empty");
  if (bytes.size() % record != 0)
    file.fail(bytes.size(), "the file ends within a record of " + std::to_string(record) + " bytes; check data.side");
  for (std::size_t at = 0; at < bytes.size(); at += record) {
    if (bytes[at] >= kMyClasses)
      file.fail(at, "label " + std::to_string(bytes[at]) + " is not below " + std::to_string(kMyClasses));
  }
  for (auto at = bytes.begin(); at != bytes.end(); at += static_cast<std::ptrdiff_t>(record)) {
    samples.labels.push_back(*at);
    samples.pixels.insert(samples.pixels.end(), at + 1, at + static_cast<std::ptrdiff_t>(record));
  }
}

Dataset open_my_data(const DatasetRow& row, const std::string& directory, const Options& options, Splits splits) {
  const std::size_t side = options.integer("side");
  Dataset dataset;
  dataset.name = row.name;
  dataset.shape = {.channels = 1, .height = static_cast<std::int64_t>(side), .width = static_cast<std::int64_t>(side)};
  dataset.classes = kMyClasses;
  read_my_file(find_data_file(row, directory, "train.bin"), side, dataset.train);
  if (splits == Splits::kAll) read_my_file(find_data_file(row, directory, "test.bin"), side, dataset.test);
  return dataset;
}

}  // namespace laconic
