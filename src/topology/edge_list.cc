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

constexpr std::size_t kMostColumns = 64;
constexpr const char* kAsked = "a line is two nodes separated by a comma, such as 0,1";

// What the first line decides for all.
struct Form {
  char separator = ',';  // ' ': any blanks
  std::size_t columns = 2;
};

// One line that lists an edge.
struct Row {
  std::size_t line = 0;  // counted from 1
  std::string a;
  std::string b;
};

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool separates(char c, char separator) { return separator == ' ' ? is_blank(c) : c == separator; }

void skip_padding(std::string_view& text, char separator) {
  while (!text.empty() && is_blank(text.front()) && (separator == ' ' || text.front() != separator)) {
    text.remove_prefix(1);
  }
}

// Takes a field, and the blanks around it, off the front of `rest`; what is left is empty or begins with a separator.
std::string take_field(std::string_view& rest, char separator, const Place& place) {
  skip_padding(rest, separator);
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
    if (separator != ' ') skip_padding(rest, separator);
    if (!rest.empty() && !separates(rest.front(), separator)) {
      place.fail("there is text behind a quoted name; separate by a comma");
    }
  } else {
    const auto end = std::find_if(rest.begin(), rest.end(), [&](char c) { return separates(c, separator); });
    const auto length = static_cast<std::size_t>(end - rest.begin());
    field = rest.substr(0, length);
    rest.remove_prefix(length);
    while (!field.empty() && is_blank(field.back())) field.pop_back();
  }
  return field;
}

void check_name(const std::string& field, const Place& place) {
  if (field.empty()) place.fail(std::string("an empty name; ") + kAsked);
  if (field.size() > kMaxNodeNameBytes) {
    place.fail("a name of " + std::to_string(field.size()) + " bytes; it has at most " +
               std::to_string(kMaxNodeNameBytes));
  }
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (std::any_of(field.begin(), field.end(), is_control)) place.fail("a control character; give a text file");
}

// The fields of a line.
std::vector<std::string> fields_of(std::string_view line, char separator, const Place& place) {
  std::vector<std::string> fields;
  for (;;) {
    fields.push_back(take_field(line, separator, place));
    if (separator == ' ') skip_blanks(line);
    if (line.empty()) return fields;
    if (fields.size() == kMostColumns)
      place.fail("more than " + std::to_string(kMostColumns) + " fields; cut some off");
    if (separator != ' ') line.remove_prefix(1);
  }
}

// What separates the fields of the first line, in whose quotes anything may stand.
char separator_of(std::string_view line) {
  std::string plain;
  bool in_quotes = false;
  for (const char c : line) {
    if (c == '"') in_quotes = !in_quotes;
    if (!in_quotes) plain += c;
  }
  for (const char separator : {',', ';', '\t'}) {
    if (plain.find(separator) != std::string::npos) return separator;
  }
  return ' ';
}

bool is_number(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// The name of the format of graphs that a text without blanks before it begins like; empty: of none that has one.
std::string_view foreign_format(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kBeginnings = {
      {{"<", "XML, such as GraphML"},
       {"{", "JSON"},
       {"[", "JSON"},
       {"graph ", "GML or DOT"},
       {"digraph ", "DOT"},
       {"strict ", "DOT"},
       {"*", "Pajek's form"},
       {"%%MatrixMarket", "Matrix Market's form"}}};
  for (const auto& [beginning, name] : kBeginnings) {
    if (text.starts_with(beginning)) return name;
  }
  return {};
}

std::vector<Row> rows_of(std::string_view text, const std::string& file, Form& form) {
  std::vector<Row> rows;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  if (const std::string_view format = foreign_format(text); !format.empty()) {
    Place{file, 1}.fail("the file begins like " + std::string(format) +
                        "; write its edges instead, one a line: networkx.write_edgelist(graph, path, data=False)");
  }
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = take_line(text);
    if (line.empty() || line.front() == '#' || line.front() == '%') continue;
    const Place place{file, number};
    if (rows.size() > kMaxEdges) place.fail("more than " + std::to_string(kMaxEdges) + " edges");
    if (rows.empty()) form.separator = separator_of(line);
    std::vector<std::string> fields = fields_of(line, form.separator, place);
    if (fields.size() < 2) {
      place.fail((rows.empty() ? "one node; "
                               : "one node where line " + std::to_string(rows.front().line) +
                                     " has two, and another separator; ") +
                 std::string(kAsked));
    }
    if (rows.empty()) form.columns = fields.size();
    if (fields.size() != form.columns) {
      const bool may_be_metis = form.separator == ' ' && is_number(rows.front().a) && is_number(rows.front().b);
      place.fail(fmt::format("{} fields where line {} has {}; give each line as many{}", fields.size(),
                             rows.front().line, form.columns,
                             may_be_metis ? " (METIS's form, a node a line, is not read: write an edge a line)" : ""));
    }
    check_name(fields[0], place);
    check_name(fields[1], place);
    rows.push_back({.line = number, .a = std::move(fields[0]), .b = std::move(fields[1])});
  }
  return rows;
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
      const auto [entry, is_new] = spellings_.emplace(rank, node);
      if (!is_new && entry->second != node) {
        place.fail("'" + node + "' and '" + entry->second + "' are one number; write it in one way, or use names");
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
  bool are_numbers() const { return numbers_; }

 private:
  std::size_t first_line_;
  bool numbers_;
  std::uint32_t count_ = 0;
  std::vector<std::string> names_;
  std::unordered_map<std::string, std::uint32_t> ranks_;      // looked up, never gone through
  std::unordered_map<std::uint32_t, std::string> spellings_;  // of numbers, likewise
};

const char* separator_text(char separator) {
  return separator == ',' ? "commas" : separator == ';' ? "semicolons" : separator == '\t' ? "tabs" : "blanks";
}

std::string columns_left_out(std::size_t columns) {
  if (columns == 2) return {};
  return columns == 3 ? "; column 3 is left out" : fmt::format("; columns 3 to {} are left out", columns);
}

}  // namespace

Graph parse_edge_list(std::string_view text, const std::string& file) {
  Form form;
  std::vector<Row> rows = rows_of(text, file, form);
  const bool has_header = !rows.empty() && is_header(rows);
  if (has_header) rows.erase(rows.begin());
  if (rows.empty()) throw UsageError(file + ": lists no edge; " + kAsked);

  Nodes nodes(rows.front());
  struct Listed {
    Edge edge;
    std::size_t line;
    bool backwards;  // from the greater node to the lesser one
  };
  std::vector<Listed> listed;
  for (const Row& row : rows) {
    const Place place{file, row.line};
    const std::uint32_t a = nodes.rank(row.a, place);
    const std::uint32_t b = nodes.rank(row.b, place);
    if (a == b) place.fail("the edge joins node '" + row.a + "' with itself; remove the line");
    listed.push_back({{std::min(a, b), std::max(a, b)}, row.line, a > b});
  }
  std::stable_sort(listed.begin(), listed.end(), [](const Listed& x, const Listed& y) {
    return std::pair(x.edge, x.backwards) < std::pair(y.edge, y.backwards);
  });
  // Numbers that begin with 1 are ranks and one.
  const bool from_1 = nodes.are_numbers() &&
                      std::none_of(listed.begin(), listed.end(), [](const Listed& one) { return one.edge.a == 0; });
  const std::uint32_t first = from_1 ? 1 : 0;
  std::size_t in_both_directions = 0;
  std::vector<bool> joined(nodes.count() - first, false);
  std::vector<Edge> edges;
  for (std::size_t i = 0; i < listed.size(); ++i) {
    const Edge edge{listed[i].edge.a - first, listed[i].edge.b - first};
    if (i > 0 && listed[i - 1].edge == listed[i].edge) {
      if (listed[i - 1].backwards != listed[i].backwards) {
        ++in_both_directions;
        continue;
      }
      Place{file, listed[i].line}.fail("the edge is listed already, in line " + std::to_string(listed[i - 1].line) +
                                       "; list it once, or once in each direction");
    }
    joined[edge.a] = joined[edge.b] = true;
    edges.push_back(edge);
  }
  const auto lonely = std::find(joined.begin(), joined.end(), false);
  if (lonely != joined.end()) {
    throw UsageError(fmt::format("{}: no edge leads to node {} of {} to {}; number the nodes from 0 or 1 without gaps",
                                 file, static_cast<std::uint32_t>(lonely - joined.begin()) + first, first,
                                 nodes.count() - 1));
  }
  if (edges.size() > kMaxEdges) throw UsageError(file + ": more than " + std::to_string(kMaxEdges) + " edges");
  std::string origin =
      fmt::format("{} lines{}, separated by {}{}; nodes are {}", rows.size(), has_header ? " below a header" : "",
                  separator_text(form.separator), columns_left_out(form.columns),
                  !nodes.are_numbers() ? "names"
                  : from_1             ? "numbers from 1 (node 1 is worker 0)"
                                       : "numbers from 0");
  if (in_both_directions > 0) {
    origin += fmt::format("; {} of {} edges {} listed in both directions", in_both_directions, edges.size(),
                          in_both_directions == 1 ? "is" : "are");
  }
  return Graph(nodes.count() - first, std::move(edges), nodes.names(), std::move(origin));
}

Graph read_edge_list(const std::string& path) { return parse_edge_list(read_text_file(path, "a file of edges"), path); }

}  // namespace laconic
