// A message of the runtime that is read is written anew and read to the same; every other input is refused with a
// DecodeError, and nothing is larger than what came.
//
// The first byte of an input says which message the rest is.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "runtimes/process/messages.h"

namespace {

using namespace laconic;
using Message = std::vector<std::byte>;

constexpr std::size_t kDimension = 3;
constexpr std::size_t kBuffers = 2;

template <typename Kind>
Message encoded(const Kind& message) {
  ByteWriter out;
  message.encode(out);
  return {out.bytes().begin(), out.bytes().end()};
}

// What the bytes say, in the form in which this program would have said it.
Message said_anew(unsigned kind, std::span<const std::byte> bytes) {
  ByteReader in(bytes, "input");
  ByteWriter out;
  switch (kind) {
    case 0:
      return encoded(process::EvaluationReport::decode(in, kDimension, kBuffers));
    case 1:
      return encoded(process::DrainReport::decode(in));
    case 2:
      return {static_cast<std::byte>(process::decode_drain_verdict(in))};
    case 3:
      process::encode_part(out, process::decode_part(bytes));
      break;
    case 4:
      process::encode_kept(out, process::decode_kept(in));
      break;
    case 5:
      return encoded(process::EndReport::decode(in));
    default: {
      const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      const std::string notice = process::EndNotice::decode(text).encode();
      const auto view = std::as_bytes(std::span(notice));
      return {view.begin(), view.end()};
    }
  }
  return {out.bytes().begin(), out.bytes().end()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const unsigned kind = data[0] % 7U;
  Message first;
  try {
    first = said_anew(kind, std::as_bytes(std::span(data + 1, size - 1)));
  } catch (const DecodeError&) {
    return 0;
  }
  // A notice without a kind gets one.
  LACONIC_CHECK(first.size() <= size, "longer than what came");
  LACONIC_CHECK(std::ranges::equal(said_anew(kind, first), first), "read anew it differs");
  return 0;
}
