// Arithmetic on flat float32 vectors at memory speed. Highway SIMD with runtime dispatch.
//
// Sums are taken in double over kLanes interleaved partial sums that are then added in one fixed order, so a result
// has the same bits on every instruction set: element j goes to partial sum j mod kLanes, and a product and a sum are
// two roundings, never a fused one. (Only the payload of a NaN may differ.) A sum of n terms t_j is within
// (n / kLanes + 8) 2^-53 sum |t_j| of the exact one. Vectors named together have the same size (checked); they may have
// any size, 0 included, and any alignment. Unless said otherwise inputs and outputs do not overlap. NaN and infinity
// propagate as in IEEE arithmetic, denormals are kept. No allocation, no threads.
#pragma once

#include <cstddef>
#include <cstdint>
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

// out = a - b, in float. `out` may be a or b.
void subtract(std::span<const float> a, std::span<const float> b, std::span<float> out);

// y += alpha x, in float: the product is rounded, then the sum.
void axpy(float alpha, std::span<const float> x, std::span<float> y);

// y += alpha (a - b), in float: the difference is rounded, then the product, then the sum. `a` may be y.
void axpy_difference(float alpha, std::span<const float> a, std::span<const float> b, std::span<float> y);

// out = alpha x. `out` may be x.
void scaled(float alpha, std::span<const float> x, std::span<float> out);

// x += gain (z - alpha x), in float: the product with alpha is rounded, then the difference, the product with gain and
// the sum. With z = alpha x, as scaled() makes it, x stays as it is.
void add_change(float gain, float alpha, std::span<const float> z, std::span<float> x);

// x *= alpha
void scale(float alpha, std::span<float> x);

// sum += weight x, in double: the accumulator of means over workers.
void accumulate(double weight, std::span<const float> x, std::span<double> sum);

// out = sum / divisor: a double quotient, rounded to float.
void finish_mean(std::span<const double> sum, double divisor, std::span<float> out);

// out = sum_k weights_k vectors_k / sum_k weights_k, for a non-empty set of vectors, in one pass that reads every
// vector once and writes out once: 4 (K + 1) bytes an element, where K times accumulate() and finish_mean() move
// 20 K + 12. The bits are the same as theirs in that order from zero sums with the divisor added up in that order.
// `out` may be one of the vectors.
void weighted_mean(std::span<const std::span<const float>> vectors, std::span<const double> weights,
                   std::span<float> out);

// Whether every value is finite.
bool all_finite(std::span<const float> x);

// out = x
void copy(std::span<const float> x, std::span<float> out);

// How many elements the calling thread has gone over by the functions of this header: for tests of which thread does the
// arithmetic. A call counts the elements of one of its vectors; weighted_mean() those of each vector that it reads.
std::uint64_t elements_on_this_thread();

}  // namespace laconic::kernels
