#include "base/archive.h"

#include "base/error.h"

namespace laconic {

namespace {
constexpr std::size_t kMaxNameSize = 256;
}

Archive::Archive(std::span<const std::byte> bytes) : loading_(true), reader_(bytes, "state") {}

void Archive::field(std::string_view name, char type) {
  if (!loading_) {
    writer_.text(name);
    writer_.u8(static_cast<std::uint8_t>(type));
    return;
  }
  const std::string found = reader_.text(kMaxNameSize);
  if (found != name) reader_.fail("value '" + found + "' where '" + std::string(name) + "' belongs");
  if (reader_.u8() != static_cast<std::uint8_t>(type)) reader_.fail("value '" + found + "' is of another type");
}

void Archive::value(std::string_view name, std::uint64_t& value) {
  field(name, 'u');
  if (loading_) {
    value = reader_.u64();
  } else {
    writer_.u64(value);
  }
}

void Archive::value(std::string_view name, double& value) {
  field(name, 'd');
  if (loading_) {
    value = reader_.f64();
  } else {
    writer_.f64(value);
  }
}

void Archive::value(std::string_view name, bool& value) {
  field(name, 'b');
  if (!loading_) {
    writer_.u8(value ? 1 : 0);
    return;
  }
  const std::uint8_t byte = reader_.u8();
  if (byte > 1) reader_.fail("a truth value that is neither 0 nor 1");
  value = byte == 1;
}

void Archive::floats(std::string_view name, std::span<float> values) {
  field(name, 'f');
  if (!loading_) {
    writer_.varint(values.size());
    writer_.floats(values);
    return;
  }
  const std::uint64_t size = reader_.varint();
  if (size != values.size()) {
    reader_.fail("'" + std::string(name) + "' has " + std::to_string(size) + " values, " +
                 std::to_string(values.size()) + " belong there");
  }
  reader_.floats(values);
}

void Archive::vector(std::string_view name, std::vector<float>& values, std::size_t max_size) {
  field(name, 'v');
  if (!loading_) {
    writer_.varint(values.size());
    writer_.floats(values);
    return;
  }
  const std::uint64_t size = reader_.varint();
  if (size > max_size || size > reader_.remaining() / sizeof(float)) {
    reader_.fail("'" + std::string(name) + "' claims " + std::to_string(size) + " values");
  }
  values.resize(static_cast<std::size_t>(size));
  reader_.floats(values);
}

void Archive::bytes(std::string_view name, std::vector<std::byte>& values, std::size_t max_size) {
  field(name, 'B');
  if (!loading_) {
    writer_.varint(values.size());
    writer_.raw(values);
    return;
  }
  const std::uint64_t size = reader_.varint();
  if (size > max_size || size > reader_.remaining()) {
    reader_.fail("'" + std::string(name) + "' claims " + std::to_string(size) + " bytes");
  }
  const std::span<const std::byte> read = reader_.raw(static_cast<std::size_t>(size));
  values.assign(read.begin(), read.end());
}

void Archive::text(std::string_view name, std::string& value, std::size_t max_size) {
  field(name, 't');
  if (loading_) {
    value = reader_.text(max_size);
  } else {
    writer_.text(value);
  }
}

std::vector<std::byte> Archive::take() { return writer_.take(); }

void Archive::expect_end() const { reader_.expect_end(); }

}  // namespace laconic
