// Whatever messages come on a lane: it refuses them with a DecodeError or gives frames of at most the largest size, of
// bytes that came, and holds no more than twice those.
//
// The input is a program of messages: the kind of one, its size as a varint (from the end of a piece backwards where
// the kind says so, for a fuzzer finds no size of many bytes by itself), and for an opening its claim.
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/byte_stream.h"
#include "base/error.h"
#include "runtimes/node/pieces.h"

namespace {

using laconic::node::Part;

constexpr std::size_t kPieceSize = std::size_t{512} << 10;
constexpr std::uint64_t kMaxSize = 3 * kPieceSize;
constexpr int kMaxMessages = 40;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::byte> source(kPieceSize + 256, std::byte{0x5a});
  laconic::ByteReader program(std::as_bytes(std::span(data, size)), "input");
  laconic::node::Assembly assembly(kPieceSize, kMaxSize);
  std::uint64_t came = 0;
  try {
    for (int i = 0; i < kMaxMessages && program.remaining() > 0; ++i) {
      const unsigned kind = program.u8();
      const std::uint64_t number = program.varint();
      laconic::ByteWriter opening;
      std::span<const std::byte> message(source.data(), number % (source.size() + 1));
      if ((kind & 4U) != 0) message = std::span(source).first(kPieceSize - number % 256);
      if (kind % 4 == 1) {
        opening.u64((kind & 4U) != 0 ? kMaxSize - number : number);
        message = opening.bytes();
      }
      const Part part = kind % 4 == 0 ? Part::kWhole : kind % 4 == 1 ? Part::kOpening : Part::kPiece;
      came += message.size();
      try {
        if (const auto wire = assembly.take(part, message)) {
          LACONIC_CHECK(wire->size() <= kMaxSize && wire->size() <= came, wire->size() << " of " << came << " bytes");
          for (const std::byte byte : *wire) LACONIC_CHECK(byte == std::byte{0x5a}, "a byte that never came");
          LACONIC_CHECK(assembly.held() == 0, assembly.held() << " bytes held between frames");
        }
      } catch (const laconic::DecodeError&) {
        LACONIC_CHECK(assembly.held() == 0, assembly.held() << " bytes held of what was refused");
      }
      LACONIC_CHECK(assembly.held() <= 2 * came && assembly.held() <= kMaxSize, assembly.held() << " bytes held");
    }
  } catch (const laconic::DecodeError&) {  // the program ends in the middle of a message
  }
  return 0;
}
