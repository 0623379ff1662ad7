// Whatever comes as an announcement, a request for a piece or a piece is decoded or refused with a DecodeError, and what
// is decoded has one encoding.
//
// The first byte says which: 0 an announcement, 1 a request, else a piece.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "comm/pulled_parts.h"

namespace {

constexpr std::uint64_t kLargest = 4000;
constexpr std::size_t kSize = 900;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace laconic;
  if (size == 0) return 0;
  const auto rest = std::as_bytes(std::span(data + 1, size - 1));
  FrameHeader header{.traffic = Traffic::kControl, .tag = Tag::kPull, .round = {3}};
  const Frame frame(header, rest);
  Frame again;
  try {
    if (data[0] == 0) {
      const Announcement announced = decode_announcement(frame, kLargest);
      LACONIC_CHECK(announced.count > 0 && announced.count * sizeof(float) <= kLargest, "a vector out of range");
      header.tag = announced.of;
      again = encode_announcement(header, announced.count, frame.payload().last(standing_size(frame)));
    } else if (data[0] == 1) {
      again = encode_pull(header.round, decode_pull(frame, kSize));
    } else {
      const PieceRange range = decode_pulled(frame, kSize);
      LACONIC_CHECK(range.count > 0 && range.first + range.count <= kSize, "a piece out of range");
      const SharedVector values = frame.floats(range.count, kPlaceSize);
      std::vector<float> part(kSize);
      std::ranges::copy(values.values(), part.begin() + static_cast<std::ptrdiff_t>(range.first));
      again = encode_pulled(header, part, range);
    }
    LACONIC_CHECK(std::ranges::equal(again.payload(), frame.payload()), "encoded anew it differs");
  } catch (const DecodeError&) {
  }
  return 0;
}
