// A pickle of any bytes in an archive of torch.save is a state dict whose tensors have as many elements as their shapes
// say, or it is refused with a UsageError of one line.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "training/formats/scratch_file_fuzz.h"
#include "training/formats/state_dict.h"
#include "training/formats/test_archive.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const laconic::ScratchFile file("state_dict_fuzz");
  const std::string pickled(reinterpret_cast<const char*>(data), size);
  const std::string archive = laconic::zip_archive(
      {{.name = "x/data.pkl", .content = pickled}, {.name = "x/data/0", .content = std::string(32, 'a')}});
  file.write(reinterpret_cast<const std::uint8_t*>(archive.data()), archive.size());
  try {
    const laconic::SafetensorsModel model = laconic::read_state_dict(file.path());
    std::size_t elements = 0;
    for (const laconic::TensorLayout& tensor : model.layout.tensors) {
      std::size_t product = 1;
      for (const std::int64_t extent : tensor.shape) product *= static_cast<std::size_t>(extent);
      LACONIC_CHECK(tensor.offset == elements && tensor.size == product, tensor.name);
      elements += product;
    }
    LACONIC_CHECK(model.params.size() == elements && model.layout.size == elements, elements);
  } catch (const laconic::UsageError& error) {
    const std::string_view message = error.what();
    LACONIC_CHECK(message.starts_with(file.path()) && message.find('\n') == std::string_view::npos, message);
  }
  return 0;
}
