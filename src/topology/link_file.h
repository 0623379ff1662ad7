// Schedules of links from files: one link a line.
//
//   # comments, also behind a link, and empty lines are skipped
//   round,from,to,weight
//   0,0,1
//   0,1,2
//   1,2,0
//
// Rounds and nodes are whole numbers from 0 without gaps; the rounds come again and again. The fourth field may be left
// out, in all lines or in none: each sender then divides evenly between its receivers of the round and itself. With
// weights, a sender keeps what its links leave of 1; where it lists a link to itself, they have to add up to 1. A round
// in which nobody sends has one line with the round alone. The first line is a header when no field has a digit.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "topology/schedule.h"

namespace laconic {

inline constexpr std::size_t kMaxLinkRounds = 100'000;

// Throws UsageError that begins with `file:line: ` or `file: ` and says what is wrong there and what to do.
std::shared_ptr<const LinkSchedule> parse_link_file(std::string_view text, const std::string& file);
// The same from a file (text_file.h). Throws UsageError also when it cannot be read.
std::shared_ptr<const LinkSchedule> read_link_file(const std::string& path);

}  // namespace laconic
