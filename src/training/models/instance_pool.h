// Instances of a model for the threads that compute. Internal to the training layer.
//
// A worker is its flat vectors. To compute, it borrows an instance: tensors with the shapes of the model, which for one
// computation are pointed at the worker's parameters and at a gradient. There are as many instances as computations
// that ever ran at once, so a thousand workers on two threads need two.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "protocol/learner.h"
#include "training/models/compute_threads.h"

namespace laconic {

class ModelInstance {
 public:
  // `layout` must outlive the instance.
  explicit ModelInstance(const Layout& layout);

  // Points the parameters at `params` and their gradients at `gradient`, d elements each, which is set to zero. Nothing
  // is copied; both must live until the instance is bound anew or not used again.
  void bind(float* params, float* gradient);
  // For computations without a gradient.
  void bind(const float* params);

  // The tensors of the model, leaves of autograd, in the order of the layout.
  const std::vector<at::Tensor>& parameters() const { return parameters_; }
  // A vector of d elements for a gradient that nobody keeps.
  const at::Tensor& scratch_gradient();

 private:
  const Layout& layout_;
  std::vector<at::Tensor> parameters_;
  at::Tensor scratch_gradient_;
};

class InstancePool {
 public:
  // `layout` must outlive the pool.
  explicit InstancePool(const Layout& layout) : layout_(layout) {}

  // An instance of one's own until destruction, on a thread set up for computing: the calling one, which destroys it.
  class Lease {
   public:
    explicit Lease(InstancePool& pool);
    ~Lease();
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ModelInstance* operator->() const { return instance_.get(); }

   private:
    InstancePool& pool_;
    FlushDenormals flush_denormals_;
    std::unique_ptr<ModelInstance> instance_;
  };

 private:
  const Layout& layout_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<ModelInstance>> free_;
};

}  // namespace laconic
