// What a TorchScript module holds and does, as libtorch tells it. Internal to the training layer.
#pragma once

#include <torch/script.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace laconic::script {

// An attribute of a module: where it is, and what it is called.
struct Slot {
  enum class Kind { kParameter, kBuffer, kOther };
  torch::jit::Module owner;
  std::size_t index;
  std::string name;
  Kind kind;
  bool is_parameter() const { return kind == Kind::kParameter; }
  c10::IValue value() const { return owner._ivalue()->getSlot(index); }
  at::Tensor tensor() const { return value().toTensor(); }
  void set(const c10::IValue& value) const { owner._ivalue()->setSlot(index, value); }
};

// The attributes of a module and those inside it, in their order, shared tensors at each place.
std::vector<Slot> slots_of(const torch::jit::Module& module);

// A method with all that it calls.
std::shared_ptr<torch::jit::Graph> whole_graph(const torch::jit::Module& module, const std::string& method);

// Whether the block draws random numbers.
bool draws(const torch::jit::Block& block);

// Whether the block puts things into lists or dictionaries, or takes them out.
bool changes_lists(const torch::jit::Block& block);

// A tensor of the module that a method without arguments for it uses, or nothing.
std::optional<std::string> used_tensor(const torch::jit::Block& block);

// "2x3"
std::string sizes_text(at::IntArrayRef sizes);

}  // namespace laconic::script
