// An IDX file of any bytes is read as what it says, or refused with a UsageError.
#include <cstdint>

#include "base/error.h"
#include "training/formats/idx.h"
#include "training/formats/scratch_file_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const laconic::ScratchFile file("idx_fuzz");
  file.write(data, size);
  for (std::size_t rank = 1; rank <= 3; ++rank) {
    try {
      const laconic::IdxBytes array = laconic::read_idx_bytes(file.path(), rank);
      std::size_t elements = 1;
      for (const std::size_t length : array.sizes) elements *= length;
      LACONIC_CHECK(array.sizes.size() == rank && array.elements.size() == elements, elements << " elements");

      std::vector<bool> odd(array.sizes[0]);
      for (std::size_t row = 1; row < odd.size(); row += 2) odd[row] = true;
      const laconic::IdxBytes rows = laconic::read_idx_rows(file.path(), rank, odd);
      LACONIC_CHECK(
          rows.sizes[0] == array.sizes[0] / 2 && rows.elements.size() == elements / array.sizes[0] * rows.sizes[0],
          rows.elements.size() << " elements in " << rows.sizes[0] << " rows");
    } catch (const laconic::UsageError&) {
    }
  }
  try {
    for (const std::uint32_t value : laconic::read_idx_integers(file.path())) {
      LACONIC_CHECK(value <= INT32_MAX, "integer " << value);
    }
  } catch (const laconic::UsageError&) {
  }
  try {
    const std::size_t labels = laconic::read_idx_labels(file.path()).size();
    LACONIC_CHECK(labels > 0 && labels <= size, labels << " labels");
  } catch (const laconic::UsageError&) {
  }
  return 0;
}
