#include "base/byte_stream.h"

#include <cstring>

#include "base/error.h"

namespace laconic {

void ByteWriter::fixed(const void* data, std::size_t size) {
  const auto* first = static_cast<const std::byte*>(data);
  bytes_.insert(bytes_.end(), first, first + size);
}

void ByteWriter::varint(std::uint64_t value) {
  while (value >= 0x80) {
    u8(static_cast<std::uint8_t>(value | 0x80));
    value >>= 7;
  }
  u8(static_cast<std::uint8_t>(value));
}

std::span<std::byte> ByteWriter::extend(std::size_t size) {
  const std::size_t start = bytes_.size();
  bytes_.resize(start + size);
  return std::span(bytes_).subspan(start);
}

void ByteWriter::text(std::string_view value) {
  varint(value.size());
  fixed(value.data(), value.size());
}

void ByteReader::fail(std::string_view problem) const {
  throw DecodeError(std::string(what_) + ": " + std::string(problem) + " at byte " + std::to_string(offset_) + " of " +
                    std::to_string(bytes_.size()));
}

std::span<const std::byte> ByteReader::raw(std::size_t size) {
  if (size > remaining()) fail("ends early: " + std::to_string(size) + " bytes wanted");
  const auto view = bytes_.subspan(offset_, size);
  offset_ += size;
  return view;
}

namespace {
template <typename T>
T load(std::span<const std::byte> bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}
}  // namespace

std::uint8_t ByteReader::u8() { return load<std::uint8_t>(raw(1)); }
std::uint32_t ByteReader::u32() { return load<std::uint32_t>(raw(4)); }
std::uint64_t ByteReader::u64() { return load<std::uint64_t>(raw(8)); }
float ByteReader::f32() { return load<float>(raw(4)); }
double ByteReader::f64() { return load<double>(raw(8)); }

std::uint64_t ByteReader::varint() {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = u8();
    if (shift == 63 && byte > 1) fail("varint above 64 bits");
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) {
      if (byte == 0 && shift > 0) fail("varint longer than needed");
      return value;
    }
  }
  fail("varint above 64 bits");
}

void ByteReader::floats(std::span<float> out) {
  const auto view = raw(out.size_bytes());
  if (!view.empty()) std::memcpy(out.data(), view.data(), view.size());
}

std::string ByteReader::text(std::size_t max_size) {
  const std::uint64_t size = varint();
  if (size > max_size) fail("text of " + std::to_string(size) + " bytes, at most " + std::to_string(max_size));
  const auto view = raw(static_cast<std::size_t>(size));
  return {reinterpret_cast<const char*>(view.data()), view.size()};
}

void ByteReader::expect_end() const {
  if (remaining() != 0) fail(std::to_string(remaining()) + " bytes too many");
}

}  // namespace laconic
