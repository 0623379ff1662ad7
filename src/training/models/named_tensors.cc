#include "training/models/named_tensors.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <set>

#include "base/error.h"

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

}  // namespace

const TensorLayout* find_tensor(const SafetensorsModel& model, std::string_view name) {
  const auto found =
      std::ranges::find_if(model.layout.tensors, [&](const TensorLayout& tensor) { return tensor.name == name; });
  return found == model.layout.tensors.end() ? nullptr : &*found;
}

std::vector<float> in_layout(const SafetensorsModel& model, const Layout& layout, OtherTensors others,
                             const std::string& place) {
  std::map<std::string, const TensorLayout*> given;
  for (const TensorLayout& tensor : model.layout.tensors) given[tensor.name] = &tensor;
  NameList missing("it has no");
  NameList unknown("the model has no");
  NameList misshapen("of another shape are");
  std::set<std::string> known;
  std::vector<float> values(layout.size);
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
  for (const auto& [name, tensor] : given) {
    if (!known.contains(name) && others == OtherTensors::kRefused) unknown.add(name);
  }
  const std::string problems = missing.text() + unknown.text() + misshapen.text();
  if (problems.empty()) return values;
  throw UsageError(place + ": " + problems +
                   "give a file with this model's tensors under its names, such as model.safetensors of a run");
}

}  // namespace laconic
