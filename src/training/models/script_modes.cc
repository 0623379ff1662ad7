#include "training/models/script_modes.h"

#include <torch/csrc/jit/ir/constants.h>

#include <array>
#include <optional>
#include <string_view>

namespace laconic::script {
namespace {

// An operation that does different things in the two modes.
struct Switched {
  std::string_view operation;
  std::string_view mode;    // its argument that is true in training
  std::string_view needed;  // its argument without which (none, or 0) the modes do the same
};

constexpr std::array kSwitched = {
    Switched{"dropout", "train", "p"},
    Switched{"dropout_", "train", "p"},
    Switched{"feature_dropout", "train", "p"},
    Switched{"feature_dropout_", "train", "p"},
    Switched{"alpha_dropout", "train", "p"},
    Switched{"alpha_dropout_", "train", "p"},
    Switched{"feature_alpha_dropout", "train", "p"},
    Switched{"feature_alpha_dropout_", "train", "p"},
    Switched{"native_dropout", "train", "p"},
    Switched{"batch_norm", "training", "running_mean"},
    Switched{"native_batch_norm", "training", "running_mean"},
    Switched{"cudnn_batch_norm", "training", "running_mean"},
    Switched{"instance_norm", "use_input_stats", "running_mean"},
    Switched{"rrelu", "training", ""},
    Switched{"rrelu_", "training", ""},
    Switched{"lstm", "train", "dropout"},
    Switched{"gru", "train", "dropout"},
    Switched{"rnn_tanh", "train", "dropout"},
    Switched{"rnn_relu", "train", "dropout"},
};

// The value of an argument, where it is a constant.
std::optional<c10::IValue> constant(const torch::jit::Node& node, std::string_view argument) {
  const c10::FunctionSchema* schema = node.maybeSchema();
  if (schema == nullptr || argument.empty()) return std::nullopt;
  const auto index = schema->argumentIndexWithName(std::string(argument));
  if (!index || static_cast<std::size_t>(*index) >= node.inputs().size()) return std::nullopt;
  const auto value = torch::jit::toIValue(node.inputs()[static_cast<std::size_t>(*index)]);
  // Not handed on as it is: libtorch's empty optional would become a value, None.
  return value ? std::optional(*value) : std::nullopt;
}

bool is_nothing(const std::optional<c10::IValue>& value) {
  return value && (value->isNone() || (value->isDouble() && value->toDouble() == 0.0));
}

void collect(const torch::jit::Block& block, FixedModes& found) {
  for (const torch::jit::Node* node : block.nodes()) {
    const std::string kind = node->kind().toQualString();
    for (const Switched& row : kSwitched) {
      if (kind != "aten::" + std::string(row.operation)) continue;
      const auto mode = constant(*node, row.mode);
      if (!mode || !mode->isBool() || is_nothing(constant(*node, row.needed))) continue;
      std::string name(row.operation);
      if (name.ends_with('_')) name.pop_back();
      (mode->toBool() ? found.training : found.evaluation).insert(name);
    }
    for (const torch::jit::Block* inner : node->blocks()) collect(*inner, found);
  }
}

}  // namespace

FixedModes fixed_modes(const torch::jit::Block& block) {
  FixedModes found;
  collect(block, found);
  return found;
}

}  // namespace laconic::script
