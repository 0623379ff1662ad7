#include "topology/link_file.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "base/error.h"
#include "topology/text_file.h"

namespace laconic {
namespace {

constexpr std::size_t kMostNodeRounds = 10'000'000;  // some hundred MB
constexpr double kLeastWeight = 1e-6;                // less would be lost in the fixed point of push-sum weights
constexpr double kOffOne = 1e-9;                     // how far weights that are to add up to 1 may be off

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t comma = std::min(line.find(','), line.size());
    std::string_view field = line.substr(0, comma);
    skip_blanks(field);
    while (!field.empty() && (field.back() == ' ' || field.back() == '\t')) field.remove_suffix(1);
    fields.push_back(field);
    if (comma == line.size()) return fields;
    line.remove_prefix(comma + 1);
  }
}

// The start of a field, fit to be shown.
std::string shown(std::string_view text) {
  std::string result(text.substr(0, 40));
  for (char& c : result) {
    if (c < ' ' || c > '~') c = '?';
  }
  return result;
}

bool is_word(std::string_view field) {
  return !field.empty() && std::none_of(field.begin(), field.end(), [](char c) { return c >= '0' && c <= '9'; });
}

std::uint32_t whole_number(std::string_view text, const std::string& what, std::size_t limit, const Place& place) {
  std::uint32_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size() || value >= limit) {
    place.fail("'" + shown(text) + "' is no " + what + ": a whole number from 0 to " + std::to_string(limit - 1));
  }
  return value;
}

double weight_of(std::string_view text, const Place& place) {
  double value = 0.0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc{} || result.ptr != text.data() + text.size() || !(value >= kLeastWeight && value <= 1.0)) {
    place.fail("'" + shown(text) + "' is no weight: a number from 0.000001 to 1");
  }
  return value;
}

struct Listed {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  double weight = 0.0;  // 0: not given
  std::size_t line = 0;
};

// One round's links as P; `own` are the weights that senders listed for themselves.
LinkMatrix matrix_of(std::uint32_t nodes, std::vector<Listed> listed, bool weighted, const std::string& file) {
  std::stable_sort(listed.begin(), listed.end(),
                   [](const Listed& a, const Listed& b) { return std::pair(a.from, a.to) < std::pair(b.from, b.to); });
  for (std::size_t i = 1; i < listed.size(); ++i) {
    if (listed[i].from != listed[i - 1].from || listed[i].to != listed[i - 1].to) continue;
    Place{file, std::max(listed[i].line, listed[i - 1].line)}.fail(
        "the link is listed already in this round, in line " +
        std::to_string(std::min(listed[i].line, listed[i - 1].line)) + "; list it once");
  }
  if (!weighted) {
    std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (const Listed& link : listed) pairs.emplace_back(link.from, link.to);
    return LinkMatrix::evenly(nodes, pairs);
  }
  std::vector<Link> links;
  for (std::size_t begin = 0; begin < listed.size();) {
    const std::uint32_t from = listed[begin].from;
    std::size_t end = begin;
    double sum = 0.0;
    bool keeps = false;
    for (; end < listed.size() && listed[end].from == from; ++end) {
      sum += listed[end].weight;
      if (listed[end].to == from) {
        keeps = true;
      } else {
        links.push_back({from, listed[end].to, listed[end].weight});
      }
    }
    const Place place{file, listed[end - 1].line};
    if (keeps ? std::abs(sum - 1.0) > kOffOne : sum > 1.0 + kOffOne) {
      place.fail("the weights of node " + std::to_string(from) + " in this round add up to " + std::to_string(sum) +
                 (keeps ? "; they have to add up to 1" : "; they may add up to 1 at most, and what is left it keeps"));
    }
    // Weights such as three times 0.3333333333 and 0.0000000001: the sum that is taken is at most 1.
    if (sum > 1.0) {
      for (auto link = links.rbegin(); link != links.rend() && link->from == from; ++link) link->weight /= sum;
    }
    begin = end;
  }
  return LinkMatrix(nodes, std::move(links));
}

}  // namespace

std::shared_ptr<const LinkSchedule> parse_link_file(std::string_view text, const std::string& file) {
  std::map<std::uint32_t, std::vector<Listed>> rounds;
  std::optional<bool> weighted;
  std::uint32_t nodes = 0;
  std::size_t count = 0;
  bool first = true;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view whole = take_line(text);
    const std::string_view line = whole.substr(0, whole.find('#'));  // what follows is a comment
    if (line.empty()) continue;
    const Place place{file, number};
    const std::vector<std::string_view> fields = fields_of(line);
    if (std::exchange(first, false) && std::all_of(fields.begin(), fields.end(), is_word)) continue;  // a header
    if (fields.size() != 1 && fields.size() != 3 && fields.size() != 4) {
      place.fail(std::to_string(fields.size()) + " fields; a line is round,from,to or round,from,to,weight");
    }
    const std::uint32_t round = whole_number(fields[0], "round", kMaxLinkRounds, place);
    std::vector<Listed>& links = rounds[round];
    if (fields.size() == 1) continue;
    const bool has_weight = fields.size() == 4;
    if (weighted.value_or(has_weight) != has_weight) {
      place.fail(std::string(has_weight ? "a weight where the lines before have none"
                                        : "no weight where the lines before have one") +
                 "; give one in all lines or in none");
    }
    weighted = has_weight;
    Listed link{.from = whole_number(fields[1], "node", kMaxNodes, place),
                .to = whole_number(fields[2], "node", kMaxNodes, place),
                .weight = has_weight ? weight_of(fields[3], place) : 0.0,
                .line = number};
    if (link.from == link.to && !has_weight) {
      place.fail("a link from node " + std::to_string(link.from) + " to itself; remove the line");
    }
    if (++count > 2 * kMaxEdges) place.fail("more than " + std::to_string(2 * kMaxEdges) + " links");
    nodes = std::max({nodes, link.from + 1, link.to + 1});
    links.push_back(link);
  }
  if (nodes == 0) throw UsageError(file + ": lists no link; a line is round,from,to such as 0,0,1");
  if (rounds.rbegin()->first + 1 != rounds.size()) {
    std::uint32_t missing = 0;
    while (rounds.contains(missing)) ++missing;
    throw UsageError(
        fmt::format("{}: nothing is said of round {} of 0 to {}; give it links, or a line with its number alone if "
                    "nobody sends in it",
                    file, missing, rounds.rbegin()->first));
  }
  if (nodes == 1) throw UsageError(file + ": one node has nobody to send to; list links between at least two");
  if (rounds.size() * std::size_t{nodes} > kMostNodeRounds) {
    throw UsageError(fmt::format("{}: {} rounds of {} nodes; give fewer rounds", file, rounds.size(), nodes));
  }
  std::vector<LinkMatrix> matrices;
  matrices.reserve(rounds.size());
  for (auto& [round, links] : rounds) {
    matrices.push_back(matrix_of(nodes, std::move(links), weighted.value_or(false), file));
  }
  return std::make_shared<LinkSchedule>(std::move(matrices));
}

std::shared_ptr<const LinkSchedule> read_link_file(const std::string& path) {
  return parse_link_file(read_text_file(path, "a file of links"), path);
}

}  // namespace laconic
