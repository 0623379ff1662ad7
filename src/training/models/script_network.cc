#include "training/models/script_network.h"

#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "base/error.h"
#include "training/data/fingerprint.h"
#include "training/models/loss.h"
#include "training/models/script_copy.h"
#include "training/models/script_modes.h"
#include "training/models/script_module.h"
#include "training/models/script_sharing.h"
#include "training/models/torch_error.h"

namespace laconic {
namespace {

using script::NamedTensor;
using script::sizes_text;
using script::Slot;

class ScriptNetwork final : public Network {
 public:
  ScriptNetwork(const Options& options, const ImageShape& shape, const Prediction& prediction)
      : place_(options.place("file")),
        file_(options.text("file")),
        loss_(find_loss(options, prediction)),
        is_text_(shape.size() == 0),
        prediction_(prediction) {
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
    if (module_.hasattr(kTakesRawSamples)) {
      refuse(
          "prepares raw samples itself, as output.preprocess = true has written it, and would get samples that are "
          "prepared already; give the model.pt of a run without it, or its model.safetensors as model.start");
    }
    const auto graph = script::whole_graph(module_, "forward");
    draws_ = script::draws(*graph->block());
    changes_lists_ = script::changes_lists(*graph->block());
    modes_ = script::fixed_modes(*graph->block());
    check_modes();
    if (loss_ == Loss::kModule) check_own_loss();
    fingerprint_ = fingerprint_of_file();
    find_tensors();
    check_pass(example(shape), shape);
  }

  at::Tensor scores(const std::vector<at::Tensor>& parameters, const at::Tensor& inputs,
                    const Pass& pass) const override {
    const Lease copy(*this);
    copy->bind(parameters, pass.buffers);
    copy->module.train(pass.training);
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);
    const auto run = [&] {
      at::Tensor scores = scores_of(copy->module, inputs);
      if (pass.training) copy->take_buffers();
      return scores;
    };
    return seeded(pass.dropout_masks != nullptr ? pass.dropout_masks->current_seed() : 0, run);
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

  at::Tensor predicted(const at::Tensor& scores) const override {
    if (scores.dim() > 1 && scores.size(1) > 1) return Network::predicted(scores);
    return scores.flatten().round();
  }

  std::string misfit(const at::Tensor& scores, std::int64_t samples, std::int64_t predictions) const override {
    const bool is_number = scores.dim() == 1 || (scores.dim() == 2 && scores.size(1) == 1);
    const bool has_rows = scores.dim() >= 1 && scores.dim() <= 2 && scores.size(0) == predictions;
    const bool fits = scores.dim() == 2 && scores.size(1) == static_cast<std::int64_t>(prediction_.outputs());
    const bool may_be_number =
        !is_text_ && (prediction_.numbers == 1 ||
                      (prediction_.numbers == 0 && (loss_ == Loss::kMse || loss_ == Loss::kModule ||
                                                    (loss_ == Loss::kBinaryCrossEntropy && prediction_.classes == 2))));
    if (scores.scalar_type() == at::kFloat && has_rows && (fits || (is_number && may_be_number))) return {};
    const std::string length = is_text_ ? std::to_string(predictions / samples) : "";
    const std::string type =
        scores.scalar_type() == at::kFloat ? "" : " " + std::string(c10::toString(scores.scalar_type()));
    return "gives " + sizes_text(scores.sizes()) + type + " for " + std::to_string(samples) +
           (samples == 1 ? " sample" : " samples") + (is_text_ ? " of " + length + " tokens" : "") +
           "; with this loss and " + std::to_string(prediction_.outputs()) +
           (prediction_.numbers > 0 ? " numbers" : " classes") + " it has to give " + std::to_string(samples) + "x" +
           (is_text_ ? length + "x" : "") + std::to_string(prediction_.outputs()) + " float32" +
           (may_be_number ? ", or one number a sample" : "");
  }

  std::vector<std::string> remarks(const at::Tensor& scores) const override {
    std::vector<std::string> lines;
    if (!modes_.evaluation.empty()) {
      lines.push_back("its " + names(modes_.evaluation) +
                      " acts as in evaluation while it is trained, too: it was traced after eval(); "
                      "torch.jit.script(model) follows train() and eval()");
    }
    if (scores.dim() != 2 || scores.size(1) < 2) return lines;
    constexpr double kRounding = 1e-4;
    const at::NoGradGuard no_gradient;
    const auto add_up_to_one = [&](const at::Tensor& probabilities) {
      return probabilities.sum(1).sub(1.0).abs().le(kRounding).all().item<bool>();
    };
    const bool are_probabilities =
        scores.ge(0.0).logical_and(scores.le(1.0)).all().item<bool>() && add_up_to_one(scores);
    if (loss_ == Loss::kCrossEntropy && are_probabilities) {
      lines.push_back(
          "gives probabilities (each row of outputs adds up to 1), and cross_entropy takes scores: it learns slowly "
          "and never gets sure; end forward() without the softmax, or with log_softmax");
    }
    if (loss_ == Loss::kNll && !add_up_to_one(scores.exp())) {
      lines.push_back(std::string("gives ") + (are_probabilities ? "probabilities" : "no logarithms of probabilities") +
                      ", and nll takes their logarithms; end forward() with log_softmax");
    }
    return lines;
  }

  void save(const std::string& path, const std::vector<at::Tensor>& parameters, const std::vector<at::Tensor>& buffers,
            const std::string& notes) const override {
    module(parameters, buffers)->save(path, {{kNotesFile, notes}});
  }

  std::optional<torch::jit::Module> module(const std::vector<at::Tensor>& parameters,
                                           const std::vector<at::Tensor>& buffers) const override {
    script::Copy copy(module_.deepcopy(), module_, tensors_, changes_lists_);
    std::vector<at::Tensor> trained;
    for (const at::Tensor& parameter : parameters) trained.push_back(parameter.detach().clone());
    std::vector<at::Tensor> kept;
    for (const at::Tensor& buffer : buffers) kept.push_back(buffer.clone());
    copy.bind(trained, kept);
    copy.mark_trained();
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

  // What a pass gives whose draws are those of `seed`: libtorch's own come from one generator for the whole process.
  template <typename Run>
  at::Tensor seeded(std::uint64_t seed, Run&& run) const {
    if (!draws_) return run();
    static std::mutex generator_in_use;
    const std::lock_guard lock(generator_in_use);
    at::Generator generator = at::globalContext().defaultGenerator(at::kCPU);
    {
      const std::lock_guard also(generator.mutex());
      generator.set_current_seed(seed);
    }
    return run();
  }

  static std::string names(const std::set<std::string>& layers) {
    std::string text;
    for (const std::string& layer : layers) text += (text.empty() ? "" : " and ") + layer;
    return text;
  }

  // Refused, where the other way round is a remark: what is measured is then another model than the one that is used,
  // whatever the training, and no step can make up for it.
  void check_modes() const {
    if (modes_.training.empty()) return;
    refuse("its " + names(modes_.training) +
           " acts as in training when the model is measured, too: it was traced in training mode, or calls it with "
           "training=True; write it with torch.jit.script(model), or trace it after model.eval()");
  }

  [[noreturn]] void refuse(const std::string& problem) const {
    throw UsageError(place_ + ": " + file_ + ": " + problem);
  }

  at::Tensor output_of(torch::jit::Module& module, const at::Tensor& inputs) const {
    const c10::IValue output = module.forward({inputs});
    if (!output.isTensor()) {
      refuse("forward() gives a " + output.tagKind() + (module.is_training() ? "" : " in evaluation") +
             "; it has to give one tensor");
    }
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
    std::vector<NamedTensor> trained;
    std::vector<NamedTensor> kept;
    std::vector<NamedTensor> constant;
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
        if (script::overlaps_itself(tensor)) {
          refuse("the parameter " + slot.name + " has elements that are the same memory (expand() makes such); save " +
                 "it as a copy, with .clone()");
        }
        trained.emplace_back(slot.name, tensor);
      } else if (!slot.is_parameter() && is_float) {
        kept.emplace_back(slot.name, tensor);
      } else {
        constant.emplace_back(slot.name, tensor);
      }
    }
    if (trained.empty()) refuse("has no parameter to train: none requires a gradient");
    const script::Shared parameters = sorted(trained);
    for (std::size_t i = 0; i < trained.size(); ++i) tensors_.trained.emplace(trained[i].first, parameters.places[i]);
    std::vector<at::Tensor> known;
    for (const std::size_t whole : parameters.wholes) {
      const auto& [name, tensor] = trained[whole];
      known.push_back(tensor);
      add(ParameterSpec{.name = name,
                        .shape = tensor.sizes().vec(),
                        .start = ParameterSpec::Start::kGiven,
                        .given = values_of(tensor)});
    }
    const script::Shared buffers = sorted(kept);
    for (std::size_t i = 0; i < kept.size(); ++i) tensors_.buffered.emplace(kept[i].first, buffers.places[i]);
    for (const std::size_t whole : buffers.wholes) {
      const auto& [name, tensor] = kept[whole];
      add(BufferSpec{.name = name, .shape = tensor.sizes().vec(), .given = values_of(tensor)});
    }
    refuse_overlap(trained, kept);
    refuse_overlap(trained, constant);
    refuse_overlap(kept, constant);
    for (const Slot& slot : slots) {
      if (slot.kind == Slot::Kind::kOther) find_tensors_in(slot, known, trained, kept);
    }
  }

  script::Shared sorted(const std::vector<NamedTensor>& tensors) const {
    std::optional<script::Conflict> conflict;
    script::Shared shared = script::sort_out(tensors, conflict);
    if (conflict) refuse_overlap(conflict->first, conflict->second);
    return shared;
  }

  void refuse_overlap(const std::vector<NamedTensor>& first, const std::vector<NamedTensor>& second) const {
    for (const auto& [name, tensor] : first) {
      for (const auto& [other_name, other] : second) {
        if (script::overlap(tensor, other)) refuse_overlap(name, other_name);
      }
    }
  }

  [[noreturn]] void refuse_overlap(const std::string& name, const std::string& other) const {
    refuse("the tensors " + name + " and " + other +
           " overlap in memory in a way that cannot be trained; save one of them as a copy, with .clone()");
  }

  // Which of `known` a tensor is; their number when it is none.
  static std::size_t place_of(const at::Tensor& tensor, const std::vector<at::Tensor>& known) {
    return static_cast<std::size_t>(
        std::ranges::find_if(known, [&](const at::Tensor& other) { return script::is_same_tensor(tensor, other); }) -
        known.begin());
  }

  // torch.nn.LSTM and its like compute with a list of their parameters.
  void find_tensors_in(const Slot& slot, const std::vector<at::Tensor>& known, const std::vector<NamedTensor>& trained,
                       const std::vector<NamedTensor>& kept) {
    const c10::IValue value = slot.value();
    if (value.isTensorList()) {
      const c10::List<at::Tensor> list = value.toTensorList();
      for (std::size_t i = 0; i < list.size(); ++i) {
        const std::size_t place = place_of(list.get(i), known);
        if (place < known.size()) {
          tensors_.listed[slot.name].emplace_back(i, place);
        } else {
          refuse_in_attribute(slot, list.get(i), trained, kept);
        }
      }
      return;
    }
    value.visit([&](const c10::IValue& inner) {
      if (inner.isTensor()) refuse_in_attribute(slot, inner.toTensor(), trained, kept);
      return false;
    });
  }

  void refuse_in_attribute(const Slot& slot, const at::Tensor& tensor, const std::vector<NamedTensor>& trained,
                           const std::vector<NamedTensor>& kept) const {
    const auto refuse_where = [&](const std::vector<NamedTensor>& tensors, const std::string& kind) {
      for (const auto& [name, other] : tensors) {
        if (!script::is_same_tensor(tensor, other) && !script::overlap(tensor, other)) continue;
        refuse("keeps the " + kind + " " + name + " in its attribute " + slot.name + " too, a " +
               slot.value().tagKind() + "; keep it in a list of tensors, or in the " + kind + " alone");
      }
    };
    refuse_where(trained, "parameter");
    refuse_where(kept, "buffer");
  }

  static std::vector<float> values_of(const at::Tensor& tensor) {
    const at::Tensor dense = tensor.detach().contiguous();
    return {dense.data_ptr<float>(), dense.data_ptr<float>() + dense.numel()};
  }

  // Inputs of the shape alone, the same for all.
  at::Tensor example(const ImageShape& shape) const {
    if (is_text_) {
      return at::arange(kSamples * kLength, at::kLong)
          .remainder(static_cast<std::int64_t>(prediction_.classes))
          .reshape({kSamples, kLength});
    }
    return (at::arange(kSamples * static_cast<std::int64_t>(shape.size()), at::kFloat) * 0.7)
        .sin()
        .reshape({kSamples, shape.channels, shape.height, shape.width});
  }

  std::vector<at::Tensor> start_of_buffers() const {
    std::vector<at::Tensor> kept;
    for (const BufferSpec& spec : buffers()) kept.push_back(at::tensor(spec.given).reshape(spec.shape));
    return kept;
  }

  // A pass that trains nothing, so that what does not fit is told before the run.
  void check_pass(const at::Tensor& inputs, const ImageShape& shape) const {
    const std::string sample = is_text_ ? "length tokens (int64)"
                                        : std::to_string(shape.channels) + "x" + std::to_string(shape.height) + "x" +
                                              std::to_string(shape.width);
    at::Tensor output;
    std::vector<at::Tensor> trained;
    for (const ParameterSpec& spec : parameters()) {
      trained.push_back(at::tensor(spec.given).reshape(spec.shape).set_requires_grad(true));
    }
    script::Copy copy(module_.deepcopy(), module_, tensors_, changes_lists_);
    copy.bind(trained, start_of_buffers());
    copy.module.train();
    const torch::jit::GraphOptimizerEnabledGuard as_written(false);
    try {
      output = scores_of(copy.module, inputs);
    } catch (const UsageError&) {
      throw;
    } catch (const std::exception& error) {
      refuse("does not take samples x " + sample + " (" + torch_error_text(error) + ")");
    }
    const std::string wrong = misfit(output, kSamples, is_text_ ? kSamples * kLength : kSamples);
    if (!wrong.empty()) refuse(wrong);
    try_loss(output);
    check_counts(copy, trained, inputs);
    if (loss_ != Loss::kBinaryCrossEntropy) return;
    // Which numbers are probabilities whatever comes in.
    const at::NoGradGuard no_gradient;
    copy.bind(trained, start_of_buffers());
    copy.module.eval();
    const at::Tensor far = scores_of(copy.module, inputs * 100.0);
    if (far.lt(0.0).logical_or(far.gt(1.0)).any().item<bool>()) {
      refuse(
          "gives numbers outside [0, 1], and binary_cross_entropy takes probabilities; end forward() with a sigmoid");
    }
  }

  // Counts of passes are as in the file in every pass, which changes nothing unless something is computed from them.
  void check_counts(script::Copy& copy, const std::vector<at::Tensor>& trained, const at::Tensor& inputs) const {
    const at::NoGradGuard no_gradient;
    const auto outcome_of = [&](bool keep_counts) {
      std::vector<at::Tensor> outcome = start_of_buffers();
      copy.bind(trained, outcome, keep_counts);
      copy.module.train();
      outcome.push_back(seeded(0, [&] { return scores_of(copy.module, inputs); }));
      copy.take_buffers();
      return outcome;
    };
    const std::vector<at::Tensor> first = outcome_of(false);
    const std::vector<std::string> counts = copy.changed_counts();
    if (counts.empty()) return;
    const std::vector<at::Tensor> second = outcome_of(true);
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (at::allclose(first[i], second[i], 0.0, 0.0, /*equal_nan=*/true)) continue;
      refuse("counts its passes in the buffer " + counts.front() +
             " and computes from the count, as batch norm with momentum=None does; only float32 buffers are kept from "
             "one pass to the next: give the batch norm a momentum, such as 0.1");
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

  // Of the passes that are tried at load.
  static constexpr std::int64_t kSamples = 2;
  static constexpr std::int64_t kLength = 3;

  std::string place_;
  std::string file_;
  Loss loss_;
  bool is_text_;
  Prediction prediction_;
  std::uint64_t fingerprint_ = 0;
  torch::jit::Module module_;  // as in the file
  bool draws_ = false;
  bool changes_lists_ = false;
  script::FixedModes modes_;
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
