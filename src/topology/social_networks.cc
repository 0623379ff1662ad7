// Social networks that the field measures on, as their authors published them.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "topology/families.h"

namespace laconic {
namespace {

// Who came to which of 14 events in Natchez, Mississippi. Davis, Gardner and Gardner, Deep South (University of Chicago
// Press, 1941), p. 148; the two-mode network of the decentralised learning literature (Koloskova et al., ICLR 2020).
struct Woman {
  std::string_view name;
  std::string_view events;  // a digit of base 15 an event: 1 .. 9, then a = 10 to e = 14
};
constexpr std::uint32_t kEvents = 14;
constexpr std::array<Woman, 18> kWomen = {{
    {"Evelyn Jefferson", "12345689"},
    {"Laura Mandeville", "1235678"},
    {"Theresa Anderson", "23456789"},
    {"Brenda Rogers", "1345678"},
    {"Charlotte McDowd", "3457"},
    {"Frances Anderson", "3568"},
    {"Eleanor Nye", "5678"},
    {"Pearl Oglethorpe", "689"},
    {"Ruth DeSand", "5789"},
    {"Verne Sanderson", "789c"},
    {"Myra Liddel", "89ac"},
    {"Katherina Rogers", "89acde"},
    {"Sylvia Avondale", "789acde"},
    {"Nora Fayette", "679abcde"},
    {"Helen Lloyd", "78abc"},
    {"Dorothy Murchison", "89"},
    {"Olivia Carleton", "9b"},
    {"Flora Price", "9b"},
}};

// Friendships outside the club. Zachary, An information flow model for conflict and fission in small groups, Journal of
// Anthropological Research 33 (1977), fig. 1; members are counted from 0 here, from 1 there.
struct Friends {
  std::uint32_t member;
  std::vector<std::uint32_t> later;  // friends with a higher number
};
constexpr std::uint32_t kMembers = 34;
const std::vector<Friends>& karate_friends() {
  static const std::vector<Friends> table = {
      {0, {1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 17, 19, 21, 31}},
      {1, {2, 3, 7, 13, 17, 19, 21, 30}},
      {2, {3, 7, 8, 9, 13, 27, 28, 32}},
      {3, {7, 12, 13}},
      {4, {6, 10}},
      {5, {6, 10, 16}},
      {6, {16}},
      {8, {30, 32, 33}},
      {9, {33}},
      {13, {33}},
      {14, {32, 33}},
      {15, {32, 33}},
      {18, {32, 33}},
      {19, {33}},
      {20, {32, 33}},
      {22, {32, 33}},
      {23, {25, 27, 29, 32, 33}},
      {24, {25, 27, 31}},
      {25, {31}},
      {26, {29, 33}},
      {27, {33}},
      {28, {31, 33}},
      {29, {32, 33}},
      {30, {32, 33}},
      {31, {32, 33}},
      {32, {33}},
  };
  return table;
}

}  // namespace

Graph make_davis(const TopologyRequest&) {
  // The women first, then the events.
  std::vector<std::string> names;
  std::vector<Edge> edges;
  for (const Woman& woman : kWomen) {
    const auto rank = static_cast<std::uint32_t>(names.size());
    for (const char digit : woman.events) {
      const std::uint32_t event = digit <= '9' ? digit - '1' : digit - 'a' + 9;
      edges.push_back({rank, static_cast<std::uint32_t>(kWomen.size()) + event});
    }
    names.emplace_back(woman.name);
  }
  for (std::uint32_t event = 1; event <= kEvents; ++event) names.push_back("E" + std::to_string(event));
  const auto nodes = static_cast<std::uint32_t>(names.size());
  return Graph(nodes, std::move(edges), std::move(names));
}

Graph make_karate(const TopologyRequest&) {
  std::vector<Edge> edges;
  for (const Friends& row : karate_friends()) {
    for (const std::uint32_t friend_of : row.later) edges.push_back({row.member, friend_of});
  }
  return Graph(kMembers, std::move(edges));
}

}  // namespace laconic
