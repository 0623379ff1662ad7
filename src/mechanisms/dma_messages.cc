#include "mechanisms/dma_messages.h"

#include <string>

namespace laconic {
namespace {

std::string_view reason(DmaVerdict verdict) {
  return verdict == DmaVerdict::kMalformed   ? "it is no model of the others' size and form"
         : verdict == DmaVerdict::kNotFinite ? "it is not finite"
                                             : "it has strayed from another reference";
}

}  // namespace

DmaVerdict read_dma_verdict(ByteReader& in) {
  const std::uint8_t verdict = in.u8();
  if (verdict >= kDmaVerdicts) in.fail("verdict " + std::to_string(verdict));
  return static_cast<DmaVerdict>(verdict);
}

void warn_of_refusal(Worker& self, DmaVerdict verdict) {
  if (verdict == DmaVerdict::kGoOn || verdict == DmaVerdict::kSend) return;
  self.warn("the coordinator refused the model of " + self.comm().name(self.rank()) + ": " +
            std::string(reason(verdict)) + "; the others went on without it");
}

Frame dma_quiet_frame(Round round) {
  return Frame(FrameHeader{Traffic::kControl, Tag::kGather, round}, std::span<const std::byte>());
}

}  // namespace laconic
