// A user's parameters and the flat vectors of a worker: what is accepted, and copies both ways.
#pragma once

#include <torch/types.h>

#include <span>
#include <string>
#include <vector>

#include "base/layout.h"

namespace laconic {

// How `parameters` lie in a flat vector, in their order, named by their places: "parameter 3". Throws UsageError, which
// begins with `who`, for none, and for one that is no dense float32 leaf on the CPU or shares memory with another.
Layout layout_of_parameters(const std::vector<at::Tensor>& parameters, const std::string& who);

// Throws UsageError, which begins with `who`, unless the shapes are those of `expected`, of worker `expected_rank`.
void require_same_shapes(const Layout& layout, const Layout& expected, const std::string& who, int expected_rank);

// A worker's first values, in a flat vector. Throws UsageError, which begins with `who`, where one is not finite.
std::vector<float> start_of(const std::vector<at::Tensor>& parameters, const Layout& layout, const std::string& who);

// The memory that parameters lie in; two of them, of other workers, must have none in common.
struct MemoryRange {
  const float* begin;
  const float* end;
};
std::vector<MemoryRange> memory_of(const std::vector<at::Tensor>& parameters);
bool have_common_memory(std::vector<MemoryRange> first, const std::vector<MemoryRange>& second);

// Values, and gradients, of parameters of that layout. A gradient that is not defined is zeros, and comes into being on
// the way back where the parameter requires one. `flat` has the layout's size. Throw UsageError, which begins with
// `who`, for a parameter that is no longer as it was laid out, and a gradient that is not like its parameter.
void copy_values(const std::vector<at::Tensor>& parameters, const Layout& layout, std::span<float> flat,
                 const std::string& who);
void copy_back_values(std::span<const float> flat, const std::vector<at::Tensor>& parameters, const Layout& layout,
                      const std::string& who);
void copy_gradients(const std::vector<at::Tensor>& parameters, const Layout& layout, std::span<float> flat,
                    const std::string& who);
void copy_back_gradients(std::span<const float> flat, const std::vector<at::Tensor>& parameters, const Layout& layout,
                         const std::string& who);

}  // namespace laconic
