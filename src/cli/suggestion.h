// What an error says of a word that is none of those that are known.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace laconic {

// "fda, dma, choco"
std::string listed(std::span<const std::string_view> names);

// "; did you mean '--ratio'?", `prefix` before the known word that is nearest to `word`; empty where none is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known, std::string_view prefix = "");

}  // namespace laconic
