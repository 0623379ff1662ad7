#include "training/models/instance_pool.h"

#include <algorithm>

namespace laconic {

ModelInstance::ModelInstance(const Layout& layout) : layout_(layout) {
  for (std::size_t i = 0; i < layout.tensors.size(); ++i) {
    parameters_.push_back(at::empty({0}).set_requires_grad(true));
  }
}

void ModelInstance::bind(float* params, float* gradient) {
  std::fill_n(gradient, layout_.size, 0.0F);
  bind(params);
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const TensorLayout& tensor = layout_.tensors[i];
    parameters_[i].mutable_grad() = at::from_blob(gradient + tensor.offset, tensor.shape);
  }
}

void ModelInstance::bind(const float* params) {
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const TensorLayout& tensor = layout_.tensors[i];
    // libtorch has no view of constants; nothing writes to the parameters through an instance.
    parameters_[i].mutable_grad() = at::Tensor();
    parameters_[i].set_data(at::from_blob(const_cast<float*>(params) + tensor.offset, tensor.shape));
  }
}

const at::Tensor& ModelInstance::scratch_gradient() {
  if (!scratch_gradient_.defined()) scratch_gradient_ = at::empty({static_cast<std::int64_t>(layout_.size)});
  return scratch_gradient_;
}

InstancePool::Lease::Lease(InstancePool& pool) : pool_(pool) {
  prepare_compute_thread();
  {
    const std::lock_guard lock(pool.mutex_);
    if (!pool.free_.empty()) {
      instance_ = std::move(pool.free_.back());
      pool.free_.pop_back();
    }
  }
  if (!instance_) instance_ = std::make_unique<ModelInstance>(pool.layout_);
}

InstancePool::Lease::~Lease() {
  const std::lock_guard lock(pool_.mutex_);
  pool_.free_.push_back(std::move(instance_));
}

}  // namespace laconic
