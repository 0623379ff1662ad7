#include "training/formats/safetensors.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>
#include <utility>

#include "base/byte_stream.h"
#include "base/error.h"

namespace laconic {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kSizeBytes = 8;
// What a header may take beyond a generous allowance for each tensor: its metadata.
constexpr std::uint64_t kHeaderAllowance = std::uint64_t{1} << 20;
constexpr std::uint64_t kHeaderPerTensor = 1024;

// Of a file whose layout is not known beforehand.
constexpr std::uint64_t kLargestHeader = std::uint64_t{8} << 20;

// One tensor as the header describes it.
struct Entry {
  std::vector<std::uint64_t> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

// The product, or nothing where it is beyond `limit`.
std::optional<std::uint64_t> elements_of(const std::vector<std::uint64_t>& shape, std::uint64_t limit) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::uint64_t product = 1;
  for (const std::uint64_t size : shape) {
    if (size > limit / product) return std::nullopt;
    product *= size;
  }
  return product;
}

// A file with its header read; nothing of it is believed that was not checked.
class InputFile {
 public:
  // `remedy` ends every refusal.
  InputFile(const std::string& path, std::uint64_t largest_header, std::string remedy)
      : path_(path), remedy_(std::move(remedy)) {
    std::error_code error;
    const std::uint64_t file_size = std::filesystem::file_size(path, error);
    if (error) throw UsageError(path + ": cannot be read (" + error.message() + "); check the path");
    file_.open(path, std::ios::binary);
    if (!file_) throw UsageError(path + ": cannot be opened (" + std::strerror(errno) + "); check the path");
    if (file_size < kSizeBytes) refuse("byte 0: too short to be safetensors");
    std::uint64_t header_size = 0;
    read(&header_size, kSizeBytes);
    if (header_size > largest_header || header_size > file_size - kSizeBytes) {
      refuse("byte 0: a header of " + std::to_string(header_size) +
             " bytes: not a safetensors file, or too large a header");
    }
    std::string text(header_size, '\0');
    read(text.data(), header_size);
    header_ = Json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!header_.is_object()) refuse("byte 8: the header is not a JSON object");
    data_begin_ = kSizeBytes + header_size;
    data_size_ = file_size - data_begin_;
  }

  // Tensors and metadata by name.
  const Json& header() const { return header_; }

  [[noreturn]] void refuse(const std::string& problem) const {
    throw UsageError(path_ + ": " + problem + "; " + remedy_);
  }

  // A tensor's description, checked by itself.
  Entry entry(const std::string& name, const Json& description) const {
    const std::string where = "tensor '" + name + "': ";
    if (!description.is_object()) refuse(where + "its description is not an object");
    const auto member = [&](const char* key) -> const Json& {
      const auto found = description.find(key);
      if (found == description.end()) refuse(where + "it has no '" + key + "'");
      return *found;
    };
    const Json& type = member("dtype");
    if (!type.is_string() || type.get_ref<const std::string&>() != "F32") refuse(where + "it is not of type F32");
    return checked(where, description, sizeof(float));
  }

  // The same of a tensor of whole numbers; nothing for any other.
  std::optional<Entry> entry_of_whole_numbers(const std::string& name, const Json& description) const {
    if (!description.is_object() || !description.contains("dtype")) return std::nullopt;
    static const std::map<std::string, std::uint64_t> sizes = {
        {"BOOL", 1}, {"U8", 1}, {"I8", 1}, {"I16", 2}, {"U16", 2}, {"I32", 4}, {"U32", 4}, {"I64", 8}, {"U64", 8}};
    const auto size = sizes.find(description["dtype"].is_string() ? description["dtype"].get<std::string>() : "");
    if (size == sizes.end()) return std::nullopt;
    return checked("tensor '" + name + "': ", description, size->second);
  }

  // Shape and place of a tensor, against each other and the file.
  Entry checked(const std::string& where, const Json& description, std::uint64_t element_size) const {
    const auto member = [&](const char* key) -> const Json& {
      const auto found = description.find(key);
      if (found == description.end()) refuse(where + "it has no '" + key + "'");
      return *found;
    };
    const auto numbers = [&](const char* key) {
      const Json& list = member(key);
      const auto whole = [](const Json& number) { return number.is_number_unsigned(); };
      if (!list.is_array() || !std::all_of(list.begin(), list.end(), whole)) {
        refuse(where + "'" + key + "' is not a list of whole numbers");
      }
      return list.get<std::vector<std::uint64_t>>();
    };
    const std::vector<std::uint64_t> shape = numbers("shape");
    const std::vector<std::uint64_t> offsets = numbers("data_offsets");
    const auto elements = elements_of(shape, data_size_ / element_size);
    if (!elements || offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_size_ ||
        offsets[1] - offsets[0] != *elements * element_size) {
      refuse(where + "its data_offsets do not fit its shape and the file");
    }
    return {.shape = shape, .begin = offsets[0], .end = offsets[1]};
  }

  // Refuses tensors that overlap or leave a gap: sorted, each begins where the one before ends, and all end with the
  // file.
  void check_gapless(std::vector<Entry> entries) const {
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    std::uint64_t upto = 0;
    for (const Entry& entry : entries) {
      if (entry.begin != upto) refuse("data byte " + std::to_string(upto) + ": tensors overlap or leave a gap");
      upto = entry.end;
    }
    if (upto != data_size_) {
      refuse("data byte " + std::to_string(upto) + ": the file continues after its last tensor");
    }
  }

  void read_data(const Entry& entry, std::span<float> out) {
    file_.seekg(static_cast<std::streamoff>(data_begin_ + entry.begin));
    read(out.data(), entry.end - entry.begin);
  }

 private:
  void read(void* out, std::uint64_t size) {
    if (!file_.read(static_cast<char*>(out), static_cast<std::streamsize>(size))) {
      refuse("it cannot be read to its end");
    }
  }

  std::string path_;
  std::string remedy_;
  std::ifstream file_;
  Json header_;
  std::uint64_t data_begin_ = 0;
  std::uint64_t data_size_ = 0;
};

}  // namespace

void write_safetensors(const std::string& path, const Layout& layout, std::span<const float> params,
                       const std::map<std::string, std::string>& metadata) {
  LACONIC_CHECK(params.size() == layout.size, params.size() << " parameters for " << layout.size);
  // The order of the layout, for who reads the file's head.
  using OrderedJson = nlohmann::ordered_json;
  OrderedJson header = OrderedJson::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  for (const TensorLayout& tensor : layout.tensors) {
    header[tensor.name] = {
        {"dtype", "F32"},
        {"shape", tensor.shape},
        {"data_offsets", {tensor.offset * sizeof(float), (tensor.offset + tensor.size) * sizeof(float)}}};
  }
  // What is not UTF-8 in the metadata is replaced; the file has to be JSON.
  std::string text = header.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  text.append((kSizeBytes - text.size() % kSizeBytes) % kSizeBytes, ' ');
  ByteWriter writer;
  writer.u64(text.size());
  writer.raw(std::as_bytes(std::span(text)));

  const std::string partial = path + ".partial";
  std::ofstream file(partial, std::ios::binary | std::ios::trunc);
  file.write(reinterpret_cast<const char*>(writer.bytes().data()), static_cast<std::streamsize>(writer.size()));
  file.write(reinterpret_cast<const char*>(params.data()), static_cast<std::streamsize>(params.size_bytes()));
  file.close();
  if (!file || std::rename(partial.c_str(), path.c_str()) != 0) {
    const std::string reason = std::strerror(errno);
    std::remove(partial.c_str());
    throw RunError(path + ": cannot be written (" + reason + "); check the disk and output.dir");
  }
}

std::vector<float> read_safetensors(const std::string& path, const Layout& layout) {
  InputFile file(path, kHeaderAllowance + kHeaderPerTensor * layout.tensors.size(),
                 "give a model that was trained with this job's [model] and [data]");
  const Json& header = file.header();
  const std::size_t described = header.size() - header.count("__metadata__");
  if (described != layout.tensors.size()) {
    file.refuse("it holds " + std::to_string(described) + " tensors, the model has " +
                std::to_string(layout.tensors.size()));
  }
  std::vector<Entry> entries;
  for (const TensorLayout& tensor : layout.tensors) {
    const auto found = header.find(tensor.name);
    if (found == header.end()) file.refuse("it has no tensor '" + tensor.name + "'");
    entries.push_back(file.entry(tensor.name, *found));
    const std::vector<std::uint64_t>& shape = entries.back().shape;
    if (!std::equal(shape.begin(), shape.end(), tensor.shape.begin(), tensor.shape.end(),
                    [](std::uint64_t a, std::int64_t b) { return a == static_cast<std::uint64_t>(b); })) {
      file.refuse("tensor '" + tensor.name + "': its shape is " + Json(shape).dump() + ", the model's is " +
                  Json(tensor.shape).dump());
    }
  }
  file.check_gapless(entries);
  std::vector<float> params(layout.size);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const TensorLayout& tensor = layout.tensors[i];
    file.read_data(entries[i], std::span(params).subspan(tensor.offset, tensor.size));
  }
  return params;
}

SafetensorsModel read_safetensors(const std::string& path, WholeNumbers whole_numbers) {
  InputFile file(path, kLargestHeader, "give a safetensors file of float32 tensors, such as the model of a run");
  std::vector<std::pair<std::string, Entry>> tensors;
  std::vector<Entry> entries;
  SafetensorsModel model;
  for (const auto& [name, description] : file.header().items()) {
    if (name == "__metadata__") continue;
    if (whole_numbers == WholeNumbers::kSkipped) {
      if (const auto skipped = file.entry_of_whole_numbers(name, description)) {
        entries.push_back(*skipped);
        model.skipped.push_back(name);
        continue;
      }
    }
    entries.push_back(file.entry(name, description));
    if (entries.back().end > entries.back().begin) tensors.emplace_back(name, entries.back());
  }
  file.check_gapless(entries);
  if (tensors.empty()) file.refuse("it holds no element");
  std::sort(tensors.begin(), tensors.end(),
            [](const auto& a, const auto& b) { return a.second.begin < b.second.begin; });
  for (const auto& [name, entry] : tensors) {
    const std::uint64_t size = (entry.end - entry.begin) / sizeof(float);
    model.layout.tensors.push_back(
        {.name = name, .offset = model.layout.size, .shape = {entry.shape.begin(), entry.shape.end()}, .size = size});
    model.layout.size += size;
  }
  model.params.resize(model.layout.size);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const TensorLayout& tensor = model.layout.tensors[i];
    file.read_data(tensors[i].second, std::span(model.params).subspan(tensor.offset, tensor.size));
  }
  return model;
}

}  // namespace laconic
