#include "training/models/script_copy.h"

#include "base/error.h"

namespace laconic::script {
namespace {

// libtorch counts how often a tensor is changed in place.
std::uint64_t versions_of(const c10::IValue& value) {
  std::uint64_t versions = 0;
  value.visit([&](const c10::IValue& inner) {
    if (inner.isTensor() && inner.toTensor().defined()) versions += inner.toTensor()._version();
    return false;
  });
  return versions;
}

}  // namespace

Constant::Constant(Slot slot, c10::IValue original, bool changes_lists)
    : slot_(std::move(slot)), original_(std::move(original)), changes_lists_(changes_lists) {
  note();
}

void Constant::restore() {
  const c10::IValue value = slot_.value();
  const bool is_scalar = value.isInt() || value.isDouble() || value.isBool() || value.isNone() || value.isString();
  const bool is_changed = is_scalar || versions_of(value) != versions_ ||
                          (value.isTensor() && value.toTensor().unsafeGetTensorImpl() != tensor_) ||
                          (!value.isTensor() && changes_lists_);
  if (!is_changed) return;
  slot_.set(is_scalar ? original_ : original_.deepcopy());
  note();
}

void Constant::note() {
  const c10::IValue value = slot_.value();
  versions_ = versions_of(value);
  tensor_ = value.isTensor() ? value.toTensor().unsafeGetTensorImpl() : nullptr;
}

Copy::Copy(torch::jit::Module own, const torch::jit::Module& original, const Tensors& tensors, bool changes_lists)
    : module(std::move(own)) {
  const std::vector<Slot> originals = slots_of(original);
  const std::vector<Slot> slots = slots_of(module);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const Slot& slot = slots[i];
    if (const auto found = tensors.trained.find(slot.name); found != tensors.trained.end()) {
      trained_.emplace_back(slot, found->second);
    } else if (const auto kept = tensors.buffered.find(slot.name); kept != tensors.buffered.end()) {
      buffers_.emplace_back(slot, kept->second);
    } else if (const auto list = tensors.listed.find(slot.name); list != tensors.listed.end()) {
      lists_.emplace_back(slot, list->second);
    } else if (slot.name != "training" && !slot.name.ends_with(".training")) {
      constants_.emplace_back(slot, originals.at(i).value(), changes_lists);
    }
  }
}

void Copy::bind(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& floats) {
  for (const auto& [slot, i] : trained_) slot.set(parameters.at(i));
  for (const auto& [slot, i] : buffers_) slot.set(floats.at(i));
  for (Constant& constant : constants_) constant.restore();
  for (const auto& [slot, places] : lists_) {
    c10::List<at::Tensor> list = slot.value().toTensorList().copy();
    for (const auto& [place, i] : places) list.set(place, parameters.at(i));
    slot.set(list);
  }
}

void Copy::take_buffers(const std::vector<at::Tensor>& floats) const {
  const at::NoGradGuard no_gradient;
  for (const auto& [slot, i] : buffers_) {
    const at::Tensor value = slot.tensor();
    if (value.is_same(floats.at(i))) continue;
    if (value.sizes() != floats.at(i).sizes()) {
      throw RunError("the buffer " + slot.name + " has become " + sizes_text(value.sizes()) + " in a pass, and was " +
                     sizes_text(floats.at(i).sizes()));
    }
    at::Tensor(floats.at(i)).copy_(value);
  }
}

}  // namespace laconic::script
