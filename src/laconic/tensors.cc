#include "laconic/tensors.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <sstream>

#include "base/error.h"
#include "kernels/vector_ops.h"

namespace laconic {
namespace {

std::string objection_to(const at::Tensor& parameter) {
  if (!parameter.defined()) return "is undefined; give it a value first";
  if (!parameter.device().is_cpu()) return "is on " + parameter.device().str() + "; only the CPU is supported";
  if (parameter.layout() != at::kStrided) return "is sparse; only dense tensors are supported";
  if (parameter.scalar_type() != at::kFloat) {
    return std::string("is of ") + c10::toString(parameter.scalar_type()) + "; only float32 is supported";
  }
  if (parameter.numel() == 0) return "has no elements; leave it out";
  if (!parameter.is_non_overlapping_and_dense()) return "has gaps or overlaps itself; make it contiguous";
  if (!parameter.is_leaf()) return "is computed from others; give the leaves that the optimiser changes";
  return {};
}

std::string shape_text(at::IntArrayRef shape) {
  std::ostringstream text;
  for (const std::int64_t size : shape) text << (text.tellp() == 0 ? "" : "x") << size;
  return shape.empty() ? "scalar" : text.str();
}

// A tensor of the shape of each parameter over its part of `flat`, in their order.
template <typename Use>
void for_each_part(const std::vector<at::Tensor>& parameters, const Layout& layout, std::span<const float> flat,
                   const std::string& who, Use&& use) {
  const at::NoGradGuard no_gradient;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const TensorLayout& place = layout.tensors[i];
    const at::Tensor& parameter = parameters[i];
    std::string objection = objection_to(parameter);
    if (objection.empty() && parameter.sizes() != at::IntArrayRef(place.shape)) {
      objection = "is " + shape_text(parameter.sizes()) + ", and was " + shape_text(place.shape) +
                  " when it joined; keep the model as it is while it is trained";
    }
    if (!objection.empty()) throw UsageError(who + ": " + place.name + " " + objection);
    // libtorch knows no constant memory.
    float* const begin = const_cast<float*>(flat.subspan(place.offset, place.size).data());
    use(place, parameter, at::from_blob(begin, place.shape));
  }
}

}  // namespace

Layout layout_of_parameters(const std::vector<at::Tensor>& parameters, const std::string& who) {
  if (parameters.empty()) throw UsageError(who + " has no parameters; give those that the optimiser changes");
  Layout layout;
  struct Place {
    const float* begin;
    const float* end;
    const std::string* name;
  };
  std::vector<Place> places;
  layout.tensors.reserve(parameters.size());
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const at::Tensor& parameter = parameters[i];
    const std::string name = "parameter " + std::to_string(i);
    const std::string objection = objection_to(parameter);
    if (!objection.empty()) throw UsageError(who + ": " + name + " " + objection);
    const auto size = static_cast<std::size_t>(parameter.numel());
    layout.tensors.push_back({.name = name, .offset = layout.size, .shape = parameter.sizes().vec(), .size = size});
    layout.size += size;
    const float* const begin = parameter.data_ptr<float>();
    places.push_back({begin, begin + size, &layout.tensors.back().name});
  }
  std::ranges::sort(places, std::less<>(), &Place::begin);
  for (std::size_t i = 1; i < places.size(); ++i) {
    if (std::less<>()(places[i].begin, places[i - 1].end)) {
      throw UsageError(who + ": " + *places[i - 1].name + " and " + *places[i].name +
                       " share memory; give each tensor once");
    }
  }
  return layout;
}

void require_same_shapes(const Layout& layout, const Layout& expected, const std::string& who, int expected_rank) {
  const std::string other = "worker " + std::to_string(expected_rank);
  if (layout.tensors.size() != expected.tensors.size()) {
    throw UsageError(who + " has " + std::to_string(layout.tensors.size()) + " parameters, " + other + " " +
                     std::to_string(expected.tensors.size()) + "; all train one model");
  }
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    const TensorLayout& own = layout.tensors[i];
    if (own.shape == expected.tensors[i].shape) continue;
    throw UsageError(who + ": " + own.name + " is " + shape_text(own.shape) + ", that of " + other + " " +
                     shape_text(expected.tensors[i].shape) + "; all train one model");
  }
}

std::vector<float> start_of(const std::vector<at::Tensor>& parameters, const Layout& layout, const std::string& who) {
  std::vector<float> start(layout.size);
  copy_values(parameters, layout, start, who);
  for (const TensorLayout& tensor : layout.tensors) {
    if (kernels::all_finite(std::span(start).subspan(tensor.offset, tensor.size))) continue;
    throw UsageError(who + ": " + tensor.name + " is not finite before the first step; see how the model is made");
  }
  return start;
}

std::vector<MemoryRange> memory_of(const std::vector<at::Tensor>& parameters) {
  std::vector<MemoryRange> ranges;
  for (const at::Tensor& parameter : parameters) {
    const float* const begin = parameter.data_ptr<float>();
    ranges.push_back({begin, begin + parameter.numel()});
  }
  return ranges;
}

bool have_common_memory(std::vector<MemoryRange> first, const std::vector<MemoryRange>& second) {
  first.insert(first.end(), second.begin(), second.end());
  std::ranges::sort(first, std::less<>(), &MemoryRange::begin);
  return std::ranges::adjacent_find(first, [](const MemoryRange& one, const MemoryRange& next) {
           return std::less<>()(next.begin, one.end);
         }) != first.end();
}

void copy_values(const std::vector<at::Tensor>& parameters, const Layout& layout, std::span<float> flat,
                 const std::string& who) {
  for_each_part(parameters, layout, flat, who,
                [](const TensorLayout&, const at::Tensor& parameter, at::Tensor part) { part.copy_(parameter); });
}

void copy_back_values(std::span<const float> flat, const std::vector<at::Tensor>& parameters, const Layout& layout,
                      const std::string& who) {
  for_each_part(
      parameters, layout, flat, who,
      [](const TensorLayout&, const at::Tensor& parameter, const at::Tensor& part) { parameter.copy_(part); });
}

void copy_gradients(const std::vector<at::Tensor>& parameters, const Layout& layout, std::span<float> flat,
                    const std::string& who) {
  for_each_part(parameters, layout, flat, who,
                [&](const TensorLayout& place, const at::Tensor& parameter, at::Tensor part) {
                  const at::Tensor& gradient = parameter.grad();
                  if (!gradient.defined()) {
                    part.zero_();
                    return;
                  }
                  if (gradient.layout() != at::kStrided || gradient.sizes() != parameter.sizes()) {
                    throw UsageError(who + ": the gradient of " + place.name + " is " +
                                     (gradient.layout() != at::kStrided ? "sparse" : shape_text(gradient.sizes())) +
                                     "; it has to be dense and of the parameter's shape");
                  }
                  part.copy_(gradient);
                });
}

void copy_back_gradients(std::span<const float> flat, const std::vector<at::Tensor>& parameters, const Layout& layout,
                         const std::string& who) {
  for_each_part(parameters, layout, flat, who,
                [](const TensorLayout&, const at::Tensor& parameter, const at::Tensor& part) {
                  if (!parameter.requires_grad()) return;
                  at::Tensor& gradient = parameter.mutable_grad();
                  if (!gradient.defined() || !gradient.is_non_overlapping_and_dense()) {
                    gradient = at::zeros_like(parameter);
                  }
                  gradient.copy_(part);
                });
}

}  // namespace laconic
