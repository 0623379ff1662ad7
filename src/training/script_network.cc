#include "training/script_network.h"

#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "base/error.h"

namespace laconic {
namespace {

// A tensor of a module: where it is, and what it is called.
struct Slot {
  torch::jit::Module owner;
  std::size_t index;
  std::string name;
  bool is_parameter;
  at::Tensor tensor() const { return owner._ivalue()->getSlot(index).toTensor(); }
  void set(const at::Tensor& tensor) const { owner._ivalue()->setSlot(index, tensor); }
};

// The parameters and buffers of a module and those inside it, in the order of its attributes, shared ones at each
// place.
void collect(const torch::jit::Module& module, const std::string& prefix, std::vector<Slot>& slots) {
  const auto type = module.type();
  for (std::size_t i = 0; i < type->numAttributes(); ++i) {
    const std::string name = prefix + type->getAttributeName(i);
    const c10::IValue value = module._ivalue()->getSlot(i);
    if (value.isModule()) {
      collect(torch::jit::Module(value.toObject()), name + ".", slots);
    } else if (value.isTensor() && value.toTensor().defined() && (type->is_parameter(i) || type->is_buffer(i))) {
      slots.push_back({module, i, name, type->is_parameter(i)});
    }
  }
}

std::vector<Slot> slots_of(const torch::jit::Module& module) {
  std::vector<Slot> slots;
  collect(module, "", slots);
  return slots;
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

// Whether a pass through the module may draw random numbers.
bool draws(const torch::jit::Module& module) {
  const auto graph = module.get_method("forward").graph()->copy();
  torch::jit::Inline(*graph);
  return draws(*graph->block());
}

std::string first_line(const std::exception& error) {
  const auto* known = dynamic_cast<const c10::Error*>(&error);
  std::string text = known != nullptr ? known->what_without_backtrace() : error.what();
  // An error inside the module comes with its source; what went wrong stands in the last line.
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  const bool has_source = text.find("Traceback") != std::string::npos;
  if (has_source) {
    text.erase(0, text.rfind('\n') + 1);
  } else {
    text.resize(std::min(text.size(), text.find('\n')));
  }
  return text;
}

enum class Loss { kCrossEntropy, kNll, kMse, kBinaryCrossEntropy };

Loss loss_of(const std::string& name) {
  if (name == "nll") return Loss::kNll;
  if (name == "mse") return Loss::kMse;
  return name == "binary_cross_entropy" ? Loss::kBinaryCrossEntropy : Loss::kCrossEntropy;
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

class ScriptNetwork final : public Network {
 public:
  ScriptNetwork(const Options& options, const ImageShape& shape, std::uint32_t classes)
      : file_(options.text("file")), loss_(loss_of(options.text("loss"))), classes_(classes) {
    // What an optimised graph computes changes in the last bits from the first passes to the later ones.
    torch::jit::getProfilingMode() = false;
    try {
      module_ = torch::jit::load(file_, at::kCPU);
    } catch (const std::exception& error) {
      refuse("is no TorchScript module (" + first_line(error) +
             "); write one with torch.jit.script(model).save(\"net.pt\")");
    }
    if (!module_.find_method("forward")) refuse("has no forward()");
    draws_ = draws(module_);
    find_tensors();
    try_it(shape);
  }

  at::Tensor scores(const std::vector<at::Tensor>& parameters, const at::Tensor& inputs,
                    const Pass& pass) const override {
    const Lease copy(*this);
    copy->bind(parameters, pass.buffers);
    copy->module.train(pass.training);
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);
    if (!draws_) return output_of(copy->module, inputs);
    static std::mutex generator_in_use;
    const std::lock_guard lock(generator_in_use);
    at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
    {
      const std::lock_guard also(generator.mutex());
      generator.set_current_seed(pass.dropout_masks != nullptr ? pass.dropout_masks->current_seed() : 0);
    }
    return output_of(copy->module, inputs);
  }
  bool has_dropout() const override { return draws_; }

  at::Tensor loss(const at::Tensor& scores, const at::Tensor& labels, bool mean) const override {
    const auto reduction = mean ? at::Reduction::Mean : at::Reduction::Sum;
    if (loss_ == Loss::kCrossEntropy) return at::cross_entropy_loss(scores, labels, {}, reduction);
    if (loss_ == Loss::kNll) return at::nll_loss(scores, labels, {}, reduction);
    const bool is_number = scores.dim() == 1 || scores.size(1) == 1;
    const at::Tensor outputs = is_number ? scores.flatten() : scores;
    const at::Tensor wanted =
        is_number ? labels.to(at::kFloat) : at::one_hot(labels, static_cast<std::int64_t>(classes_)).to(at::kFloat);
    const at::Tensor each =
        loss_ == Loss::kMse ? at::mse_loss(outputs, wanted) : at::binary_cross_entropy(outputs, wanted);
    return mean ? each : each * labels.size(0);
  }

  std::int64_t right(const at::Tensor& scores, const at::Tensor& labels) const override {
    if (scores.dim() > 1 && scores.size(1) > 1) return Network::right(scores, labels);
    return scores.flatten().round().eq(labels).sum().item<std::int64_t>();
  }

  void save(const std::string& path, const std::vector<at::Tensor>& parameters,
            const std::vector<at::Tensor>& buffers) const override {
    Copy copy(module_.deepcopy(), *this);
    std::vector<at::Tensor> trained;
    for (const at::Tensor& parameter : parameters) trained.push_back(parameter.clone().set_requires_grad(true));
    std::vector<at::Tensor> kept;
    for (const at::Tensor& buffer : buffers) kept.push_back(buffer.clone());
    copy.bind(trained, kept);
    copy.module.save(path);
  }

 private:
  // A copy of the module whose tensors are set for a pass. What it computes with is not its own.
  struct Copy {
    Copy(torch::jit::Module own, const ScriptNetwork& network) : module(std::move(own)) {
      for (const Slot& slot : slots_of(module)) {
        if (const auto found = network.trained_.find(slot.name); found != network.trained_.end()) {
          trained.emplace_back(slot, found->second);
        } else if (const auto kept = network.buffered_.find(slot.name); kept != network.buffered_.end()) {
          buffers.emplace_back(slot, kept->second);
        } else if (!slot.is_parameter) {
          others.emplace_back(slot, slot.tensor().clone());
        }
      }
    }
    void bind(const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& floats) const {
      for (const auto& [slot, i] : trained) slot.set(parameters.at(i));
      for (const auto& [slot, i] : buffers) slot.set(floats.at(i));
      for (const auto& [slot, value] : others) slot.set(value.clone());
    }
    torch::jit::Module module;
    std::vector<std::pair<Slot, std::size_t>> trained;
    std::vector<std::pair<Slot, std::size_t>> buffers;
    std::vector<std::pair<Slot, at::Tensor>> others;  // buffers of other types, as in the file
  };

  class Lease {
   public:
    explicit Lease(const ScriptNetwork& network) : network_(network) {
      {
        const std::lock_guard lock(network.mutex_);
        if (!network.free_.empty()) {
          copy_ = std::move(network.free_.back());
          network.free_.pop_back();
        }
      }
      if (!copy_) copy_ = std::make_unique<Copy>(network.module_.deepcopy(), network);
    }
    ~Lease() {
      const std::lock_guard lock(network_.mutex_);
      network_.free_.push_back(std::move(copy_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Copy* operator->() const { return copy_.get(); }

   private:
    const ScriptNetwork& network_;
    std::unique_ptr<Copy> copy_;
  };

  [[noreturn]] void refuse(const std::string& problem) const {
    throw UsageError("model.file: " + file_ + ": " + problem);
  }

  at::Tensor output_of(torch::jit::Module& module, const at::Tensor& inputs) const {
    const c10::IValue output = module.forward({inputs});
    if (!output.isTensor()) refuse("forward() gives a " + output.tagKind() + "; it has to give one tensor");
    return output.toTensor();
  }

  void find_tensors() {
    std::map<const void*, std::size_t> known;  // shared weights are one parameter
    for (const Slot& slot : slots_of(module_)) {
      const at::Tensor tensor = slot.tensor();
      const bool is_float = tensor.scalar_type() == at::kFloat && tensor.layout() == at::kStrided;
      if (slot.is_parameter && tensor.requires_grad()) {
        if (!is_float) {
          refuse("the parameter " + slot.name + " is " + std::string(c10::toString(tensor.scalar_type())) +
                 "; train float32 (model.float() before it is saved)");
        }
        const auto [place, is_new] = known.emplace(tensor.unsafeGetTensorImpl(), parameters().size());
        trained_.emplace(slot.name, place->second);
        if (is_new) {
          add(ParameterSpec{.name = slot.name,
                            .shape = tensor.sizes().vec(),
                            .start = ParameterSpec::Start::kGiven,
                            .given = values_of(tensor)});
        }
      } else if (!slot.is_parameter && is_float) {
        buffered_.emplace(slot.name, buffers().size());
        add(BufferSpec{.name = slot.name, .shape = tensor.sizes().vec(), .given = values_of(tensor)});
      }
    }
    if (parameters().empty()) refuse("has no parameter to train: none requires a gradient");
  }

  static std::vector<float> values_of(const at::Tensor& tensor) {
    const at::Tensor dense = tensor.detach().contiguous();
    return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
  }

  // A pass that trains nothing, so that what does not fit is told before the run.
  void try_it(const ImageShape& shape) const {
    constexpr std::int64_t kSamples = 2;
    const std::string images =
        std::to_string(shape.channels) + "x" + std::to_string(shape.height) + "x" + std::to_string(shape.width);
    const at::NoGradGuard no_gradient;
    at::Tensor output;
    try {
      torch::jit::Module module = module_.deepcopy();
      module.eval();
      const torch::jit::GraphOptimizerEnabledGuard as_written(false);
      output = output_of(module, at::zeros({kSamples, shape.channels, shape.height, shape.width}));
    } catch (const UsageError&) {
      throw;
    } catch (const std::exception& error) {
      refuse("does not take samples x " + images + " (" + first_line(error) + ")");
    }
    const bool is_number = output.dim() == 1 || (output.dim() == 2 && output.size(1) == 1);
    const bool has_rows = output.dim() >= 1 && output.dim() <= 2 && output.size(0) == kSamples;
    const bool is_of_classes = output.dim() == 2 && output.size(1) == static_cast<std::int64_t>(classes_);
    const bool may_be_number = loss_ == Loss::kMse || (loss_ == Loss::kBinaryCrossEntropy && classes_ == 2);
    if (output.scalar_type() != at::kFloat || !has_rows || !(is_of_classes || (is_number && may_be_number))) {
      refuse("gives " + sizes_text(output.sizes()) + " for " + std::to_string(kSamples) +
             " samples; with this loss and " + std::to_string(classes_) + " classes it has to give " +
             std::to_string(kSamples) + "x" + std::to_string(classes_) + " float32" +
             (may_be_number ? ", or one number a sample" : ""));
    }
  }

  std::string file_;
  Loss loss_;
  std::uint32_t classes_;
  torch::jit::Module module_;  // as in the file
  bool draws_ = false;
  std::map<std::string, std::size_t> trained_;   // which parameter each name is
  std::map<std::string, std::size_t> buffered_;  // which buffer
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Copy>> free_;
};

}  // namespace

std::shared_ptr<const Network> make_script_network(const Options& options, const ImageShape& shape,
                                                   std::uint32_t classes) {
  return std::make_shared<ScriptNetwork>(options, shape, classes);
}

}  // namespace laconic
