#include "training/formats/idx.h"

#include <bit>
#include <charconv>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "base/error.h"
#include "training/formats/input_file.h"

namespace laconic {
namespace {

constexpr std::uint8_t kTypeByte = 0x08;
constexpr std::uint8_t kTypeSignedByte = 0x09;
constexpr std::uint8_t kTypeShort = 0x0b;
constexpr std::uint8_t kTypeInteger = 0x0c;
constexpr std::uint8_t kTypeFloat = 0x0d;
constexpr std::uint8_t kTypeDouble = 0x0e;

std::uint32_t big_endian(InputFile& file) {
  std::uint8_t bytes[4];
  if (file.read(bytes, sizeof bytes) != sizeof bytes) file.fail(file.position(), "the file ends within its header");
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

const char* type_text(std::uint32_t type) {
  switch (type) {
    case kTypeByte:
      return "unsigned bytes";
    case kTypeSignedByte:
      return "signed bytes";
    case kTypeShort:
      return "16-bit integers";
    case kTypeInteger:
      return "32-bit integers";
    case kTypeFloat:
      return "floats";
    case kTypeDouble:
      return "doubles";
    default:
      return "of no type of the format";
  }
}

// Bytes of a number of the type; 0 for others.
std::size_t size_of_number(std::uint32_t type) {
  switch (type) {
    case kTypeByte:
    case kTypeSignedByte:
      return 1;
    case kTypeShort:
      return 2;
    case kTypeInteger:
    case kTypeFloat:
      return 4;
    case kTypeDouble:
      return 8;
    default:
      return 0;
  }
}

std::uint32_t read_magic(InputFile& file) {
  const std::uint32_t magic = big_endian(file);
  if (magic >> 16 != 0 || (magic & 0xff) == 0) file.fail(0, "this is not an IDX file");
  return magic;
}

std::uint32_t type_in(std::uint32_t magic) { return magic >> 8 & 0xff; }

// Reads the sizes of an array of `rank` dimensions, none of them empty and not too large in all.
std::vector<std::size_t> read_sizes(InputFile& file, std::uint32_t magic, std::size_t element_size, std::size_t rank) {
  if ((magic & 0xff) != rank) {
    file.refuse("byte 3: the array has " + std::to_string(magic & 0xff) + " dimensions, expected " +
                std::to_string(rank) + "; save it anew so, or as a NumPy array (data.dataset = \"numpy\")");
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

// The header of an array of one type.
std::vector<std::size_t> read_header(InputFile& file, std::uint8_t type, std::size_t rank) {
  const std::uint32_t magic = read_magic(file);
  if (type_in(magic) != type) {
    file.refuse(std::string("byte 2: the elements are ") + type_text(type_in(magic)) + ", expected " + type_text(type) +
                "; save it anew so, or as a NumPy array (data.dataset = \"numpy\")");
  }
  return read_sizes(file, magic, size_of_number(type), rank);
}

std::size_t product(const std::vector<std::size_t>& sizes) {
  return std::accumulate(sizes.begin(), sizes.end(), std::size_t{1}, std::multiplies<>());
}

std::vector<std::uint8_t> read_elements(InputFile& file, std::size_t expected) {
  std::vector<std::uint8_t> bytes;
  AnnouncedBytes elements(file, expected);
  elements.append(expected, bytes);
  elements.expect_end();
  return bytes;
}

std::int32_t signed_integer(const std::uint8_t* bytes, std::size_t size) {
  std::uint32_t value = bytes[0] >= 0x80 ? ~std::uint32_t{0} : 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes[i];
  return static_cast<std::int32_t>(value);
}

// A number of any type but unsigned bytes.
double number_of(const std::uint8_t* bytes, std::uint32_t type) {
  const std::size_t size = size_of_number(type);
  if (type != kTypeFloat && type != kTypeDouble) return signed_integer(bytes, size);
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < size; ++i) bits = bits << 8 | bytes[i];
  if (type == kTypeDouble) return std::bit_cast<double>(bits);
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
}

std::string number_text(double number) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, number);
  return {text, error == std::errc{} ? end : text};
}

}  // namespace

IdxBytes read_idx_bytes(const std::string& path, std::size_t rank) {
  InputFile file(path);
  IdxBytes array;
  array.sizes = read_header(file, kTypeByte, rank);
  array.elements = read_elements(file, product(array.sizes));
  return array;
}

std::vector<std::uint16_t> read_idx_labels(const std::string& path) {
  InputFile file(path);
  const std::uint32_t magic = read_magic(file);
  const std::size_t size = size_of_number(type_in(magic));
  if (size == 0) file.fail(2, std::string("the elements are ") + type_text(type_in(magic)));
  const std::vector<std::size_t> sizes = read_sizes(file, magic, size, (magic & 0xff) == 2 ? 2 : 1);
  if (sizes.size() == 2 && sizes[1] != 1) {
    file.refuse("the labels are " + std::to_string(sizes[0]) + " x " + std::to_string(sizes[1]) +
                ", and each sample has one; keep the column of the classes alone");
  }
  const std::vector<std::uint8_t> bytes = read_elements(file, sizes[0] * size);
  if (type_in(magic) == kTypeByte) return {bytes.begin(), bytes.end()};
  constexpr std::uint16_t kLargest = std::numeric_limits<std::uint16_t>::max();
  std::vector<std::uint16_t> labels(sizes[0]);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double label = number_of(bytes.data() + size * i, type_in(magic));
    if (!(label >= 0.0 && label <= kLargest) || label != std::floor(label)) {
      throw UsageError(path + ": label " + number_text(label) + " of sample " + std::to_string(i) + " is not in 0 to " +
                       std::to_string(kLargest) + "; number the classes from 0");
    }
    labels[i] = static_cast<std::uint16_t>(label);
  }
  return labels;
}

IdxBytes read_idx_rows(const std::string& path, std::size_t rank, const std::vector<bool>& keep) {
  InputFile file(path);
  IdxBytes array;
  array.sizes = read_header(file, kTypeByte, rank);
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
  return read_header(file, kTypeByte, rank);
}

std::vector<std::uint32_t> read_idx_integers(const std::string& path) {
  InputFile file(path);
  const std::vector<std::size_t> sizes = read_header(file, kTypeInteger, 1);
  const std::vector<std::uint8_t> bytes = read_elements(file, sizes[0] * sizeof(std::uint32_t));
  std::vector<std::uint32_t> values(sizes[0]);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int32_t value = signed_integer(bytes.data() + sizeof(std::uint32_t) * i, sizeof(std::uint32_t));
    values[i] = static_cast<std::uint32_t>(value);
    if (value < 0) {
      throw UsageError(path + ": element " + std::to_string(i) +
                       " is negative; users are numbered from 0: correct the file");
    }
  }
  return values;
}

}  // namespace laconic
