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

at::Tensor tensor_at(const Place& place, const std::vector<at::Tensor>& tensors) {
  const at::Tensor& whole = tensors.at(place.tensor);
  return place.view ? place.view->of(whole) : whole;
}

}  // namespace

Constant::Constant(Slot slot, c10::IValue original, bool changes_lists)
    : slot_(std::move(slot)), original_(std::move(original)), changes_lists_(changes_lists) {
  note();
}

bool Constant::is_changed() const {
  const c10::IValue value = slot_.value();
  return versions_of(value) != versions_ || (value.isTensor() && value.toTensor().unsafeGetTensorImpl() != tensor_) ||
         (!value.isTensor() && changes_lists_);
}

void Constant::restore() {
  const c10::IValue value = slot_.value();
  const bool is_scalar = value.isInt() || value.isDouble() || value.isBool() || value.isNone() || value.isString();
  if (!is_scalar && !is_changed()) return;
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
      buffers_.push_back({slot, kept->second, {}});
    } else if (const auto list = tensors.listed.find(slot.name); list != tensors.listed.end()) {
      lists_.emplace_back(slot, list->second);
    } else if (slot.name != "training" && !slot.name.ends_with(".training")) {
      constants_.emplace_back(slot, originals.at(i).value(), changes_lists);
    }
  }
}

void Copy::bind(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& floats, bool keep_counts) {
  for (const auto& [slot, place] : trained_) slot.set(tensor_at(place, parameters));
  for (Buffer& buffer : buffers_) {
    buffer.bound = tensor_at(buffer.place, floats);
    buffer.slot.set(buffer.bound);
  }
  for (Constant& constant : constants_) {
    if (!keep_counts || constant.slot().kind != Slot::Kind::kBuffer) constant.restore();
  }
  for (const auto& [slot, places] : lists_) {
    c10::List<at::Tensor> list = slot.value().toTensorList().copy();
    for (const auto& [place, i] : places) list.set(place, parameters.at(i));
    slot.set(list);
  }
}

void Copy::take_buffers() const {
  const at::NoGradGuard no_gradient;
  for (const Buffer& buffer : buffers_) {
    const at::Tensor value = buffer.slot.tensor();
    if (value.is_same(buffer.bound)) continue;
    if (value.sizes() != buffer.bound.sizes()) {
      throw RunError("the buffer " + buffer.slot.name + " has become " + sizes_text(value.sizes()) +
                     " in a pass, and was " + sizes_text(buffer.bound.sizes()));
    }
    at::Tensor(buffer.bound).copy_(value);
  }
}

std::vector<std::string> Copy::changed_counts() const {
  std::vector<std::string> names;
  for (const Constant& constant : constants_) {
    if (constant.slot().kind == Slot::Kind::kBuffer && constant.is_changed()) names.push_back(constant.slot().name);
  }
  return names;
}

void Copy::mark_trained() const {
  for (const auto& [slot, place] : trained_) slot.tensor().set_requires_grad(true);
}

}  // namespace laconic::script
