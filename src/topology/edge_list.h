// Graphs from files: one edge a line, its two nodes separated by a comma.
//
//   # comments and empty lines are skipped
//   from,to
//   alice,bob
//   bob,"carol, the third"
//
// Either all nodes are whole numbers, which are their ranks and leave no gap (0 .. n-1), or all are names, which get
// their ranks in the order in which they first appear. The first line is taken as a header when none of its words
// appears in another line and the next line has numbers, or the words are known ones for columns (from,to;
// source,target; u,v; ...). Each undirected edge is listed once. Fields may stand in double quotes, a quote within them
// doubled (RFC 4180), but not run over the end of a line; blanks around fields are dropped.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "topology/graph.h"

namespace laconic {

inline constexpr std::size_t kMaxNodeNameBytes = 200;

// The graph of a text; nodes that are names keep them. It may be in several parts. Throws UsageError that begins with
// `file:line: ` and says what is wrong there and what to do: another number of fields, a quote that doesn't close, an
// empty or overlong name, control characters, numbers mixed with names, a self loop, a repeated edge (with the line of
// the first), a node without any edge, more than Graph takes, no edge at all.
Graph parse_edge_list(std::string_view text, const std::string& file);

// The same from a file (text_file.h). Throws UsageError also when it cannot be read.
Graph read_edge_list(const std::string& path);

}  // namespace laconic
