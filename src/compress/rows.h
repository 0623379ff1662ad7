// The rows of the table of operators, each defined in its operator's file.
#pragma once

#include "compress/compressor.h"

namespace laconic {

extern const CompressorRow kNone;
extern const CompressorRow kFloat16;
extern const CompressorRow kBfloat16;
extern const CompressorRow kSign;
extern const CompressorRow kQsgd;
extern const CompressorRow kNatural;
extern const CompressorRow kTopK;
extern const CompressorRow kThreshold;
extern const CompressorRow kRandomK;
extern const CompressorRow kRandomGossip;
extern const CompressorRow kLowRank;

}  // namespace laconic
