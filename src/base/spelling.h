// Words that people spell in their own way: which known word they mean, and how an error says so.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace laconic {

// The word in lower case without anything but letters, digits and bytes beyond ASCII: "LeNet-5" is "lenet5".
std::string folded(std::string_view word);

// The one of `known` that is `word`, or else the only one that is it but for case, hyphens, underscores and blanks:
// "Fashion-MNIST" is "fashion_mnist". Empty where there is none, or where two are.
std::string_view same_word(std::string_view word, std::span<const std::string_view> known);

// The word of `known` that `word` is likely meant to be: the same but for case and signs, or a few slips of the keyboard
// away (letters changed, missing, too many or swapped; one of them in a word of up to four letters). Empty where none is
// near. Of two that are equally near, the first.
std::string_view nearest(std::string_view word, std::span<const std::string_view> known);

// "fda, dma, choco"
std::string listed(std::span<const std::string_view> names);

// "; did you mean '--ratio'?", `prefix` before the known word that is nearest to `word`; empty where none is near.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known, std::string_view prefix = "");

// What a spec with its parameter behind a colon ("dirichlet:0.3") was meant to be where it is written as a call or with a
// blank, an equals sign or a comma: "dirichlet(0.3)", "Dirichlet 0.3", "dirichlet(alpha=0.3)", or with another spelling
// of one of the names `known`. Nothing where the text is such a spec of a known name already, or no such call.
std::optional<std::string> spec_meant(std::string_view text, std::span<const std::string_view> known);

}  // namespace laconic
