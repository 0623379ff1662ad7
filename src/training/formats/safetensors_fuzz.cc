// A safetensors file of any bytes is read as a model of the layout, and as one of any layout, or refused with a
// UsageError.
#include <cstdint>

#include "base/error.h"
#include "training/formats/safetensors.h"
#include "training/formats/scratch_file_fuzz.h"

namespace {

laconic::Layout small_layout() {
  laconic::Layout layout;
  layout.tensors.push_back({.name = "a", .offset = 0, .shape = {2, 3}, .size = 6});
  layout.tensors.push_back({.name = "b", .offset = 6, .shape = {2}, .size = 2});
  layout.size = 8;
  return layout;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const laconic::ScratchFile file("safetensors_fuzz");
  static const laconic::Layout layout = small_layout();
  file.write(data, size);
  try {
    const std::vector<float> model = laconic::read_safetensors(file.path(), layout);
    LACONIC_CHECK(model.size() == layout.size, model.size() << " parameters");
  } catch (const laconic::UsageError&) {
  }
  for (const auto whole_numbers : {laconic::WholeNumbers::kRefused, laconic::WholeNumbers::kSkipped}) {
    try {
      const laconic::SafetensorsModel model = laconic::read_safetensors(file.path(), whole_numbers);
      LACONIC_CHECK(model.params.size() == model.layout.size && 4 * model.layout.size <= size,
                    model.layout.size << " parameters in " << size << " bytes");
      LACONIC_CHECK(whole_numbers == laconic::WholeNumbers::kSkipped || model.skipped.empty(), "a tensor is left out");
    } catch (const laconic::UsageError&) {
    }
  }
  return 0;
}
