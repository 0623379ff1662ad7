// A file of links of any bytes becomes a schedule that keeps its promises, or a UsageError of one line that names the
// file.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/error.h"
#include "topology/link_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using laconic::Rank;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  try {
    const auto schedule = laconic::parse_link_file(text, "links.csv");
    LACONIC_CHECK(schedule->period() >= 1 && schedule->nodes() >= 1, schedule->nodes() << " nodes");
    for (std::uint64_t round = 0; round < schedule->period(); ++round) {
      const auto links = schedule->at(round);
      for (Rank node{0}; node.value < static_cast<std::int32_t>(links->nodes()); ++node.value) {
        double given = links->self_weight(node);
        LACONIC_CHECK(given >= 0.0, "node " << node.value << " keeps " << given);
        for (const auto& receiver : links->receivers(node)) {
          LACONIC_CHECK(receiver.rank.value != node.value && receiver.weight > 0.0, "node " << node.value);
          given += receiver.weight;
        }
        LACONIC_CHECK(std::abs(given - 1.0) < 1e-9, "node " << node.value << " gives " << given);
      }
    }
  } catch (const laconic::UsageError& error) {
    const std::string_view problem = error.what();
    LACONIC_CHECK(problem.starts_with("links.csv:") && problem.find('\n') == std::string_view::npos, problem);
  }
  return 0;
}
