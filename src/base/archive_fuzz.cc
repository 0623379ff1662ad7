// A saved state that loads is saved again to the same bytes; every other input is refused with a DecodeError.
//
// The first byte of an input says which values, in which order, are expected in the rest.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/archive.h"
#include "base/error.h"

namespace {

struct State {
  std::uint64_t count = 0;
  double number = 0.0;
  bool flag = false;
  std::vector<float> fixed = std::vector<float>(3);
  std::vector<float> grown;
  std::string text;
  std::vector<std::byte> bytes;

  void archive(laconic::Archive& archive, unsigned shape) {
    if ((shape & 1U) != 0) archive.value("count", count);
    if ((shape & 2U) != 0) archive.value("number", number);
    if ((shape & 4U) != 0) archive.value("flag", flag);
    if ((shape & 8U) != 0) archive.floats("fixed", fixed);
    if ((shape & 16U) != 0) archive.vector("grown", grown, 64);
    if ((shape & 32U) != 0) archive.text("text", text, 64);
    if ((shape & 64U) != 0) archive.bytes("bytes", bytes, 64);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto saved = std::as_bytes(std::span(data + 1, size - 1));
  State state;
  try {
    laconic::Archive loading(saved);
    state.archive(loading, data[0]);
    loading.expect_end();
  } catch (const laconic::DecodeError&) {
    return 0;
  }
  laconic::Archive saving;
  state.archive(saving, data[0]);
  LACONIC_CHECK(std::ranges::equal(saving.take(), saved), "saved anew it differs");
  return 0;
}
