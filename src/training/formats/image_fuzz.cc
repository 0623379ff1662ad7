// A file of any bytes is an image of the size that it says, or refused with a UsageError.
#include <cstdint>

#include "base/error.h"
#include "training/formats/image_file.h"
#include "training/formats/scratch_file_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const laconic::ScratchFile file("image_fuzz");
  file.write(data, size);
  for (const bool grey : {false, true}) {
    try {
      const laconic::ImageBytes image = laconic::read_image(file.path(), grey);
      LACONIC_CHECK(image.shape.channels == (grey ? 1 : 3), image.shape.channels << " channels");
      LACONIC_CHECK(image.pixels.size() == image.shape.size(), image.pixels.size() << " bytes");
    } catch (const laconic::UsageError&) {
    }
  }
  return 0;
}
