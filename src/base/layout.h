// How a model's tensors lie in its flat vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace laconic {

// One tensor of the model inside the flat vector. Tensors follow each other without gaps, in the order of the layout.
struct TensorLayout {
  std::string name;                 // "conv1.weight"
  std::size_t offset = 0;           // of the first element, in elements
  std::vector<std::int64_t> shape;  // product = size
  std::size_t size = 0;             // elements
};

struct Layout {
  std::vector<TensorLayout> tensors;
  std::size_t size = 0;  // d: all elements
};

}  // namespace laconic
