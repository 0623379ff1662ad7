// An archive of any bytes has an array "x" that is read to its end, never to more bytes than deflate can make of so
// many, or it is refused with a UsageError of one line.
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "training/formats/npz.h"
#include "training/formats/scratch_file_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const laconic::ScratchFile file("npz_fuzz");
  file.write(data, size);
  try {
    laconic::NpzArray array(file.path(), "x");
    std::uint8_t part[1000];
    while (array.read(part, sizeof part) == sizeof part) {
    }
    LACONIC_CHECK(array.position() <= 1032 * size + 1031, array.position() << " bytes out of " << size);
    LACONIC_CHECK(array.read(part, sizeof part) == 0, "bytes behind the end");
  } catch (const laconic::UsageError& error) {
    const std::string_view message = error.what();
    LACONIC_CHECK(message.starts_with(file.path()) && message.find('\n') == std::string_view::npos, message);
  }
  return 0;
}
