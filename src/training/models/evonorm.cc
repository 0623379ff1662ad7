#include "training/models/evonorm.h"

#include <ATen/Dispatch.h>
#include <torch/autograd.h>
#include <torch/csrc/jit/frontend/tracer.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/error.h"

// As a chain of libtorch's operations it took twice as long as the convolution before it: forth and back they pass some
// twenty times over the whole of x, each into fresh memory. Here a group, which fits a cache, is read and written at
// once; only the sigmoids are libtorch's. Symbols: s = sigmoid(v x), r = 1 / sqrt(variance + 1e-5), so that
//   y = gamma r x s + beta
// and with the sums over a channel's plane A = sum dy, B = sum dy x s, C = sum dy x^2 s (1 - s)
//   dbeta = A,  dgamma = r B,  dv = gamma r C  (summed over the samples),  dr = sum over the group of gamma B,
//   dx = dy gamma r s (1 + v x (1 - s)) - dr r^3 (x - mean) / (elements of the group).

namespace laconic {
namespace {

constexpr double kEpsilon = 1e-5;

struct Shape {
  std::int64_t samples;
  std::int64_t channels;
  std::int64_t groups;
  std::int64_t area;  // of a plane: height * width

  Shape(const at::Tensor& x, std::int64_t its_groups)
      : samples(x.size(0)), channels(x.size(1)), groups(its_groups), area(x.size(2) * x.size(3)) {}
  std::int64_t each() const { return channels / groups; }
};

template <typename T>
struct Moments {
  T mean;
  T inverse_deviation;
};

template <typename T>
Moments<T> moments(const T* x, std::int64_t planes, std::int64_t area) {
  const double count = static_cast<double>(planes * area);
  double total = 0.0;
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    const T* const values = x + plane * area;
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < area; ++i) sum += values[i];
    total += static_cast<double>(sum);
  }
  const T mean = static_cast<T>(total / count);
  double squares = 0.0;
  for (std::int64_t plane = 0; plane < planes; ++plane) {
    const T* const values = x + plane * area;
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t i = 0; i < area; ++i) sum += (values[i] - mean) * (values[i] - mean);
    squares += static_cast<double>(sum);
  }
  return {.mean = mean, .inverse_deviation = static_cast<T>(1.0 / std::sqrt(squares / count + kEpsilon))};
}

// y of all of x; the moments of every sample's groups into `of_groups`.
template <typename T>
void forward(const Shape& shape, const T* x, const T* gate, const T* gamma, const T* beta, T* y,
             Moments<T>* of_groups) {
  for (std::int64_t group = 0; group < shape.samples * shape.groups; ++group) {
    const std::int64_t first = group * shape.each() * shape.area;
    of_groups[group] = moments(x + first, shape.each(), shape.area);
    for (std::int64_t plane = 0; plane < shape.each(); ++plane) {
      const std::int64_t channel = group % shape.groups * shape.each() + plane;
      const T scale = of_groups[group].inverse_deviation * gamma[channel];
      const T shift = beta[channel];
      const std::int64_t start = first + plane * shape.area;
#pragma omp simd
      for (std::int64_t i = start; i < start + shape.area; ++i) y[i] = x[i] * gate[i] * scale + shift;
    }
  }
}

// The gradients of the channels' numbers, summed over samples.
struct ChannelGradients {
  std::vector<double> v, gamma, beta;
  explicit ChannelGradients(std::int64_t channels) {
    for (std::vector<double>* const sums : {&v, &gamma, &beta}) sums->assign(static_cast<std::size_t>(channels), 0.0);
  }
};

template <typename T>
void backward(const Shape& shape, const T* x, const T* gate, const T* v, const T* gamma, const Moments<T>* of_groups,
              const T* dy, T* dx, ChannelGradients& sums) {
  for (std::int64_t group = 0; group < shape.samples * shape.groups; ++group) {
    const std::int64_t first = group * shape.each() * shape.area;
    const auto [mean, r] = of_groups[group];
    double dr = 0.0;
    for (std::int64_t plane = 0; plane < shape.each(); ++plane) {
      const std::int64_t channel = group % shape.groups * shape.each() + plane;
      const std::int64_t start = first + plane * shape.area;
      T a = 0;
      T b = 0;
      T c = 0;
#pragma omp simd reduction(+ : a, b, c)
      for (std::int64_t i = start; i < start + shape.area; ++i) {
        const T weighted = dy[i] * x[i] * gate[i];
        a += dy[i];
        b += weighted;
        c += weighted * x[i] * (1 - gate[i]);
      }
      const auto index = static_cast<std::size_t>(channel);
      sums.beta[index] += static_cast<double>(a);
      sums.gamma[index] += static_cast<double>(r) * static_cast<double>(b);
      sums.v[index] += static_cast<double>(gamma[channel]) * static_cast<double>(r) * static_cast<double>(c);
      dr += static_cast<double>(gamma[channel]) * static_cast<double>(b);
    }
    const double elements = static_cast<double>(shape.each() * shape.area);
    const T pull = static_cast<T>(dr * std::pow(static_cast<double>(r), 3) / elements);
    for (std::int64_t plane = 0; plane < shape.each(); ++plane) {
      const std::int64_t channel = group % shape.groups * shape.each() + plane;
      const std::int64_t start = first + plane * shape.area;
      const T scale = gamma[channel] * r;
      const T steepness = v[channel];
#pragma omp simd
      for (std::int64_t i = start; i < start + shape.area; ++i) {
        dx[i] = dy[i] * scale * gate[i] * (1 + steepness * x[i] * (1 - gate[i])) - pull * (x[i] - mean);
      }
    }
  }
}

at::Tensor as_tensor(const std::vector<double>& values, const at::Tensor& like) {
  at::Tensor tensor = at::empty({static_cast<std::int64_t>(values.size())}, like.options().dtype(at::kDouble));
  std::copy(values.begin(), values.end(), tensor.data_ptr<double>());
  return tensor.to(like.scalar_type());
}

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct EvoNorm : torch::autograd::Function<EvoNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& given, const at::Tensor& v,
                            const at::Tensor& gamma, const at::Tensor& beta, std::int64_t groups) {
    const at::Tensor x = given.contiguous();
    const Shape shape(x, groups);
    const at::Tensor gate = (x * v.view({1, shape.channels, 1, 1})).sigmoid_();
    at::Tensor y = at::empty_like(x);
    // Mean and inverse deviation in turn.
    const at::Tensor of_groups = at::empty({shape.samples * groups, 2}, x.options());
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "evonorm_s0", [&] {
      laconic::forward<scalar_t>(shape, x.data_ptr<scalar_t>(), gate.data_ptr<scalar_t>(), gamma.data_ptr<scalar_t>(),
                                 beta.data_ptr<scalar_t>(), y.data_ptr<scalar_t>(),
                                 reinterpret_cast<Moments<scalar_t>*>(of_groups.data_ptr<scalar_t>()));
    });
    context->save_for_backward({x, v, gamma, gate, of_groups});
    context->saved_data["groups"] = groups;
    return y;
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const at::Tensor dy = gradients[0].contiguous();
    const Shape shape(x, context->saved_data["groups"].toInt());
    at::Tensor dx = at::empty_like(x);
    ChannelGradients sums(shape.channels);
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "evonorm_s0", [&] {
      laconic::backward<scalar_t>(shape, x.data_ptr<scalar_t>(), saved[3].data_ptr<scalar_t>(),
                                  saved[1].data_ptr<scalar_t>(), saved[2].data_ptr<scalar_t>(),
                                  reinterpret_cast<const Moments<scalar_t>*>(saved[4].data_ptr<scalar_t>()),
                                  dy.data_ptr<scalar_t>(), dx.data_ptr<scalar_t>(), sums);
    });
    return {dx, as_tensor(sums.v, x), as_tensor(sums.gamma, x), as_tensor(sums.beta, x), at::Tensor()};
  }
};

at::Tensor of_known_operations(const at::Tensor& x, const at::Tensor& v, const at::Tensor& gamma,
                               const at::Tensor& beta, std::int64_t groups) {
  const std::vector<std::int64_t> of_channels = {1, x.size(1), 1, 1};
  const at::Tensor grouped = x.reshape({-1, groups, x.size(1) / groups, x.size(2), x.size(3)});
  const at::Tensor variance = grouped.var({2, 3, 4}, /*unbiased=*/false, /*keepdim=*/true);
  const at::Tensor scaled = (grouped / (variance + kEpsilon).sqrt()).reshape({-1, x.size(1), x.size(2), x.size(3)});
  return scaled * (x * v.view(of_channels)).sigmoid() * gamma.view(of_channels) + beta.view(of_channels);
}

}  // namespace

at::Tensor evonorm_s0(const at::Tensor& x, const at::Tensor& v, const at::Tensor& gamma, const at::Tensor& beta,
                      std::int64_t groups) {
  LACONIC_CHECK(x.dim() == 4 && x.size(1) % groups == 0, x.size(1) << " channels in " << groups << " groups");
  for (const at::Tensor* const each : {&v, &gamma, &beta}) {
    LACONIC_CHECK(each->is_contiguous() && each->numel() == x.size(1) && each->scalar_type() == x.scalar_type(),
                  each->numel() << " numbers for " << x.size(1) << " channels");
  }
  // A trace is of operations that others know.
  if (torch::jit::tracer::isTracing()) return of_known_operations(x, v, gamma, beta, groups);
  return EvoNorm::apply(x, v, gamma, beta, groups);
}

}  // namespace laconic
