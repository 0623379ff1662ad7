// Graphs from files: one edge a line, its two nodes first.
//
//   # comments, those of KONECT (%) and empty lines are skipped
//   from,to,weight
//   alice,bob,3
//   bob,"carol, the third",1
//
// The first line decides what stands between fields: commas, else semicolons, else tabs, else blanks. Columns behind the
// first two are left out, and as many on each line. Either all nodes are whole numbers that leave no gap, counted from 0
// or from 1, which are their ranks, or all are names, which get their ranks in the order in which they first appear. The first line is taken as a header when none of its words
// appears in another line and the next line has numbers, or the words are known ones for columns (from,to;
// source,target; u,v; ...). An edge may be listed once in each direction. Fields may stand in double quotes, a quote within them
// doubled (RFC 4180), but not run over the end of a line; blanks around fields are dropped.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "topology/graph.h"

namespace laconic {

inline constexpr std::size_t kMaxNodeNameBytes = 200;

// The graph of a text; nodes that are names keep them, and its origin says all that the file was taken as. It may be in
// several parts. Throws UsageError that begins with
// `file:line: ` and says what is wrong there and what to do: another number of fields, a quote that doesn't close, an
// empty or overlong name, control characters, numbers mixed with names, a self loop, an edge repeated in one direction
// (with the line of the first), a node without any edge, more than Graph takes, no edge at all.
Graph parse_edge_list(std::string_view text, const std::string& file);

// The same from a file (text_file.h). Throws UsageError also when it cannot be read.
Graph read_edge_list(const std::string& path);

}  // namespace laconic
