#include "training/formats/state_dict.h"

#include <zip.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/error.h"
#include "training/formats/input_file.h"
#include "training/formats/torch_pickle.h"

namespace laconic {
namespace {

constexpr const char* kWriteAnew = "write it with torch.save(model.state_dict(), \"model.pt\")";
constexpr std::uint64_t kLargestPickle = std::uint64_t{1} << 26;
constexpr std::string_view kPickleFile = "data.pkl";

class Archive {
 public:
  // Unset where the file is no ZIP archive.
  static std::optional<Archive> open(const std::string& path) {
    const InputFile readable(path);  // throws where it is not
    int code = 0;
    zip_t* opened = zip_open(path.c_str(), ZIP_RDONLY, &code);
    if (opened == nullptr) return std::nullopt;
    Archive archive(path, opened);
    for (zip_int64_t i = 0; i < zip_get_num_entries(opened, 0); ++i) {
      const char* entry = zip_get_name(opened, static_cast<zip_uint64_t>(i), 0);
      const std::string_view name = entry == nullptr ? "" : entry;
      // All lies in a folder that has the archive's first name.
      archive.entries_.emplace(name.substr(name.find('/') + 1), static_cast<zip_uint64_t>(i));
    }
    return archive;
  }

  bool has(std::string_view name) const { return entries_.contains(name); }

  // Unset where there is no such file. PyTorch packs nothing, so a file is no larger than the archive.
  std::optional<std::string> read(std::string_view name, std::uint64_t most) const {
    const auto found = entries_.find(name);
    if (found == entries_.end()) return std::nullopt;
    zip_stat_t entry;
    zip_stat_init(&entry);
    const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_METHOD;
    std::error_code ignored;
    const bool is_plain = zip_stat_index(archive_.get(), found->second, 0, &entry) == 0 &&
                          (entry.valid & needed) == needed && entry.comp_method == ZIP_CM_STORE &&
                          entry.size <= std::min<std::uint64_t>(most, std::filesystem::file_size(path_, ignored));
    if (!is_plain) fail("its " + std::string(name) + " is packed, or too large");
    const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> file(zip_fopen_index(archive_.get(), found->second, 0),
                                                                 zip_fclose);
    std::string bytes(entry.size, '\0');
    const bool is_whole =
        file != nullptr && zip_fread(file.get(), bytes.data(), entry.size) == static_cast<zip_int64_t>(entry.size);
    // Behind the last byte libzip compares the checksum once one more is asked for.
    char beyond = 0;
    if (!is_whole || zip_fread(file.get(), &beyond, 1) != 0) fail("its " + std::string(name) + " is damaged");
    return bytes;
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw UsageError(path_ + ": " + problem + "; " + kWriteAnew);
  }

 private:
  Archive(std::string path, zip_t* archive) : path_(std::move(path)), archive_(archive, zip_discard) {}

  std::string path_;
  std::unique_ptr<zip_t, void (*)(zip_t*)> archive_;
  std::map<std::string, zip_uint64_t, std::less<>> entries_;
};

bool is_state_dict(const PickledValue& value) {
  using Kind = PickledValue::Kind;
  if (value.kind != Kind::kDictionary) return false;
  for (std::size_t i = 0; i + 1 < value.items.size(); i += 2) {
    if (value.items[i]->kind == Kind::kText && value.items[i + 1]->kind == Kind::kTensor) return true;
  }
  return false;
}

// The root, or what it has under one of the usual names.
const PickledValue& find_state_dict(const PickledValue& root, const Archive& archive) {
  if (is_state_dict(root)) return root;
  if (root.kind == PickledValue::Kind::kObject) {
    archive.fail("holds the Python object " + shown(root.text) + " as a whole, whose class laconic does not have");
  }
  constexpr std::array<std::string_view, 5> kNames = {"state_dict", "model_state_dict", "model", "net", "weights"};
  for (std::size_t i = 0; root.kind == PickledValue::Kind::kDictionary && i + 1 < root.items.size(); i += 2) {
    const bool is_usual = std::find(kNames.begin(), kNames.end(), root.items[i]->text) != kNames.end();
    if (is_usual && is_state_dict(*root.items[i + 1])) return *root.items[i + 1];
  }
  archive.fail("holds no state dict");
}

class TensorReader {
 public:
  TensorReader(const Archive& archive, std::uint64_t file_size) : archive_(archive), left_(kMostRepeats * file_size) {}

  void add(const std::string& name, const PickledValue& tensor, SafetensorsModel& model) {
    const PickledValue& storage = *tensor.items[0];
    constexpr std::array<std::string_view, 6> kWhole = {"LongStorage", "IntStorage",  "ShortStorage",
                                                        "CharStorage", "ByteStorage", "BoolStorage"};
    if (std::find(kWhole.begin(), kWhole.end(), storage.type) != kWhole.end()) {
      model.skipped.push_back(name);
      return;
    }
    if (storage.type != "FloatStorage") {
      archive_.fail("the tensor " + shown(name) + " is a " + shown(storage.type) +
                    ", and models are float32 here: model.float()");
    }
    const std::vector<std::uint64_t> shape = numbers(name, *tensor.items[1]);
    const std::vector<std::uint64_t> strides = numbers(name, *tensor.items[2]);
    const std::string& bytes = storage_of(storage.text);
    const std::uint64_t there = bytes.size() / sizeof(float);
    TensorLayout layout{.name = name, .offset = model.layout.size, .shape = {}, .size = 1};
    std::uint64_t last = static_cast<std::uint64_t>(tensor.number);
    bool fits = shape.size() == strides.size() && last <= there;
    for (std::size_t axis = 0; fits && axis < shape.size(); ++axis) {
      fits = shape[axis] <= there / std::max<std::uint64_t>(layout.size, 1);
      if (shape[axis] > 1) fits = fits && shape[axis] - 1 <= (there - last) / std::max<std::uint64_t>(strides[axis], 1);
      if (!fits) break;
      layout.shape.push_back(static_cast<std::int64_t>(shape[axis]));
      layout.size *= shape[axis];
      if (shape[axis] > 1) last += (shape[axis] - 1) * strides[axis];
    }
    if (!fits || (layout.size > 0 && last >= there) || layout.size * sizeof(float) > left_) {
      archive_.fail("the tensor " + shown(name) + " reaches beyond its data");
    }
    left_ -= layout.size * sizeof(float);
    for (std::size_t element = 0; element < layout.size; ++element) {
      std::uint64_t at = static_cast<std::uint64_t>(tensor.number);
      std::size_t rest = element;
      for (std::size_t axis = shape.size(); axis-- > 0; rest /= shape[axis]) at += rest % shape[axis] * strides[axis];
      float value = 0.0F;
      std::memcpy(&value, bytes.data() + at * sizeof(float), sizeof value);
      model.params.push_back(value);
    }
    model.layout.size += layout.size;
    model.layout.tensors.push_back(std::move(layout));
  }

 private:
  // Tensors may share their elements, but not without end.
  static constexpr std::uint64_t kMostRepeats = 8;

  std::vector<std::uint64_t> numbers(const std::string& name, const PickledValue& sequence) const {
    std::vector<std::uint64_t> result;
    for (const PickledValue* item : sequence.items) {
      constexpr std::int64_t kMost = std::int64_t{1} << 40;
      if (item->kind != PickledValue::Kind::kNumber || item->number < 0 || item->number > kMost || result.size() == 8) {
        archive_.fail("the tensor " + shown(name) + " has no shape that is one");
      }
      result.push_back(static_cast<std::uint64_t>(item->number));
    }
    return result;
  }

  const std::string& storage_of(const std::string& key) {
    const auto known = storages_.find(key);
    if (known != storages_.end()) return known->second;
    std::optional<std::string> bytes = archive_.read("data/" + key, UINT64_MAX);
    if (!bytes) archive_.fail("the data " + shown(key) + " are missing");
    return storages_.emplace(key, std::move(*bytes)).first->second;
  }

  const Archive& archive_;
  std::uint64_t left_;
  std::map<std::string, std::string> storages_;
};

// DataParallel puts it before every name.
void take_away(std::string_view prefix, SafetensorsModel& model) {
  const auto has_it = [&](const TensorLayout& tensor) { return tensor.name.starts_with(prefix); };
  if (!std::all_of(model.layout.tensors.begin(), model.layout.tensors.end(), has_it)) return;
  for (TensorLayout& tensor : model.layout.tensors) tensor.name.erase(0, prefix.size());
}

}  // namespace

TorchArchive torch_archive(const std::string& path) {
  const std::optional<Archive> archive = Archive::open(path);
  if (!archive || !archive->has(kPickleFile)) return TorchArchive::kNone;
  return archive->has("constants.pkl") ? TorchArchive::kTorchScript : TorchArchive::kStateDict;
}

SafetensorsModel read_state_dict(const std::string& path) {
  const std::optional<Archive> archive = Archive::open(path);
  const std::optional<std::string> pickled = archive ? archive->read(kPickleFile, kLargestPickle) : std::nullopt;
  if (!pickled) throw UsageError(path + ": is no file of torch.save; " + kWriteAnew);
  if (archive->read("byteorder", 16).value_or("little") != "little") archive->fail("has another order of bytes");
  const Pickle pickle(*pickled, path);
  const PickledValue& state = find_state_dict(pickle.root(), *archive);
  std::error_code ignored;
  TensorReader reader(*archive, std::filesystem::file_size(path, ignored));
  SafetensorsModel model;
  for (std::size_t i = 0; i + 1 < state.items.size(); i += 2) {
    if (state.items[i + 1]->kind != PickledValue::Kind::kTensor) continue;  // what a module keeps beside its tensors
    reader.add(state.items[i]->text, *state.items[i + 1], model);
  }
  take_away("module.", model);
  return model;
}

std::string read_from_archive(const std::string& path, const std::string& name) {
  const std::optional<Archive> archive = Archive::open(path);
  return archive ? archive->read(name, kLargestPickle).value_or("") : "";
}

}  // namespace laconic
