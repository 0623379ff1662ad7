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

// Values, and gradients. Of the latter an undefined one is zeros, and comes into being on the way back where the
// parameter requires one. `flat` has the layout's size.
void copy_values(const std::vector<at::Tensor>& parameters, std::span<float> flat);
void copy_back_values(std::span<float> flat, const std::vector<at::Tensor>& parameters);
void copy_gradients(const std::vector<at::Tensor>& parameters, std::span<float> flat);
void copy_back_gradients(std::span<float> flat, const std::vector<at::Tensor>& parameters);

}  // namespace laconic
