// Whose samples are whose, where files give users names: they are numbered in the order of the bytes of these.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace laconic {

// Sorts `names`, which are all different. At place i of the result is the number that name i has now.
std::vector<std::uint32_t> sort_names(std::vector<std::string>& names);

// `numbers[user]` for each of `users`.
std::vector<std::uint32_t> numbered(std::span<const std::uint32_t> users, std::span<const std::uint32_t> numbers);

}  // namespace laconic
