// What nodes of dynamic averaging with balancing say beside their models, on both its clocks (strategies/dma.cc, which
// has the grammar).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/byte_stream.h"
#include "protocol/worker.h"

namespace laconic {

// What the coordinator tells a worker, in one byte.
enum class DmaVerdict : std::uint8_t {
  kGoOn,  // keep your model
  kSend,  // send your model
  // The model that you sent is refused:
  kMalformed,
  kNotFinite,
  kOtherReference,
};
inline constexpr std::uint8_t kDmaVerdicts = 5;

// Throws DecodeError for a byte that is none.
DmaVerdict read_dma_verdict(ByteReader& in);
// The job's user hears of a model of this worker that was refused; nothing for a verdict that refuses none.
void warn_of_refusal(Worker& self, DmaVerdict verdict);

// A worker's frame without a payload: that it is quiet, or that it leaves.
Frame dma_quiet_frame(Round round);

}  // namespace laconic
