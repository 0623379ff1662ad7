#include "training/models/script_module.h"

#include <torch/csrc/jit/passes/inliner.h>

namespace laconic::script {
namespace {

void collect(const torch::jit::Module& module, const std::string& prefix, std::vector<Slot>& slots) {
  const auto type = module.type();
  for (std::size_t i = 0; i < type->numAttributes(); ++i) {
    const std::string name = prefix + type->getAttributeName(i);
    const c10::IValue value = module._ivalue()->getSlot(i);
    if (value.isModule()) {
      collect(torch::jit::Module(value.toObject()), name + ".", slots);
    } else if (value.isTensor() && value.toTensor().defined() && (type->is_parameter(i) || type->is_buffer(i))) {
      slots.push_back({module, i, name, type->is_parameter(i) ? Slot::Kind::kParameter : Slot::Kind::kBuffer});
    } else {
      slots.push_back({module, i, name, Slot::Kind::kOther});
    }
  }
}

}  // namespace

std::vector<Slot> slots_of(const torch::jit::Module& module) {
  std::vector<Slot> slots;
  collect(module, "", slots);
  return slots;
}

std::shared_ptr<torch::jit::Graph> whole_graph(const torch::jit::Module& module, const std::string& method) {
  auto graph = module.get_method(method).graph()->copy();
  torch::jit::Inline(*graph);
  return graph;
}

bool draws(const torch::jit::Block& block) {
  for (const torch::jit::Node* node : block.nodes()) {
    const std::string kind = node->kind().toQualString();
    if (node->isNondeterministic()) return true;
    for (const char* word : {"dropout", "rand", "bernoulli", "multinomial", "normal_"}) {
      if (kind.find(word) != std::string::npos) return true;
    }
    for (const torch::jit::Block* inner : node->blocks()) {
      if (draws(*inner)) return true;
    }
  }
  return false;
}

bool changes_lists(const torch::jit::Block& block) {
  for (const torch::jit::Node* node : block.nodes()) {
    const std::string kind = node->kind().toQualString();
    for (const char* operation : {"append", "extend", "insert", "pop", "clear", "_set_item", "Delete", "remove", "sort",
                                  "reverse", "setdefault", "update", "popitem"}) {
      if (kind == std::string("aten::") + operation) return true;
    }
    for (const torch::jit::Block* inner : node->blocks()) {
      if (changes_lists(*inner)) return true;
    }
  }
  return false;
}

std::optional<std::string> used_tensor(const torch::jit::Block& block) {
  for (const torch::jit::Node* node : block.nodes()) {
    if (node->kind() == c10::prim::GetAttr && node->output()->type()->isSubtypeOf(*c10::TensorType::get())) {
      return node->s(c10::attr::name);
    }
    for (const torch::jit::Block* inner : node->blocks()) {
      if (auto used = used_tensor(*inner)) return used;
    }
  }
  return std::nullopt;
}

std::string sizes_text(at::IntArrayRef sizes) {
  if (sizes.empty()) return "a single number";
  std::string text;
  for (const std::int64_t size : sizes) {
    if (!text.empty()) text += 'x';
    text += std::to_string(size);
  }
  return text;
}

}  // namespace laconic::script
