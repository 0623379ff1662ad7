#include "training/models/normalised.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "training/models/evonorm.h"

namespace laconic {
namespace {

constexpr double kMomentum = 0.1;
constexpr double kEpsilon = 1e-5;

std::int64_t groups_of(std::int64_t channels) {
  const std::int64_t each = std::min(channels, kGroupChannels);
  LACONIC_CHECK(channels % each == 0, channels << " channels in groups of " << each);
  return channels / each;
}

}  // namespace

Norm norm_of(std::string_view name) {
  if (name == "none") return Norm::kNone;
  if (name == "batch") return Norm::kBatch;
  if (name == "group") return Norm::kGroup;
  LACONIC_CHECK(name == "evonorm", "norm '" << name << "'");
  return Norm::kEvoNorm;
}

void NormalisedNetwork::add_normalised(const std::string& name, std::int64_t inputs, std::int64_t outputs,
                                       std::int64_t kernel) {
  const auto fan_out = static_cast<double>(outputs * kernel * kernel);
  add({name + ".weight", {outputs, inputs, kernel, kernel}, ParameterSpec::Start::kNormal, std::sqrt(2.0 / fan_out)});
  if (norm_ == Norm::kNone) {
    add(ParameterSpec{.name = name + ".bias", .shape = {outputs}});
    return;
  }
  if (norm_ == Norm::kEvoNorm) add({name + ".norm.v", {outputs}, ParameterSpec::Start::kConstant, 1.0});
  add({name + ".norm.weight", {outputs}, ParameterSpec::Start::kConstant, 1.0});
  add(ParameterSpec{.name = name + ".norm.bias", .shape = {outputs}});
  if (norm_ == Norm::kBatch) {
    add(BufferSpec{.name = name + ".norm.running_mean", .shape = {outputs}, .value = 0.0F});
    add(BufferSpec{.name = name + ".norm.running_var", .shape = {outputs}, .value = 1.0F, .minimum = 0.0F});
  }
}

at::Tensor NormalisedNetwork::Layers::normalised(const at::Tensor& x, std::int64_t stride) {
  const at::Tensor& kernel = next();
  const std::int64_t padding = kernel.size(2) / 2;
  if (norm_ == Norm::kNone) return at::conv2d(x, kernel, next(), stride, padding);
  const at::Tensor y = at::conv2d(x, kernel, {}, stride, padding);
  if (norm_ == Norm::kEvoNorm) {
    const at::Tensor& v = next();
    const at::Tensor& gamma = next();
    return evonorm_s0(y, v, gamma, next(), groups_of(y.size(1)));
  }
  const at::Tensor& weight = next();
  const at::Tensor& bias = next();
  if (norm_ == Norm::kGroup) {
    return at::group_norm(y, groups_of(y.size(1)), weight, bias, kEpsilon, /*cudnn_enabled=*/false);
  }
  const at::Tensor& mean = pass_.buffers.at(buffer_++);
  const at::Tensor& variance = pass_.buffers.at(buffer_++);
  return at::batch_norm(y, weight, bias, mean, variance, pass_.training, kMomentum, kEpsilon, /*cudnn_enabled=*/false);
}

at::Tensor NormalisedNetwork::Layers::dense(const at::Tensor& x) {
  const at::Tensor& weight = next();
  return at::linear(x, weight, next());
}

}  // namespace laconic
