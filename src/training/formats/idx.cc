#include "training/formats/idx.h"

#include <functional>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "training/formats/input_file.h"

namespace laconic {
namespace {

constexpr std::uint8_t kTypeByte = 0x08;
constexpr std::uint8_t kTypeInteger = 0x0c;

std::uint32_t big_endian(InputFile& file) {
  std::uint8_t bytes[4];
  if (file.read(bytes, sizeof bytes) != sizeof bytes)
    file.fail(file.position(), "the file breaks off within its header");
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

const char* type_text(std::uint32_t type) {
  return type == kTypeByte ? "unsigned bytes" : type == kTypeInteger ? "32-bit integers" : "a type not supported here";
}

// Reads the header of an array of `rank` dimensions, none of them empty and not too large in all.
std::vector<std::size_t> read_header(InputFile& file, std::uint8_t type, std::size_t element_size, std::size_t rank) {
  const std::uint32_t magic = big_endian(file);
  if (magic >> 16 != 0 || (magic & 0xff) == 0) file.fail(0, "this is not an IDX file");
  if ((magic >> 8 & 0xff) != type) {
    file.fail(2, std::string("the elements are ") + type_text(magic >> 8 & 0xff) + ", expected " + type_text(type));
  }
  if ((magic & 0xff) != rank) {
    file.fail(3, "the array has " + std::to_string(magic & 0xff) + " dimensions, expected " + std::to_string(rank));
  }
  std::vector<std::size_t> sizes;
  std::size_t bytes = element_size;
  for (std::size_t dimension = 0; dimension < rank; ++dimension) {
    const std::size_t at = file.position();
    const std::uint32_t size = big_endian(file);
    if (size == 0) file.fail(at, "dimension " + std::to_string(dimension) + " is empty");
    if (size > kLargestIdx / bytes) {
      file.fail(at, "the header claims more than " + std::to_string(kLargestIdx) + " bytes");
    }
    bytes *= size;
    sizes.push_back(size);
  }
  return sizes;
}

std::size_t product(const std::vector<std::size_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::size_t{1}, std::multiplies<>());
}

IdxBytes read_idx(const std::string& path, std::uint8_t type, std::size_t element_size, std::size_t rank) {
  InputFile file(path);
  IdxBytes array;
  array.sizes = read_header(file, type, element_size, rank);
  const std::size_t expected = product(array.sizes) * element_size;
  AnnouncedBytes elements(file, expected);
  elements.append(expected, array.elements);
  elements.expect_end();
  return array;
}

}  // namespace

IdxBytes read_idx_bytes(const std::string& path, std::size_t rank) { return read_idx(path, kTypeByte, 1, rank); }

IdxBytes read_idx_rows(const std::string& path, std::size_t rank, const std::vector<bool>& keep) {
  InputFile file(path);
  IdxBytes array;
  array.sizes = read_header(file, kTypeByte, 1, rank);
  if (array.sizes[0] != keep.size()) {
    file.fail(4, "there are " + std::to_string(array.sizes[0]) + " entries, expected " + std::to_string(keep.size()));
  }
  const std::size_t expected = product(array.sizes);
  const std::size_t row = expected / keep.size();
  AnnouncedBytes elements(file, expected);
  elements.append_rows(keep, row, array.elements);
  elements.expect_end();
  array.elements.shrink_to_fit();
  array.sizes[0] = array.elements.size() / row;
  return array;
}

std::vector<std::size_t> read_idx_sizes(const std::string& path, std::size_t rank) {
  InputFile file(path);
  return read_header(file, kTypeByte, 1, rank);
}

std::vector<std::uint32_t> read_idx_integers(const std::string& path) {
  const IdxBytes array = read_idx(path, kTypeInteger, 4, 1);
  std::vector<std::uint32_t> values(array.sizes[0]);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint8_t* bytes = array.elements.data() + 4 * i;
    values[i] = std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
    if (values[i] > static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max())) {
      throw UsageError(path + ": element " + std::to_string(i) +
                       " is negative; users are numbered from 0: correct the file");
    }
  }
  return values;
}

}  // namespace laconic
