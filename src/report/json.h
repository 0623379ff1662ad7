// Pieces of JSON that several records share. Internal to the report layer.
#pragma once

#include <array>
#include <nlohmann/json.hpp>

#include "comm/ledger.h"
#include "protocol/measurement.h"

namespace laconic {

using Json = nlohmann::ordered_json;

Json to_json(const Tally& tally);
// By kind, without the kinds of which there is nothing.
Json to_json(const std::array<Tally, kTrafficKinds>& traffic);
Json to_json(const Evaluation& evaluation);
Json to_json(const Prequential& prequential);
Json to_json(const WorkerAccuracy& accuracy);

}  // namespace laconic
