// State that a checkpoint keeps: a sequence of named values, written and read in the same order.
//
// One function serves both ways, so that saving and loading cannot part:
//
//   void Momentum::archive(Archive& a) { a.value("steps", steps_); a.floats("velocity", velocity_); }
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/byte_stream.h"

namespace laconic {

class Archive {
 public:
  // An archive that saves.
  Archive() = default;
  // An archive that loads from `bytes`, which the caller keeps alive. Reads throw DecodeError on any mismatch of a
  // name, a type or a size with what was saved.
  explicit Archive(std::span<const std::byte> bytes);

  bool loading() const { return loading_; }

  void value(std::string_view name, std::uint64_t& value);
  void value(std::string_view name, double& value);
  void value(std::string_view name, bool& value);
  // Fixed size: loading needs as many values as were saved.
  void floats(std::string_view name, std::span<float> values);
  // Variable size, at most `max_size` values, bytes or characters when loading.
  void vector(std::string_view name, std::vector<float>& values, std::size_t max_size);
  void bytes(std::string_view name, std::vector<std::byte>& values, std::size_t max_size);
  // Any bytes, taken for characters.
  void text(std::string_view name, std::string& value, std::size_t max_size);

  // What was saved.
  std::vector<std::byte> take();
  // Throws DecodeError unless everything was loaded.
  void expect_end() const;

 private:
  void field(std::string_view name, char type);
  bool loading_ = false;
  ByteWriter writer_;
  ByteReader reader_{{}, "state"};
};

}  // namespace laconic
