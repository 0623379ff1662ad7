#include "topology/edge_list.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/error.h"
#include "topology/text_file.h"

namespace laconic {
namespace {

// One line that lists an edge.
struct Row {
  std::size_t line = 0;  // counted from 1
  std::string a;
  std::string b;
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

// Takes a field, and the blanks around it, off the front of `rest`; what is left is empty or begins with a comma.
std::string take_field(std::string_view& rest, const Place& place) {
  skip_blanks(rest);
  std::string field;
  if (rest.starts_with('"')) {
    rest.remove_prefix(1);
    for (;;) {
      const std::size_t quote = rest.find('"');
      if (quote == std::string_view::npos) place.fail("a quoted name doesn't end on its line; close it with \"");
      field += rest.substr(0, quote);
      rest.remove_prefix(quote + 1);
      if (!rest.starts_with('"')) break;
      field += '"';
      rest.remove_prefix(1);
    }
    skip_blanks(rest);
    if (!rest.empty() && rest.front() != ',') place.fail("there is text behind a quoted name; separate by a comma");
  } else {
    const std::size_t comma = std::min(rest.find(','), rest.size());
    field = rest.substr(0, comma);
    rest.remove_prefix(comma);
    while (!field.empty() && is_blank(field.back())) field.pop_back();
  }
  if (field.empty()) place.fail("an empty name; a line is two nodes separated by a comma, such as 0,1");
  if (field.size() > kMaxNodeNameBytes) {
    place.fail("a name of " + std::to_string(field.size()) + " bytes; it has at most " +
               std::to_string(kMaxNodeNameBytes));
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(field.begin(), field.end(), is_control)) place.fail("a control character; give a text file");
  return field;
}

std::vector<Row> rows_of(std::string_view text, const std::string& file) {
  std::vector<Row> rows;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = take_line(text);
    if (line.empty() || line.front() == '#') continue;
    const Place place{file, number};
    if (rows.size() > kMaxEdges) place.fail("more than " + std::to_string(kMaxEdges) + " edges");
    Row row{.line = number, .a = take_field(line, place), .b = {}};
    if (line.empty()) place.fail("one node; a line is two nodes separated by a comma, such as 0,1");
    line.remove_prefix(1);
    row.b = take_field(line, place);
    if (!line.empty()) place.fail("more than two fields; a line is just two nodes, so cut other columns off");
    rows.push_back(std::move(row));
  }
  return rows;
}

bool is_number(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_header(const std::vector<Row>& rows) {
  const Row& first = rows.front();
  if (is_number(first.a) && is_number(first.b)) return false;
  const bool comes_again = std::any_of(rows.begin() + 1, rows.end(), [&](const Row& row) {
    return row.a == first.a || row.a == first.b || row.b == first.a || row.b == first.b;
  });
  if (rows.size() < 2 || comes_again) return false;
  if (is_number(rows[1].a)) return true;
  // Among names, words that head columns. Others would make a first edge that touches no other disappear.
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kHeaders = {{{"from", "to"},
                                                                                      {"source", "target"},
                                                                                      {"src", "dst"},
                                                                                      {"node1", "node2"},
                                                                                      {"node_a", "node_b"},
                                                                                      {"a", "b"},
                                                                                      {"u", "v"},
                                                                                      {"woman", "event"}}};
  const auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return text;
  };
  return std::find(kHeaders.begin(), kHeaders.end(),
                   std::pair<std::string_view, std::string_view>(lower(first.a), lower(first.b))) != kHeaders.end();
}

// Gives nodes their ranks.
class Nodes {
 public:
  explicit Nodes(const Row& first) : first_line_(first.line), numbers_(is_number(first.a)) {}

  std::uint32_t rank(const std::string& node, const Place& place) {
    if (is_number(node) != numbers_) {
      place.fail("'" + node + "' is " + (numbers_ ? "a name" : "a number") + " where line " +
                 std::to_string(first_line_) + " has a " + (numbers_ ? "number" : "name") +
                 "; give all nodes as numbers from 0, or all as names");
    }
    std::uint32_t rank = static_cast<std::uint32_t>(names_.size());
    if (numbers_) {
      const auto result = std::from_chars(node.data(), node.data() + node.size(), rank);
      if (result.ec != std::errc{} || rank >= kMaxNodes) {
        place.fail("node " + node + "; nodes are numbered from 0 without gaps, " + std::to_string(kMaxNodes) +
                   " at most");
      }
      count_ = std::max(count_, rank + 1);
      return rank;
    }
    const auto [entry, is_new] = ranks_.emplace(node, rank);
    if (!is_new) return entry->second;
    if (rank >= kMaxNodes) place.fail("more than " + std::to_string(kMaxNodes) + " different nodes");
    names_.push_back(node);
    count_ = rank + 1;
    return rank;
  }

  std::uint32_t count() const { return count_; }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::size_t first_line_;
  bool numbers_;
  std::uint32_t count_ = 0;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::uint32_t> ranks_;  // looked up, never gone through
};

}  // namespace

Graph parse_edge_list(std::string_view text, const std::string& file) {
  std::vector<Row> rows = rows_of(text, file);
  if (!rows.empty() && is_header(rows)) rows.erase(rows.begin());
  if (rows.empty()) throw UsageError(file + ": lists no edge; a line is two nodes separated by a comma, such as 0,1");

  Nodes nodes(rows.front());
  struct Listed {
    Edge edge;
    std::size_t line;
  };
  std::vector<Listed> listed;
  for (const Row& row : rows) {
    const Place place{file, row.line};
    const std::uint32_t a = nodes.rank(row.a, place);
    const std::uint32_t b = nodes.rank(row.b, place);
    if (a == b) place.fail("the edge joins node '" + row.a + "' with itself; remove the line");
    listed.push_back({{std::min(a, b), std::max(a, b)}, row.line});
  }
  std::stable_sort(listed.begin(), listed.end(), [](const Listed& x, const Listed& y) { return x.edge < y.edge; });
  std::vector<bool> joined(nodes.count(), false);
  std::vector<Edge> edges;
  for (std::size_t i = 0; i < listed.size(); ++i) {
    const Edge& edge = listed[i].edge;
    if (i > 0 && listed[i - 1].edge == edge) {
      Place{file, listed[i].line}.fail("the edge is listed already, in line " + std::to_string(listed[i - 1].line) +
                                       "; the graph is undirected: list each edge once");
    }
    joined[edge.a] = joined[edge.b] = true;
    edges.push_back(edge);
  }
  const auto lonely = std::find(joined.begin(), joined.end(), false);
  if (lonely != joined.end()) {
    throw UsageError(fmt::format("{}: no edge leads to node {} of 0 to {}; number the nodes from 0 without gaps", file,
                                 lonely - joined.begin(), nodes.count() - 1));
  }
  if (edges.size() > kMaxEdges) throw UsageError(file + ": more than " + std::to_string(kMaxEdges) + " edges");
  return Graph(nodes.count(), std::move(edges), nodes.names());
}

Graph read_edge_list(const std::string& path) { return parse_edge_list(read_text_file(path, "a file of edges"), path); }

}  // namespace laconic
