#include "training/worker_vector.h"

#include <algorithm>
#include <sstream>
#include <string_view>

#include "base/error.h"
#include "training/models/models.h"

namespace laconic {
namespace {

// Whether `name` is what the pattern says. The newest star takes as many characters as it needs.
bool fits(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t after_star = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after_star = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++after_star;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::vector<std::string> patterns_of(const std::string& text) {
  std::vector<std::string> patterns;
  std::istringstream list(text);
  for (std::string part; std::getline(list, part, ',');) {
    const std::size_t first = part.find_first_not_of(" \t");
    if (first == std::string::npos) throw UsageError("model.local: an empty pattern in '" + text + "'; remove a comma");
    patterns.push_back(part.substr(first, part.find_last_not_of(" \t") - first + 1));
  }
  return patterns;
}

std::string names_text(const std::vector<const TensorLayout*>& tensors) {
  constexpr std::size_t kShown = 12;
  std::string text;
  for (std::size_t i = 0; i < std::min(kShown, tensors.size()); ++i) text += (i == 0 ? "" : ", ") + tensors[i]->name;
  if (tensors.size() > kShown) text += " and " + std::to_string(tensors.size() - kShown) + " more";
  return text;
}

// Appends the tensor and gives its offset.
std::size_t append(Layout& layout, TensorLayout tensor) {
  tensor.offset = layout.size;
  layout.size += tensor.size;
  layout.tensors.push_back(std::move(tensor));
  return layout.tensors.back().offset;
}

}  // namespace

WorkerVector::WorkerVector(const Network& network, bool buffers_travel, const std::string& local_patterns)
    : parameters(layout_of(network)), buffers(buffer_layout_of(network)) {
  std::vector<const TensorLayout*> all;
  for (const Layout* layout : {&parameters, &buffers}) {
    for (const TensorLayout& tensor : layout->tensors) all.push_back(&tensor);
  }
  const std::vector<std::string> patterns = patterns_of(local_patterns);
  for (const std::string& pattern : patterns) {
    if (std::ranges::none_of(all, [&](const TensorLayout* tensor) { return fits(pattern, tensor->name); })) {
      throw UsageError("model.local: '" + pattern + "' fits no tensor of the model, which has " + names_text(all));
    }
  }
  const auto is_local = [&](const TensorLayout& tensor) {
    return std::ranges::any_of(patterns, [&](const std::string& pattern) { return fits(pattern, tensor.name); });
  };
  for (const TensorLayout* tensor : all) {
    if (is_local(*tensor)) local.push_back(tensor->name);
  }
  if (std::ranges::all_of(parameters.tensors, is_local)) {
    throw UsageError("model.local: '" + local_patterns +
                     "' leaves no parameter to share; leave some out, or take strategy local to share nothing");
  }
  const std::vector<TensorLayout> in_order = parameters.tensors;
  const std::vector<TensorLayout> buffers_in_order = buffers.tensors;
  const auto stays = [&](const TensorLayout& buffer) { return !buffers_travel || is_local(buffer); };
  for (std::size_t i = 0; i < buffers_in_order.size(); ++i) {
    if (stays(buffers_in_order[i])) buffers.tensors[i].offset = append(own, buffers_in_order[i]);
  }
  trained_begin = own.size;
  for (std::size_t i = 0; i < in_order.size(); ++i) {
    if (is_local(in_order[i])) parameters.tensors[i].offset = append(own, in_order[i]) - trained_begin;
  }
  for (std::size_t i = 0; i < in_order.size(); ++i) {
    if (!is_local(in_order[i])) parameters.tensors[i].offset = own.size + append(shared, in_order[i]) - trained_begin;
  }
  for (std::size_t i = 0; i < buffers_in_order.size(); ++i) {
    if (!stays(buffers_in_order[i])) buffers.tensors[i].offset = own.size + append(shared, buffers_in_order[i]);
  }
}

std::vector<float> WorkerVector::start(const ModelStart& start) const {
  std::vector<float> vector(size());
  std::size_t at = 0;
  for (const TensorLayout& tensor : parameters.tensors) {
    std::copy_n(start.parameters.begin() + static_cast<std::ptrdiff_t>(at), tensor.size,
                vector.begin() + static_cast<std::ptrdiff_t>(trained_begin + tensor.offset));
    at += tensor.size;
  }
  at = 0;
  for (const TensorLayout& tensor : buffers.tensors) {
    std::copy_n(start.buffers.begin() + static_cast<std::ptrdiff_t>(at), tensor.size,
                vector.begin() + static_cast<std::ptrdiff_t>(tensor.offset));
    at += tensor.size;
  }
  return vector;
}

}  // namespace laconic
