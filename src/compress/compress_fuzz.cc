// A message from anywhere is added or refused: never a crash, a read past its end or a value that is not finite, and a
// refused one leaves the vector as it was. The first byte of the input picks the operator.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "base/error.h"
#include "compress/test_support.h"

namespace {

using namespace laconic;

struct Target {
  std::string text;
  std::unique_ptr<Compressor> compressor;
};

std::vector<Target> make_targets() {
  std::vector<Target> targets;
  for (const Case& each : all_cases()) targets.push_back({each.text, each.row->make(each.options, small_layout())()});
  return targets;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<Target> targets = make_targets();
  static const std::vector<float> start = gaussian_vector(small_layout().size, 1);
  if (size == 0) return 0;
  const Target& target = targets[data[0] % targets.size()];
  std::vector<float> y = start;
  try {
    target.compressor->decode_add(std::as_bytes(std::span(data + 1, size - 1)), 0.5F, y);
  } catch (const DecodeError&) {
    LACONIC_CHECK(std::memcmp(y.data(), start.data(), y.size() * sizeof(float)) == 0,
                  target.text << ": a refused message changed the vector");
  }
  return 0;
}
