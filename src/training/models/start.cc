#include "training/models/start.h"

#include <algorithm>

#include "base/error.h"
#include "training/data/fingerprint.h"
#include "training/formats/safetensors.h"
#include "training/models/models.h"
#include "training/models/named_tensors.h"

namespace laconic {
namespace {

SafetensorsModel read(const std::string& file) {
  try {
    return read_safetensors(file, WholeNumbers::kSkipped);
  } catch (const UsageError& error) {
    throw UsageError("model.start: " + std::string(error.what()));
  }
}

std::uint64_t fingerprint_of(const SafetensorsModel& model) {
  Fingerprint fingerprint;
  for (const TensorLayout& tensor : model.layout.tensors) {
    fingerprint.add(tensor.name);
    for (const std::int64_t size : tensor.shape) fingerprint.add(static_cast<std::uint64_t>(size));
  }
  fingerprint.add(
      std::string_view(reinterpret_cast<const char*>(model.params.data()), model.params.size() * sizeof(float)));
  return fingerprint.value();
}

}  // namespace

ModelStart start_of(const Network& network, std::uint64_t seed, const std::string& file) {
  ModelStart start{.parameters = initial_parameters(network, seed), .buffers = initial_buffers(network)};
  if (file.empty()) return start;
  const SafetensorsModel model = read(file);
  const Layout parameters = layout_of(network);
  const Layout buffers = buffer_layout_of(network);
  const bool has_buffers = std::ranges::any_of(
      buffers.tensors, [&](const TensorLayout& tensor) { return find_tensor(model, tensor.name) != nullptr; });
  const std::vector<float> values = in_layout(model, has_buffers ? joined(parameters, buffers) : parameters,
                                              OtherTensors::kRefused, "model.start: " + file);
  start.parameters.assign(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(parameters.size));
  if (has_buffers) start.buffers.assign(values.begin() + static_cast<std::ptrdiff_t>(parameters.size), values.end());
  start.fingerprint = fingerprint_of(model);
  return start;
}

}  // namespace laconic
