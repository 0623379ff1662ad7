#include "compress/matrices.h"

#include "kernels/vector_ops.h"

namespace laconic::compress {

Matrices matrices_of(const Layout& layout, std::size_t rank) {
  Matrices result;
  for (const TensorLayout& tensor : layout.tensors) {
    const std::size_t rows = tensor.shape.empty() ? 1 : static_cast<std::size_t>(tensor.shape[0]);
    const std::size_t cols = rows > 0 ? tensor.size / rows : 0;
    if (rank * (rows + cols) < tensor.size) {
      result.matrices.push_back({tensor.offset, rows, cols});
    } else {
      result.rest.push_back({tensor.offset, tensor.size});
    }
  }
  return result;
}

void multiply(std::span<const float> matrix, const Matrix& shape, bool transposed, std::span<const float> x,
              std::span<double> out) {
  if (transposed) std::fill(out.begin(), out.end(), 0.0);
  for (std::size_t i = 0; i < shape.rows; ++i) {
    const std::span<const float> row = matrix.subspan(i * shape.cols, shape.cols);
    if (transposed) {
      kernels::accumulate(x[i], row, out);
    } else {
      out[i] = kernels::dot(row, x);
    }
  }
}

}  // namespace laconic::compress
