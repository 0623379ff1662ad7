#include "laconic/tensors.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <sstream>

#include "base/error.h"

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

// The part of `flat` that is the next parameter's, as a tensor of its shape.
class Cursor {
 public:
  explicit Cursor(std::span<float> flat) : flat_(flat) {}
  at::Tensor next(const at::Tensor& parameter) {
    const auto size = static_cast<std::size_t>(parameter.numel());
    at::Tensor view = at::from_blob(flat_.subspan(offset_, size).data(), parameter.sizes());
    offset_ += size;
    return view;
  }

 private:
  std::span<float> flat_;
  std::size_t offset_ = 0;
};

std::string shape_text(const TensorLayout& tensor) {
  std::ostringstream text;
  for (const std::int64_t size : tensor.shape) text << (text.tellp() == 0 ? "" : "x") << size;
  return tensor.shape.empty() ? "scalar" : text.str();
}

}  // namespace

Layout layout_of_parameters(const std::vector<at::Tensor>& parameters, const std::string& who) {
  if (parameters.empty()) throw UsageError(who + " has no parameters; give those of its model");
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
    throw UsageError(who + ": " + own.name + " is " + shape_text(own) + ", that of " + other + " " +
                     shape_text(expected.tensors[i]) + "; all train one model");
  }
}

void copy_values(const std::vector<at::Tensor>& parameters, std::span<float> flat) {
  const at::NoGradGuard no_gradient;
  Cursor cursor(flat);
  for (const at::Tensor& parameter : parameters) cursor.next(parameter).copy_(parameter);
}

void copy_back_values(std::span<float> flat, const std::vector<at::Tensor>& parameters) {
  const at::NoGradGuard no_gradient;
  Cursor cursor(flat);
  for (const at::Tensor& parameter : parameters) parameter.copy_(cursor.next(parameter));
}

void copy_gradients(const std::vector<at::Tensor>& parameters, std::span<float> flat) {
  const at::NoGradGuard no_gradient;
  Cursor cursor(flat);
  for (const at::Tensor& parameter : parameters) {
    at::Tensor view = cursor.next(parameter);
    if (!parameter.grad().defined()) {
      view.zero_();
    } else {
      view.copy_(parameter.grad());
    }
  }
}

void copy_back_gradients(std::span<float> flat, const std::vector<at::Tensor>& parameters) {
  const at::NoGradGuard no_gradient;
  Cursor cursor(flat);
  for (const at::Tensor& parameter : parameters) {
    const at::Tensor mean = cursor.next(parameter);
    if (!parameter.requires_grad()) continue;
    at::Tensor& gradient = parameter.mutable_grad();
    if (!gradient.defined()) gradient = at::zeros_like(parameter);
    gradient.copy_(mean);
  }
}

}  // namespace laconic
