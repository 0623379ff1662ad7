// Little-endian writing and hostile reading of bytes: integers, varints, float arrays.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace laconic {

static_assert(std::endian::native == std::endian::little,
              "float arrays are copied as they are; a big-endian port swaps them here");

// Appends to a buffer that it owns.
class ByteWriter {
 public:
  void u8(std::uint8_t value) { bytes_.push_back(static_cast<std::byte>(value)); }
  void u32(std::uint32_t value) { fixed(&value, sizeof value); }
  void u64(std::uint64_t value) { fixed(&value, sizeof value); }
  void f32(float value) { fixed(&value, sizeof value); }
  void f64(double value) { fixed(&value, sizeof value); }
  // LEB128: seven bits a byte, low bits first; 1 to 10 bytes.
  void varint(std::uint64_t value);
  void raw(std::span<const std::byte> bytes) { fixed(bytes.data(), bytes.size()); }
  void floats(std::span<const float> values) { fixed(values.data(), values.size_bytes()); }
  // Length as varint, then the characters.
  void text(std::string_view value);

  // Appends `size` zero bytes and returns them to be filled; the view is valid until the next call.
  std::span<std::byte> extend(std::size_t size);
  // Drops what was written behind the first `size` bytes, or all of it; the memory is kept for what comes next.
  void truncate(std::size_t size) { bytes_.resize(size); }
  void clear() { bytes_.clear(); }

  void reserve(std::size_t size) { bytes_.reserve(size); }
  std::size_t size() const { return bytes_.size(); }
  std::span<const std::byte> bytes() const { return bytes_; }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void fixed(const void* data, std::size_t size);
  std::vector<std::byte> bytes_;
};

// Reads from a view that the caller keeps alive. Every read checks what is left and throws DecodeError, which names
// `what` (given at construction) and the offset; nothing is allocated from a length before the bytes are known to be
// there.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  std::uint8_t u8();
  std::uint32_t u32();
  std::uint64_t u64();
  float f32();
  double f64();
  // Refuses more than 10 bytes, bits above 64 and encodings longer than needed (one value, one encoding).
  std::uint64_t varint();
  // A view of the next `size` bytes.
  std::span<const std::byte> raw(std::size_t size);
  void floats(std::span<float> out);
  std::string text(std::size_t max_size);
  // A view of all that is left, which stays to be read; for parts whose length shows only while they are decoded.
  std::span<const std::byte> rest() const { return bytes_.subspan(offset_); }

  std::size_t remaining() const { return bytes_.size() - offset_; }
  std::size_t offset() const { return offset_; }
  // Throws unless everything was read.
  void expect_end() const;
  [[noreturn]] void fail(std::string_view problem) const;

 private:
  std::span<const std::byte> bytes_;
  std::string_view what_;
  std::size_t offset_ = 0;
};

}  // namespace laconic
