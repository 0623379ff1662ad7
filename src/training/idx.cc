#include "training/idx.h"

#include <algorithm>
#include <limits>

#include "base/error.h"
#include "training/input_file.h"

namespace laconic {
namespace {

constexpr std::uint8_t kTypeByte = 0x08;
constexpr std::uint8_t kTypeInteger = 0x0c;
constexpr std::size_t kChunk = std::size_t{1} << 20;

std::uint32_t big_endian(InputFile& file) {
  std::uint8_t bytes[4];
  if (file.read(bytes, sizeof bytes) != sizeof bytes)
    file.fail(file.position(), "the file breaks off within its header");
  return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
}

const char* type_text(std::uint32_t type) {
  return type == kTypeByte ? "unsigned bytes" : type == kTypeInteger ? "32-bit integers" : "a type not supported here";
}

IdxBytes read_idx(const std::string& path, std::uint8_t type, std::size_t element_size, std::size_t rank) {
  InputFile file(path);
  const std::uint32_t magic = big_endian(file);
  if (magic >> 16 != 0 || (magic & 0xff) == 0) file.fail(0, "this is not an IDX file");
  if ((magic >> 8 & 0xff) != type) {
    file.fail(2, std::string("the elements are ") + type_text(magic >> 8 & 0xff) + ", expected " + type_text(type));
  }
  if ((magic & 0xff) != rank) {
    file.fail(3, "the array has " + std::to_string(magic & 0xff) + " dimensions, expected " + std::to_string(rank));
  }
  IdxBytes array;
  std::size_t expected = element_size;
  for (std::size_t dimension = 0; dimension < rank; ++dimension) {
    const std::size_t at = file.position();
    const std::uint32_t size = big_endian(file);
    if (size == 0) file.fail(at, "dimension " + std::to_string(dimension) + " is empty");
    if (size > kLargestIdx / expected)
      file.fail(at, "the header claims more than " + std::to_string(kLargestIdx) + " bytes");
    expected *= size;
    array.sizes.push_back(size);
  }
  while (array.elements.size() < expected) {
    const std::size_t before = array.elements.size();
    const std::size_t wanted = std::min(kChunk, expected - before);
    array.elements.resize(before + wanted);
    const std::size_t got = file.read(array.elements.data() + before, wanted);
    if (got < wanted) {
      file.fail(file.position(), "the file ends after " + std::to_string(before + got) + " of " +
                                     std::to_string(expected) + " bytes that its header announces");
    }
  }
  std::uint8_t beyond = 0;
  // This read also makes zlib verify the checksum of the stream.
  if (file.read(&beyond, 1) != 0) {
    file.fail(file.position() - 1,
              "the file goes on after the " + std::to_string(expected) + " bytes its header announces");
  }
  return array;
}

}  // namespace

IdxBytes read_idx_bytes(const std::string& path, std::size_t rank) { return read_idx(path, kTypeByte, 1, rank); }

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
