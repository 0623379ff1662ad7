// Tensors of a TorchScript module that lie in the same memory: tied weights, transposed, sliced, or expanded ones.
// Internal to the training layer.
//
// Tensors of one kind (trained, or kept as buffers) whose elements all belong to one of them are parts of that whole:
// what changes one changes the other, and only the whole is a tensor of the model. Any other overlap is nobody's.
#pragma once

#include <ATen/ATen.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace laconic::script {

// How a part lies in its whole, in elements; the whole is contiguous wherever it lies.
struct View {
  std::vector<std::int64_t> sizes;
  std::vector<std::int64_t> strides;
  std::int64_t offset = 0;

  at::Tensor of(const at::Tensor& whole) const;
};

// Which tensor of the model a tensor of the module is: the whole one, or a view of it.
struct Place {
  std::size_t tensor = 0;
  std::optional<View> view = {};
};

// A tensor and its name in the module.
using NamedTensor = std::pair<std::string, at::Tensor>;

// Whether what changes one changes the other, element for element.
bool is_same_tensor(const at::Tensor& a, const at::Tensor& b);

// Whether the two have an element in common.
bool overlap(const at::Tensor& a, const at::Tensor& b);

// Whether an element is at two places of the tensor, as expand() makes it.
bool overlaps_itself(const at::Tensor& tensor);

struct Shared {
  std::vector<std::size_t> wholes;  // which of the tensors are wholes, in their order
  std::vector<Place> places;        // of each tensor; `tensor` counts `wholes`
};

// Two names.
using Conflict = std::pair<std::string, std::string>;

// Sorts tensors of one kind into wholes and parts. Gives `conflict` the first two that overlap and cannot be sorted.
Shared sort_out(const std::vector<NamedTensor>& tensors, std::optional<Conflict>& conflict);

}  // namespace laconic::script
