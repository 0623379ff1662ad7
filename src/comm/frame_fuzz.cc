// A frame that decodes has one encoding; every other input is refused with a DecodeError.
//
// A fuzzer doesn't guess a checksum. So each input is tried as it is, and once more as `kind round length payload` with
// the right checksum put in.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/byte_stream.h"
#include "base/error.h"
#include "comm/crc32c.h"
#include "comm/frame.h"

namespace {

constexpr std::uint64_t kMaxPayload = 4096;

void decode_and_encode_again(std::span<const std::byte> wire) {
  try {
    const laconic::Frame frame = laconic::Frame::decode(wire, kMaxPayload);
    LACONIC_CHECK(std::ranges::equal(frame.wire(), wire), "a second encoding of " << wire.size() << " bytes");
    frame.verify(kMaxPayload);
    const laconic::Frame again(frame.header(), frame.payload());
    LACONIC_CHECK(std::ranges::equal(again.wire(), wire), "encoded anew it differs");
    const std::size_t count = frame.payload().size() / sizeof(float);
    LACONIC_CHECK(frame.floats(count).size() == count, count << " floats");
  } catch (const laconic::DecodeError&) {
  }
}

void with_a_right_checksum(std::span<const std::byte> input) {
  try {
    laconic::ByteReader reader(input, "input");
    reader.u8();
    reader.varint();
    reader.varint();
    const auto fields = input.first(reader.offset());
    const auto payload = input.subspan(reader.offset());
    laconic::ByteWriter wire;
    wire.raw(fields);
    wire.u32(laconic::crc32c(payload, laconic::crc32c(fields)));
    wire.raw(payload);
    decode_and_encode_again(wire.bytes());
  } catch (const laconic::DecodeError&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = std::as_bytes(std::span(data, size));
  decode_and_encode_again(input);
  with_a_right_checksum(input);
  return 0;
}
