// Arithmetic on flat float32 vectors at memory speed. Highway SIMD with runtime dispatch.
//
// Sums are taken in double over kLanes interleaved partial sums that are then added in one fixed order, so a result
// has the same bits on every instruction set (a product of two floats is exact in double). Vectors named together have
// the same size (checked); they may have any size, 0 included, and any alignment. Unless said otherwise inputs and
// outputs do not overlap. NaN and infinity propagate as in IEEE arithmetic. No allocation, no threads.
#pragma once

#include <cstddef>
#include <span>

namespace laconic::kernels {

inline constexpr std::size_t kLanes = 16;

// sum_j a_j b_j
double dot(std::span<const float> a, std::span<const float> b);

// sum_j a_j^2
double squared_norm(std::span<const float> a);

// ||a - b||^2, the difference taken in double.
double squared_distance(std::span<const float> a, std::span<const float> b);

// What FDA's linear monitor reads off the drift u = params - reference in one pass (Theologitis et al. 2025, sec. 3).
struct Drift {
  double squared_norm = 0.0;  // ||u||^2
  double along = 0.0;         // <u, reference - previous>
};
Drift drift(std::span<const float> params, std::span<const float> reference, std::span<const float> previous);

// out = a - b
void subtract(std::span<const float> a, std::span<const float> b, std::span<float> out);

// y += alpha x
void axpy(float alpha, std::span<const float> x, std::span<float> y);

// x *= alpha
void scale(float alpha, std::span<float> x);

// sum += weight x, in double: the accumulator of means over workers.
void accumulate(double weight, std::span<const float> x, std::span<double> sum);

// out = sum / divisor, rounded to float once.
void finish_mean(std::span<const double> sum, double divisor, std::span<float> out);

// Whether every value is finite.
bool all_finite(std::span<const float> x);

}  // namespace laconic::kernels
