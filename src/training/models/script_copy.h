// A TorchScript module that computes with tensors which are not its own. Internal to the training layer.
#pragma once

#include <torch/script.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "training/models/script_module.h"
#include "training/models/script_sharing.h"

namespace laconic::script {

// Places of a list of tensors, and which parameter each is.
using ListedParameters = std::vector<std::pair<std::size_t, std::size_t>>;

// Which of the model's parameters and buffers the attributes of a module are, by their names.
struct Tensors {
  std::map<std::string, Place> trained;
  std::map<std::string, Place> buffered;
  std::map<std::string, ListedParameters> listed;
};

// What a pass may change and is as in the file in the next one: frozen parameters, buffers of other types,
// attributes.
class Constant {
 public:
  // `changes_lists`: forward() puts things into lists or dictionaries, or takes them out.
  Constant(Slot slot, c10::IValue original, bool changes_lists);
  void restore();
  const Slot& slot() const { return slot_; }
  // Whether the newest pass has changed it.
  bool is_changed() const;

 private:
  void note();

  Slot slot_;
  c10::IValue original_;
  bool changes_lists_;
  std::uint64_t versions_ = 0;
  const void* tensor_ = nullptr;
};

// A copy of the module whose tensors are set for a pass. What it computes with is not its own.
class Copy {
 public:
  // `own`: a deep copy of `original`, which is as in the file. `changes_lists`: as of Constant.
  Copy(torch::jit::Module own, const torch::jit::Module& original, const Tensors& tensors, bool changes_lists);
  // `keep_counts`: buffers of other types stay as the newest pass left them.
  void bind(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& floats, bool keep_counts = false);
  // A buffer that a pass has replaced, and not changed in place, is the caller's all the same.
  void take_buffers() const;
  // The buffers of other types that the newest pass has changed.
  std::vector<std::string> changed_counts() const;
  // Has the tensors of a bind() to parameters without a gradient trained by whoever loads the module.
  void mark_trained() const;

  torch::jit::Module module;

 private:
  struct Buffer {
    Slot slot;
    Place place;
    at::Tensor bound;
  };
  std::vector<std::pair<Slot, Place>> trained_;
  std::vector<Buffer> buffers_;
  std::vector<std::pair<Slot, ListedParameters>> lists_;
  std::vector<Constant> constants_;
};

}  // namespace laconic::script
