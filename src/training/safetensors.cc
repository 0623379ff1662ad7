#include "training/safetensors.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/byte_stream.h"
#include "base/error.h"

namespace laconic {
namespace {

using Json = nlohmann::json;

constexpr std::uint64_t kSizeBytes = 8;
// What a header may take beyond a generous allowance for each tensor: its metadata.
constexpr std::uint64_t kHeaderAllowance = std::uint64_t{1} << 20;
constexpr std::uint64_t kHeaderPerTensor = 1024;

[[noreturn]] void refuse(const std::string& path, const std::string& problem) {
  throw UsageError(path + ": " + problem + "; give a model that was trained with this job's [model] and [data]");
}

// One tensor of a header, checked by itself.
struct Entry {
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Entry read_entry(const std::string& path, const TensorLayout& tensor, const Json& description,
                 std::uint64_t data_size) {
  const std::string where = "tensor '" + tensor.name + "': ";
  if (!description.is_object()) refuse(path, where + "its description is not an object");
  const auto member = [&](const char* name) -> const Json& {
    const auto found = description.find(name);
    if (found == description.end()) refuse(path, where + "it has no '" + name + "'");
    return *found;
  };
  const Json& type = member("dtype");
  if (!type.is_string() || type.get_ref<const std::string&>() != "F32") refuse(path, where + "it is not of type F32");
  const auto numbers = [&](const char* name) {
    const Json& list = member(name);
    const auto whole = [](const Json& number) { return number.is_number_unsigned(); };
    if (!list.is_array() || !std::all_of(list.begin(), list.end(), whole)) {
      refuse(path, where + "'" + name + "' is not a list of whole numbers");
    }
    return list.get<std::vector<std::uint64_t>>();
  };
  const std::vector<std::uint64_t> shape = numbers("shape");
  const bool same = std::equal(shape.begin(), shape.end(), tensor.shape.begin(), tensor.shape.end(),
                               [](std::uint64_t a, std::int64_t b) { return a == static_cast<std::uint64_t>(b); });
  if (!same)
    refuse(path, where + "its shape is " + Json(shape).dump() + ", the model's is " + Json(tensor.shape).dump());
  const std::vector<std::uint64_t> offsets = numbers("data_offsets");
  if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_size ||
      offsets[1] - offsets[0] != tensor.size * sizeof(float)) {
    refuse(path, where + "its data_offsets do not fit its shape and the file");
  }
  return {.begin = offsets[0], .end = offsets[1]};
}

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
  std::error_code error;
  const std::uint64_t file_size = std::filesystem::file_size(path, error);
  if (error) throw UsageError(path + ": cannot be read (" + error.message() + "); check the path");
  std::ifstream file(path, std::ios::binary);
  const auto read = [&](void* out, std::uint64_t size) {
    if (!file.read(static_cast<char*>(out), static_cast<std::streamsize>(size))) {
      refuse(path, "it cannot be read to its end");
    }
  };
  if (!file) throw UsageError(path + ": cannot be opened (" + std::strerror(errno) + "); check the path");
  if (file_size < kSizeBytes) refuse(path, "byte 0: too short to be safetensors");
  std::uint64_t header_size = 0;
  read(&header_size, kSizeBytes);
  if (header_size > kHeaderAllowance + kHeaderPerTensor * layout.tensors.size() ||
      header_size > file_size - kSizeBytes) {
    refuse(path, "byte 0: a header of " + std::to_string(header_size) + " bytes, which is not safetensors or too much");
  }
  std::string text(header_size, '\0');
  read(text.data(), header_size);
  const Json header = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) refuse(path, "byte 8: the header is not a JSON object");

  const std::uint64_t data_size = file_size - kSizeBytes - header_size;
  const std::size_t described = header.size() - header.count("__metadata__");
  if (described != layout.tensors.size()) {
    refuse(path, "it holds " + std::to_string(described) + " tensors, the model has " +
                     std::to_string(layout.tensors.size()));
  }
  std::vector<Entry> entries;
  for (const TensorLayout& tensor : layout.tensors) {
    const auto found = header.find(tensor.name);
    if (found == header.end()) refuse(path, "it has no tensor '" + tensor.name + "'");
    entries.push_back(read_entry(path, tensor, *found, data_size));
  }
  // Without gaps and without overlaps: sorted, each begins where the one before ends, and all end with the file.
  std::vector<Entry> sorted = entries;
  std::sort(sorted.begin(), sorted.end(), [](const Entry& a, const Entry& b) { return a.begin < b.begin; });
  std::uint64_t upto = 0;
  for (const Entry& entry : sorted) {
    if (entry.begin != upto) refuse(path, "data byte " + std::to_string(upto) + ": tensors overlap or leave a gap");
    upto = entry.end;
  }
  if (upto != data_size) {
    refuse(path, "data byte " + std::to_string(upto) + ": the file goes on after its last tensor");
  }
  std::vector<float> params(layout.size);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    file.seekg(static_cast<std::streamoff>(kSizeBytes + header_size + entries[i].begin));
    read(params.data() + layout.tensors[i].offset, entries[i].end - entries[i].begin);
  }
  return params;
}

}  // namespace laconic
