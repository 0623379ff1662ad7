#include "training/models/script_network.h"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>

#include "base/error.h"
#include "training/data/fingerprint.h"
#include "training/models/loss.h"
#include "training/models/script_copy.h"
#include "training/models/script_module.h"
#include "training/models/torch_error.h"

namespace laconic {
namespace {

using script::sizes_text;
using script::Slot;

class ScriptNetwork final : public Network {
 public:
  ScriptNetwork(const Options& options, const ImageShape& shape, const Prediction& prediction)
      : place_(options.place("file")),
        file_(options.text("file")),
        loss_(find_loss(options.text("loss"))),
        is_text_(shape.size() == 0),
        prediction_(prediction) {
    require_fit(options.text("loss"), prediction, options.place("loss"));
    // What an optimised graph computes changes in the last bits from the first passes to the later ones.
    torch::jit::getProfilingMode() = false;
    std::error_code error;
    if (!std::filesystem::exists(file_, error)) refuse("no such file");
    if (!std::filesystem::is_regular_file(file_, error)) refuse("is no file");
    try {
      module_ = torch::jit::load(file_, at::kCPU);
    } catch (const std::exception& error) {
      refuse("is no TorchScript module (" + torch_error_text(error) +
             "); write one with torch.jit.script(model).save(\"net.pt\")");
    }
    if (!module_.find_method("forward")) refuse("has no forward()");
    const auto graph = script::whole_graph(module_, "forward");
    draws_ = script::draws(*graph->block());
    changes_lists_ = script::changes_lists(*graph->block());
    if (loss_ == Loss::kModule) check_own_loss();
    fingerprint_ = fingerprint_of_file();
    find_tensors();
    check_pass(shape);
  }

  at::Tensor scores(const std::vector<at::Tensor>& parameters, const at::Tensor& inputs,
                    const Pass& pass) const override {
    const Lease copy(*this);
    copy->bind(parameters, pass.buffers);
    copy->module.train(pass.training);
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);
    const auto run = [&] {
      at::Tensor scores = scores_of(copy->module, inputs);
      if (pass.training) copy->take_buffers(pass.buffers);
      return scores;
    };
    if (!draws_) return run();
    static std::mutex generator_in_use;
    const std::lock_guard lock(generator_in_use);
    at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
    {
      const std::lock_guard also(generator.mutex());
      generator.set_current_seed(pass.dropout_masks != nullptr ? pass.dropout_masks->current_seed() : 0);
    }
    return run();
  }
  std::uint64_t fingerprint() const override { return fingerprint_; }
  bool has_dropout() const override { return draws_; }

  at::Tensor loss(const at::Tensor& scores, const at::Tensor& targets, bool mean) const override {
    if (loss_ != Loss::kModule) return loss_of(loss_, scores, targets, prediction_, mean);
    const Lease copy(*this);
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);
    // Copies: what it does to them in place is its own.
    const at::Tensor own = copy->module.get_method("loss")({scores.clone(), targets.clone()}).toTensor();
    return mean ? own : own * targets.numel();
  }

  std::int64_t right(const at::Tensor& scores, const at::Tensor& labels) const override {
    if (scores.dim() > 1 && scores.size(1) > 1) return Network::right(scores, labels);
    return scores.flatten().round().eq(labels).sum().item<std::int64_t>();
  }

  void save(const std::string& path, const std::vector<at::Tensor>& parameters,
            const std::vector<at::Tensor>& buffers, const std::string& notes) const override {
    module(parameters, buffers)->save(path, {{kNotesFile, notes}});
  }

  std::optional<torch::jit::Module> module(const std::vector<at::Tensor>& parameters,
                                           const std::vector<at::Tensor>& buffers) const override {
    script::Copy copy(module_.deepcopy(), module_, tensors_, changes_lists_);
    std::vector<at::Tensor> trained;
    for (const at::Tensor& parameter : parameters) trained.push_back(parameter.clone().set_requires_grad(true));
    std::vector<at::Tensor> kept;
    for (const at::Tensor& buffer : buffers) kept.push_back(buffer.clone());
    copy.bind(trained, kept);
    return copy.module;
  }

 private:
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
      if (!copy_)
        copy_ = std::make_unique<script::Copy>(network.module_.deepcopy(), network.module_, network.tensors_,
                                               network.changes_lists_);
    }
    ~Lease() {
      const std::lock_guard lock(network_.mutex_);
      network_.free_.push_back(std::move(copy_));
    }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    script::Copy* operator->() const { return copy_.get(); }

   private:
    const ScriptNetwork& network_;
    std::unique_ptr<script::Copy> copy_;
  };

  [[noreturn]] void refuse(const std::string& problem) const {
    throw UsageError(place_ + ": " + file_ + ": " + problem);
  }

  at::Tensor output_of(torch::jit::Module& module, const at::Tensor& inputs) const {
    const c10::IValue output = module.forward({inputs});
    if (!output.isTensor()) refuse("forward() gives a " + output.tagKind() + "; it has to give one tensor");
    return output.toTensor();
  }

  // As Network::scores gives them.
  at::Tensor scores_of(torch::jit::Module& module, const at::Tensor& inputs) const {
    const at::Tensor output = output_of(module, inputs);
    return is_text_ && output.dim() == 3 ? output.flatten(0, 1) : output;
  }

  void check_own_loss() const {
    const std::string remedy = "write it as a method with @torch.jit.export: def loss(self, output, labels)";
    if (!module_.find_method("loss")) refuse("has no loss(); " + remedy);
    const auto graph = script::whole_graph(module_, "loss");
    if (graph->inputs().size() != 3) {
      refuse("has a loss() of " + std::to_string(graph->inputs().size() - 1) + " arguments; " + remedy);
    }
    if (const auto used = script::used_tensor(*graph->block())) {
      refuse("has a loss() that uses its tensor " + *used + "; compute it from output and labels alone");
    }
    if (script::draws(*graph->block())) refuse("has a loss() that draws random numbers; leave them to forward()");
  }

  std::uint64_t fingerprint_of_file() const {
    std::ifstream stream(file_, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
    if (!stream && !stream.eof()) refuse("cannot be read again");
    Fingerprint fingerprint;
    fingerprint.add(bytes);
    return fingerprint.value();
  }

  void find_tensors() {
    std::vector<at::Tensor> known;  // shared weights are one parameter
    const std::vector<Slot> slots = script::slots_of(module_);
    for (const Slot& slot : slots) {
      if (slot.kind == Slot::Kind::kOther) continue;
      const at::Tensor tensor = slot.tensor();
      const bool is_float = tensor.scalar_type() == at::kFloat && tensor.layout() == at::kStrided;
      if (slot.is_parameter() && tensor.requires_grad()) {
        if (!is_float) {
          refuse("the parameter " + slot.name + " is " + std::string(c10::toString(tensor.scalar_type())) +
                 "; train float32 (model.float() before it is saved)");
        }
        const std::size_t place = place_of(tensor, known);
        tensors_.trained.emplace(slot.name, place);
        if (place == known.size()) {
          known.push_back(tensor);
          add(ParameterSpec{.name = slot.name,
                            .shape = tensor.sizes().vec(),
                            .start = ParameterSpec::Start::kGiven,
                            .given = values_of(tensor)});
        }
      } else if (!slot.is_parameter() && is_float) {
        tensors_.buffered.emplace(slot.name, buffers().size());
        add(BufferSpec{.name = slot.name, .shape = tensor.sizes().vec(), .given = values_of(tensor)});
      }
    }
    if (parameters().empty()) refuse("has no parameter to train: none requires a gradient");
    for (const Slot& slot : slots) {
      if (slot.kind == Slot::Kind::kOther) find_parameters_in(slot, known);
    }
  }

  // Which of `known` a tensor is; their number when it is none.
  static std::size_t place_of(const at::Tensor& tensor, const std::vector<at::Tensor>& known) {
    return static_cast<std::size_t>(
        std::ranges::find_if(known, [&](const at::Tensor& other) { return script::is_same_tensor(tensor, other); }) -
        known.begin());
  }

  // torch.nn.LSTM and its like compute with a list of their parameters.
  void find_parameters_in(const Slot& slot, const std::vector<at::Tensor>& known) {
    const c10::IValue value = slot.value();
    if (value.isTensorList()) {
      const c10::List<at::Tensor> list = value.toTensorList();
      for (std::size_t i = 0; i < list.size(); ++i) {
        const std::size_t place = place_of(list.get(i), known);
        if (place < known.size()) tensors_.listed[slot.name].emplace_back(i, place);
      }
      return;
    }
    value.visit([&](const c10::IValue& inner) {
      if (inner.isTensor() && place_of(inner.toTensor(), known) < known.size()) {
        refuse("keeps a parameter in its attribute " + slot.name + " too, a " + value.tagKind() +
               "; keep it in a list of tensors, or in the parameter alone");
      }
      return false;
    });
  }

  static std::vector<float> values_of(const at::Tensor& tensor) {
    const at::Tensor dense = tensor.detach().contiguous();
    return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
  }

  // A pass that trains nothing, so that what does not fit is told before the run.
  void check_pass(const ImageShape& shape) const {
    constexpr std::int64_t kSamples = 2;
    constexpr std::int64_t kLength = 3;
    const std::string sample = is_text_ ? "length tokens (int64)"
                                        : std::to_string(shape.channels) + "x" + std::to_string(shape.height) + "x" +
                                              std::to_string(shape.width);
    const std::int64_t predictions = is_text_ ? kSamples * kLength : kSamples;
    const at::Tensor inputs = is_text_
                                  ? at::arange(predictions, at::kLong)
                                        .remainder(static_cast<std::int64_t>(prediction_.classes))
                                        .reshape({kSamples, kLength})
                                  : (at::arange(kSamples * static_cast<std::int64_t>(shape.size()), at::kFloat) * 0.7)
                                        .sin()
                                        .reshape({kSamples, shape.channels, shape.height, shape.width});
    at::Tensor output;
    std::vector<at::Tensor> trained;
    for (const ParameterSpec& spec : parameters()) {
      trained.push_back(at::tensor(spec.given).reshape(spec.shape).set_requires_grad(true));
    }
    std::vector<at::Tensor> kept;
    for (const BufferSpec& spec : buffers()) kept.push_back(at::tensor(spec.given).reshape(spec.shape));
    script::Copy copy(module_.deepcopy(), module_, tensors_, changes_lists_);
    copy.bind(trained, kept);
    copy.module.train();
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);
    try {
      output = scores_of(copy.module, inputs);
    } catch (const UsageError&) {
      throw;
    } catch (const std::exception& error) {
      refuse("does not take samples x " + sample + " (" + torch_error_text(error) + ")");
    }
    const bool is_number = output.dim() == 1 || (output.dim() == 2 && output.size(1) == 1);
    const bool has_rows = output.dim() >= 1 && output.dim() <= 2 && output.size(0) == predictions;
    const bool fits = output.dim() == 2 && output.size(1) == static_cast<std::int64_t>(prediction_.outputs());
    const bool may_be_number =
        !is_text_ && (prediction_.numbers == 1 ||
                      (prediction_.numbers == 0 && (loss_ == Loss::kMse || loss_ == Loss::kModule ||
                                                    (loss_ == Loss::kBinaryCrossEntropy && prediction_.classes == 2))));
    if (output.scalar_type() != at::kFloat || !has_rows || !(fits || (is_number && may_be_number))) {
      refuse("gives " + sizes_text(output.sizes()) + " for " + std::to_string(kSamples) + " samples" +
             (is_text_ ? " of " + std::to_string(kLength) + " tokens" : "") + "; with this loss and " +
             std::to_string(prediction_.outputs()) + (prediction_.numbers > 0 ? " numbers" : " classes") +
             " it has to give " + std::to_string(kSamples) + "x" + (is_text_ ? std::to_string(kLength) + "x" : "") +
             std::to_string(prediction_.outputs()) + " float32" +
             (may_be_number ? ", or one number a sample" : ""));
    }
    try_loss(output);
    if (loss_ != Loss::kBinaryCrossEntropy) return;
    // Which numbers are probabilities whatever comes in.
    const at::NoGradGuard no_gradient;
    copy.bind(trained, kept);
    copy.module.eval();
    const at::Tensor far = scores_of(copy.module, inputs * 100.0);
    if (far.lt(0.0).logical_or(far.gt(1.0)).any().item<bool>()) {
      refuse(
          "gives numbers outside [0, 1], and binary_cross_entropy takes probabilities; end forward() with a sigmoid");
    }
  }

  void try_loss(const at::Tensor& output) const {
    if (output.layout() != at::kStrided) refuse("gives a sparse tensor; it has to give a dense one");
    const std::string name = loss_ == Loss::kModule ? "its loss()" : "this loss";
    at::Tensor value;
    try {
      value = loss(output, example_targets(output.size(0)), true);
    } catch (const std::exception& error) {
      refuse("gives " + sizes_text(output.sizes()) + ", which " + name + " does not take (" + torch_error_text(error) +
             ")");
    }
    if (loss_ == Loss::kModule) check_value(value);
    if (!value.requires_grad()) {
      refuse(
          "has a loss that does not depend on its parameters, so that nothing can be trained; look for torch.no_grad "
          "and detach in " +
          std::string(output.requires_grad() ? "loss()" : "forward()"));
    }
    try {
      value.backward();
    } catch (const std::exception& error) {
      refuse("has no gradient (" + torch_error_text(error) + ")");
    }
  }

  // Of `predictions`, as Batch::targets has them.
  at::Tensor example_targets(std::int64_t predictions) const {
    if (prediction_.numbers > 0) return at::zeros({predictions, static_cast<std::int64_t>(prediction_.numbers)});
    return at::arange(predictions, at::kLong).remainder(static_cast<std::int64_t>(prediction_.classes));
  }

  void check_value(const at::Tensor& value) const {
    if (value.numel() != 1 || value.scalar_type() != at::kFloat) {
      refuse("has a loss() that gives " + sizes_text(value.sizes()) + " " +
             std::string(c10::toString(value.scalar_type())) + "; it has to give one float32, the mean");
    }
  }

  std::string place_;
  std::string file_;
  Loss loss_;
  bool is_text_;
  Prediction prediction_;
  std::uint64_t fingerprint_ = 0;
  torch::jit::Module module_;  // as in the file
  bool draws_ = false;
  bool changes_lists_ = false;
  script::Tensors tensors_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<script::Copy>> free_;
};

}  // namespace

std::shared_ptr<const Network> make_script_network(const Options& options, const ImageShape& shape,
                                                   const Prediction& prediction) {
  return std::make_shared<ScriptNetwork>(options, shape, prediction);
}

}  // namespace laconic
