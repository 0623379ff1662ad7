// A CIFAR-10 file of any bytes is read as records, or refused with a UsageError that leaves the samples as they were.
#include <cstdint>

#include "base/error.h"
#include "training/data/cifar.h"
#include "training/formats/scratch_file_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const laconic::ScratchFile file("cifar_fuzz");
  file.write(data, size);
  laconic::Samples samples;
  try {
    laconic::read_cifar10(file.path(), samples);
    LACONIC_CHECK(samples.count() > 0, "no samples");
    for (const std::uint8_t label : samples.labels) LACONIC_CHECK(label < 10, "label " << int{label});
  } catch (const laconic::UsageError&) {
    LACONIC_CHECK(samples.count() == 0, samples.count() << " samples of a refused file");
  }
  LACONIC_CHECK(samples.pixels.size() == samples.count() * laconic::kCifarShape.size(), "pixels");
  return 0;
}
