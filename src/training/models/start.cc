#include "training/models/start.h"

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "base/error.h"
#include "training/data/fingerprint.h"
#include "training/formats/safetensors.h"
#include "training/models/models.h"

namespace laconic {
namespace {

// The first few of many names.
class NameList {
 public:
  explicit NameList(std::string title) : title_(std::move(title)) {}
  void add(const std::string& name) {
    if (count_++ >= kShown) return;
    if (!names_.empty()) names_.append(", ");
    names_.append(name);
  }
  std::string text() const {
    if (count_ == 0) return {};
    return title_ + " " + names_ +
           (count_ > kShown ? " and " + std::to_string(count_ - kShown) + " more" : std::string()) + "; ";
  }

 private:
  static constexpr std::size_t kShown = 8;
  std::string title_;
  std::string names_;
  std::size_t count_ = 0;
};

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text;
  for (const std::int64_t size : shape) {
    if (!text.empty()) text.append("x");
    text.append(std::to_string(size));
  }
  return text.empty() ? "a number" : text;
}

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
  std::map<std::string, const TensorLayout*> given;
  for (const TensorLayout& tensor : model.layout.tensors) given[tensor.name] = &tensor;

  const Layout parameters = layout_of(network);
  const Layout buffers = buffer_layout_of(network);
  const bool has_buffers =
      std::ranges::any_of(buffers.tensors, [&](const TensorLayout& tensor) { return given.contains(tensor.name); });
  NameList missing("it has no");
  NameList unknown("the model has no");
  NameList misshapen("of another shape are");
  std::set<std::string> known;
  const auto take = [&](const Layout& layout, std::span<float> values) {
    for (const TensorLayout& tensor : layout.tensors) {
      known.insert(tensor.name);
      const auto found = given.find(tensor.name);
      if (found == given.end()) {
        if (tensor.size > 0) missing.add(tensor.name);
      } else if (found->second->shape != tensor.shape) {
        misshapen.add(tensor.name + " (" + shape_text(found->second->shape) + ", the model's is " +
                      shape_text(tensor.shape) + ")");
      } else {
        std::copy_n(model.params.begin() + static_cast<std::ptrdiff_t>(found->second->offset), tensor.size,
                    values.begin() + static_cast<std::ptrdiff_t>(tensor.offset));
      }
    }
  };
  take(parameters, start.parameters);
  if (has_buffers) take(buffers, start.buffers);
  for (const auto& [name, tensor] : given) {
    if (!known.contains(name)) unknown.add(name);
  }
  const std::string problems = missing.text() + unknown.text() + misshapen.text();
  if (!problems.empty()) {
    throw UsageError("model.start: " + file + ": " + problems +
                     "give a file with this model's tensors under its names, such as model.safetensors of a run");
  }
  start.fingerprint = fingerprint_of(model);
  return start;
}

}  // namespace laconic
