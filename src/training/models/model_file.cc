#include "training/models/model_file.h"

#include <torch/script.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <utility>

#include "base/error.h"
#include "training/formats/state_dict.h"
#include "training/models/network.h"
#include "training/models/script_module.h"
#include "training/models/torch_error.h"

namespace laconic {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "model.";  // of the tensors of a module that takes raw samples

// How a file begins that is something else than a model that can be read here, and what to do about it.
struct Stranger {
  std::string_view begin;
  std::string_view is;
};
constexpr std::array kStrangers = {
    Stranger{
        "\x80",
        "a pickle of Python, or of PyTorch before 1.6; write it anew: torch.save(model.state_dict(), \"model.pt\")"},
    Stranger{"\x89HDF", "HDF5, as Keras writes it; give a model of PyTorch, or safetensors"},
    Stranger{"\x08\x03\x12", "ONNX, by its first bytes; give a model of PyTorch, or safetensors"},
    Stranger{"PK\x03\x04", "a ZIP archive that is damaged, or has no model of PyTorch in it; get it anew"},
    Stranger{"\x93NUMPY", "an array of NumPy, and no model"},
    Stranger{std::string_view("GGUF", 4), "GGUF; give a model of PyTorch, or safetensors"},
};

void refuse_strangers(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::array<char, 9> bytes{};
  stream.read(bytes.data(), bytes.size());
  const std::string_view begin(bytes.data(), static_cast<std::size_t>(stream.gcount()));
  if (begin.empty()) throw UsageError(path + ": is empty, or cannot be read; give a model's file");
  if (begin.size() == bytes.size() && begin.back() == '{') return;  // safetensors: its size, then its header
  for (const Stranger& stranger : kStrangers) {
    if (begin.starts_with(stranger.begin)) throw UsageError(path + ": is " + std::string(stranger.is));
  }
}

void add(const std::string& name, const at::Tensor& tensor, SafetensorsModel& model) {
  if (tensor.scalar_type() != at::kFloat || tensor.layout() != at::kStrided) {
    model.skipped.push_back(name);
    return;
  }
  const at::Tensor dense = tensor.detach().contiguous();
  const auto size = static_cast<std::size_t>(dense.numel());
  model.layout.tensors.push_back(
      {.name = name, .offset = model.layout.size, .shape = dense.sizes().vec(), .size = size});
  model.layout.size += size;
  model.params.insert(model.params.end(), dense.data_ptr<float>(), dense.data_ptr<float>() + size);
}

ModelFile read_module(const std::string& path) {
  ModelFile file{.kind = ModelFileKind::kTorchScript};
  try {
    torch::jit::ExtraFilesMap extra{{kNotesFile, ""}};
    const torch::jit::Module module = torch::jit::load(path, at::kCPU, extra);
    file.preparation = extra[kNotesFile];
    if (module.hasattr(kTakesRawSamples)) file.kind = ModelFileKind::kRawSamples;
    for (const script::Slot& slot : script::slots_of(module)) {
      if (slot.kind == script::Slot::Kind::kOther || !slot.value().isTensor()) continue;
      if (file.kind == ModelFileKind::kTorchScript) {
        add(slot.name, slot.tensor(), file.tensors);
      } else if (slot.name.starts_with(kPrefix)) {
        add(slot.name.substr(kPrefix.size()), slot.tensor(), file.tensors);
      }
    }
  } catch (const std::exception& error) {
    throw UsageError(path + ": is a damaged TorchScript module (" + torch_error_text(error) +
                     "); write it anew: torch.jit.script(model).save(\"model.pt\")");
  }
  return file;
}

}  // namespace

ModelFile read_model_file(const std::string& path) {
  std::error_code error;
  if (!fs::exists(path, error)) throw UsageError(path + ": no such file; give a model's file");
  if (!fs::is_regular_file(path, error)) throw UsageError(path + ": is no file; give a model's file");
  switch (torch_archive(path)) {
    case TorchArchive::kTorchScript:
      return read_module(path);
    case TorchArchive::kStateDict:
      return {.kind = ModelFileKind::kStateDict,
              .tensors = read_state_dict(path),
              .preparation = read_from_archive(path, std::string("extra/") + kNotesFile)};
    case TorchArchive::kNone:
      break;
  }
  refuse_strangers(path);
  return {.kind = ModelFileKind::kSafetensors, .tensors = read_safetensors(path, WholeNumbers::kSkipped)};
}

}  // namespace laconic
