#include "training/formats/npz.h"

#include <fmt/core.h>
#include <zip.h>

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace laconic {
namespace {

constexpr std::string_view kEnding = ".npy";
constexpr zip_uint64_t kMostUnpacked = 1032;  // bytes that deflate makes of one

// Some of the arrays, for an error.
std::string some_arrays(zip_t* archive) {
  constexpr std::size_t kMost = 6;
  std::string text;
  std::size_t found = 0;
  for (zip_int64_t i = 0; i < zip_get_num_entries(archive, 0); ++i) {
    const char* entry = zip_get_name(archive, static_cast<zip_uint64_t>(i), 0);
    std::string_view name = entry == nullptr ? "" : entry;
    if (!name.ends_with(kEnding)) continue;
    name.remove_suffix(kEnding.size());
    if (found++ == kMost) return text + ", ...";
    text += (text.empty() ? "" : ", ") + shown(name);
  }
  return text.empty() ? "no array" : text;
}

}  // namespace

NpzArray::NpzArray(const std::string& path, const std::string& array) : InputStream(path + ":" + array) {
  int code = 0;
  archive_.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (archive_ == nullptr) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string problem = zip_error_strerror(&error);
    zip_error_fini(&error);
    refuse("the file is no archive as numpy.savez writes it (" + problem + "); download or copy it again");
  }
  const zip_int64_t index = zip_name_locate(archive_.get(), (array + std::string(kEnding)).c_str(), 0);
  if (index < 0) {
    refuse("there is no such array, but " + some_arrays(archive_.get()) + "; set data.inputs and data.labels");
  }
  zip_stat_t entry;
  zip_stat_init(&entry);
  const zip_uint64_t needed = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if (zip_stat_index(archive_.get(), static_cast<zip_uint64_t>(index), 0, &entry) != 0 ||
      (entry.valid & needed) != needed) {
    fail(0, "the archive does not say how its data are packed");
  }
  if (entry.encryption_method != ZIP_EM_NONE) refuse("the array is encrypted; save it anew with numpy.savez");
  if (entry.comp_method != ZIP_CM_STORE && entry.comp_method != ZIP_CM_DEFLATE) {
    refuse("the array is compressed with method " + std::to_string(entry.comp_method) +
           " of ZIP, and only deflate is supported; save it anew with numpy.savez_compressed");
  }
  std::error_code ignored;
  const std::uintmax_t there = std::filesystem::file_size(path, ignored);
  const zip_uint64_t ratio = entry.comp_method == ZIP_CM_STORE ? 1 : kMostUnpacked;
  if (entry.comp_size > there || entry.size / ratio > entry.comp_size) {
    fail(0, fmt::format("the archive says that {} of its {} bytes unpack to {}, which is more than they can hold",
                        entry.comp_size, there, entry.size));
  }
  size_ = entry.size;
  file_.reset(zip_fopen_index(archive_.get(), static_cast<zip_uint64_t>(index), 0));
  if (file_ == nullptr) fail(0, std::string("the data cannot be unpacked (") + zip_strerror(archive_.get()) + ")");
}

std::size_t NpzArray::read_some(std::uint8_t* out, std::size_t size) {
  const auto unpack = [&](std::uint8_t* to, std::size_t most) {
    const zip_int64_t got = zip_fread(file_.get(), to, most);
    if (got >= 0) return static_cast<std::size_t>(got);
    fail(position(), std::string("the packed data are damaged (") + zip_file_strerror(file_.get()) + ")");
  };
  const std::size_t left = size_ - position();
  const std::size_t wanted = std::min(size, left);
  if (wanted > 0) {
    if (unpack(out, wanted) == wanted) return wanted;
    fail(position(),
         "the packed data are damaged, or end before the " + std::to_string(size_) + " bytes that the archive says");
  }
  // Behind the last byte libzip compares the checksum once one more is asked for.
  std::uint8_t beyond = 0;
  if (size > 0 && unpack(&beyond, 1) != 0) {
    fail(position(), "the data continue after the " + std::to_string(size_) + " bytes that the archive says");
  }
  return 0;
}

void NpzArray::Close::operator()(zip* archive) const { zip_discard(archive); }
void NpzArray::Close::operator()(zip_file* file) const { zip_fclose(file); }

}  // namespace laconic
