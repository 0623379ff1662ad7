// Pieces of JSON that several records share. Internal to the report layer.
#pragma once

#include <array>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

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
// Of one worker; its figures have names of their own where numbers are predicted.
Json to_json(const WorkerScore& score, bool of_numbers);
// What a split tells of the classes. `names`: what they are called, or empty. The matrix of all classes goes along up to
// `most_classes`; of more, the pairs that are mistaken most often.
Json classification_json(const Evaluation& evaluation, std::string_view split, std::span<const std::string> names,
                         std::size_t most_classes);

// Indented, but lists of numbers or words, and flat objects in lists, each in one line; without the last line's end. Bytes
// that are no UTF-8 become U+FFFD.
std::string indented(const Json& json);

}  // namespace laconic
