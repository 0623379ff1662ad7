#include "training/data/cifar.h"

#include "training/formats/input_file.h"

namespace laconic {

void read_cifar10(const std::string& path, Samples& samples) {
  InputFile file(path);
  const std::vector<std::uint8_t> bytes = file.read_rest(kLargestCifarFile);
  const std::size_t record = 1 + kCifarShape.size();
  if (bytes.empty()) file.fail(0, "the file is empty");
  if (bytes.size() % record != 0) {
    file.fail(bytes.size(), "the file ends within a record of " + std::to_string(record) + " bytes");
  }
  for (std::size_t at = 0; at < bytes.size(); at += record) {
    if (bytes[at] >= kCifarClasses) {
      file.fail(at, "label " + std::to_string(bytes[at]) + " is not below " + std::to_string(kCifarClasses) +
                        ": this is not the binary version of CIFAR-10");
    }
  }
  samples.pixels.reserve(samples.pixels.size() + bytes.size());
  for (auto at = bytes.begin(); at != bytes.end(); at += static_cast<std::ptrdiff_t>(record)) {
    samples.labels.push_back(*at);
    samples.pixels.insert(samples.pixels.end(), at + 1, at + static_cast<std::ptrdiff_t>(record));
  }
}

}  // namespace laconic
