// An array of any bytes is read as what its header says, or refused with a UsageError of one line.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "training/formats/npy.h"
#include "training/formats/scratch_file_fuzz.h"

namespace {

// Opens the array and calls `use` with a mark for every other sample, and how many elements these have.
template <typename Use>
void attempt(const std::string& path, Use use, bool may_be_text = false) {
  try {
    laconic::InputFile file(path);
    const laconic::NpyHeader header = laconic::read_npy_header(file, may_be_text);
    const std::size_t elements = header.elements();
    LACONIC_CHECK(elements * header.element_size <= laconic::kLargestNpy, elements << " elements");
    // Callers have a mark for each sample only once they have read as many labels.
    if (header.shape.empty() || header.shape[0] > (1U << 20)) return;
    std::vector<bool> odd(header.shape[0]);
    for (std::size_t sample = 1; sample < odd.size(); sample += 2) odd[sample] = true;
    use(file, header, odd, elements / header.shape[0] * (header.shape[0] / 2));
  } catch (const laconic::UsageError& error) {
    const std::string_view message = error.what();
    LACONIC_CHECK(message.starts_with(path) && message.find('\n') == std::string_view::npos, message);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const laconic::ScratchFile file("npy_fuzz");
  file.write(data, size);
  attempt(file.path(), [](auto& stream, const auto& header, const auto& odd, std::size_t elements) {
    if (!header.is_bytes()) return;
    LACONIC_CHECK(laconic::read_npy_bytes(stream, header, odd).size() == elements, elements << " elements");
  });
  attempt(file.path(), [](auto& stream, const auto& header, const auto& odd, std::size_t elements) {
    const std::vector<float> values = laconic::read_npy_floats(stream, header, odd);
    LACONIC_CHECK(values.size() == elements, values.size() << " of " << elements << " elements");
    for (const float value : values) LACONIC_CHECK(std::isfinite(value), "value " << value);
  });
  attempt(file.path(), [](auto& stream, const auto& header, const auto&, std::size_t) {
    LACONIC_CHECK(laconic::read_npy_labels(stream, header).size() == header.elements(), header.elements() << " labels");
  });
  attempt(
      file.path(),
      [](auto& stream, const auto& header, const auto&, std::size_t) {
        const std::vector<std::string> names = laconic::read_npy_names(stream, header);
        LACONIC_CHECK(names.size() == header.elements(), header.elements() << " names");
      },
      true);
  return 0;
}
